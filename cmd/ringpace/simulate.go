package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/vbauerster/mpb/v8/decor"

	"ringpace/pacing/sim"
)

// simulateFlags are what the simulate command is told.
type simulateFlags struct {
	scenarios, files, algorithms []string
	agents                       []int
	seeds                        int
	first                        uint64
	reference                    string
	asJSON, asCSV, asMarkdown    bool
	svg, record                  string
	replay                       replayFlags
}

func simulateCommand() *command {
	return &command{
		name: "simulate", short: "Try ways of pacing on simulated days",
		long: `Plays whole days of calls and agents on virtual time against the code that paces
campaigns, beside other ways of pacing, and shows what agents, and people who
answer, would have had of it. The same seed is the same day for every algorithm:
the same people, the same talks. --list names scenarios and algorithms; --dump
writes a scenario as the file to begin one's own with.

  ringpace simulate
  ringpace simulate --scenario A20,B --algorithm all --seeds 100 --svg chart.svg
  ringpace simulate --dump C > floor.yaml
  ringpace simulate --file floor.yaml --agents 2,3,5,10,20,50
  ringpace simulate --scenario A20 --algorithm predictive,progressive --seeds 10 --json

Shares are of 1 in JSON and CSV, times are in the unit that their name ends in. With
one scenario and one number of agents --json answers one object: scenario, agents,
hours, ceiling, seeds, first_seed, and results, one for each algorithm in the order
asked for: algorithm, utilisation and utilisation_ci95 ([low, high] of the 95 %
confidence interval, null for one day), abandonment (mean of the days),
abandonment_ci95, abandonment_p95, abandonment_max, days, days_over_ceiling (their
share), days_over_ceiling_count, days_over_ceiling_upper95, wait_s, wait_p90_s,
talk_min_per_h, conversations_per_h, dials_per_conversation, versus_reference
(utilisation, utilisation_ci95, p, p_holm). With more it is {"scenarios": [such
objects], "overall": [...]}, where overall counts the days over the ceiling of all.

--replay plays recorded days again, from files of call detail records or, by a daemon's
address, from its Redis: as they were paced (--was), and paced otherwise (--change). Both are
name=value,... with mode, ratio, ceiling, target, max_ratio, max_in_flight, give_up (on,
off), abandon_after, ring_timeout and agents (+2, -1); what --was does not name is as in
--config, or else as a campaign has it by default. What people and agents did is drawn from
the records, over and over, so that every figure has an interval. --json answers one object:
campaign, days, calls, left_out, agents, replays, first_seed, was, changed, and figures:
name, recorded, was, changed and difference (mean, ci95: the interval of 95 % of the
replays), fits (whether the record lies in the interval of was).

  ringpace simulate --replay cdr-000001.jsonl,cdr-000002.jsonl --was mode=progressive --change mode=predictive
  ringpace simulate --replay http://127.0.0.1:8080 --campaign welcome --config ringpace.yaml --change agents=+2
`,
		setup: func(flags *pflag.FlagSet) runner {
			var f simulateFlags
			flags.StringSliceVar(&f.scenarios, "scenario", nil, "presets, `NAME,...` or all (default A20 unless there is a --file)")
			flags.StringSliceVar(&f.files, "file", nil, "scenarios of your own, `FILE,...` in YAML")
			flags.StringSliceVar(&f.algorithms, "algorithm", []string{"predictive", "progressive"}, "ways of pacing, `NAME,...`, tuned (rivals) or all")
			flags.IntVar(&f.seeds, "seeds", 30, "days of each scenario; or how often --replay plays the days, 40")
			flags.Uint64Var(&f.first, "first-seed", 1, "seed of the first day; each further one has the next")
			flags.IntSliceVar(&f.agents, "agents", nil, "play each scenario with so many agents, `N,...`, its crews in proportion")
			flags.StringVar(&f.reference, "reference", "", "algorithm, `NAME`, that the others are compared with (default progressive, or else the first)")
			flags.BoolVar(&f.asJSON, "json", false, "answer as JSON")
			flags.BoolVar(&f.asCSV, "csv", false, "answer as CSV, a line for each scenario and algorithm")
			flags.BoolVar(&f.asMarkdown, "markdown", false, "answer as tables in Markdown: best tuned rival, predictive and oracles; all")
			flags.StringVar(&f.svg, "svg", "", "draw utilisation against abandonment, or against several --agents, to `FILE`")
			flags.StringVar(&f.record, "record", "", "write the calls of a scenario's days to `FILE`, as call detail records, and show nothing")
			f.replay.declare(flags)
			list := flags.Bool("list", false, "name the presets and the algorithms, and play nothing")
			dump := flags.String("dump", "", "write the preset, `NAME`, as YAML, and play nothing")
			return func(ctx context.Context, t *terminal, _ []string) error {
				switch {
				case *list:
					return listSimulations(t, f.asJSON)
				case *dump != "":
					return dumpScenario(t, *dump)
				case f.asJSON && f.asCSV || f.asMarkdown && (f.asJSON || f.asCSV):
					return usage("simulate: one of --json, --csv and --markdown")
				case len(f.replay.sources) > 0:
					if !flags.Changed("seeds") {
						f.seeds = usualReplays
					}
					return f.runReplay(ctx, t)
				}
				e, err := f.experiment()
				if err != nil {
					return err
				}
				if f.record != "" {
					return recordDays(e, f.record)
				}
				return simulate(ctx, t, e, f)
			}
		},
	}
}

// experiment is what the flags ask for.
func (f *simulateFlags) experiment() (*sim.Experiment, error) {
	e := &sim.Experiment{Seeds: f.seeds, First: f.first, Reference: f.reference}
	if f.seeds < 1 {
		return nil, usage("simulate: --seeds is at least 1")
	}
	if len(f.scenarios)+len(f.files) == 0 {
		f.scenarios = []string{"A20"}
	}
	var all []sim.Scenario
	for _, name := range f.scenarios {
		if name == "all" {
			all = append(all, sim.Presets()...)
			continue
		}
		s, err := sim.FindScenario(name)
		if err != nil {
			return nil, usage("simulate: %v", err)
		}
		all = append(all, s)
	}
	for _, path := range f.files {
		s, err := sim.Load(path)
		if err != nil {
			return nil, faultyScenario(path, err)
		}
		all = append(all, s)
	}
	for _, s := range all {
		if len(f.agents) == 0 {
			e.Scenarios = append(e.Scenarios, s)
		}
		for _, n := range f.agents {
			if n < 1 || n > sim.MostAgents {
				return nil, usage("simulate: --agents are from 1 to %d", sim.MostAgents)
			}
			e.Scenarios = append(e.Scenarios, s.WithAgents(n))
		}
	}
	for _, name := range f.algorithms {
		switch name {
		case "all":
			e.Algorithms = append(e.Algorithms, sim.Algorithms()...)
			continue
		case "tuned":
			e.Algorithms = append(e.Algorithms, sim.TunedRivals()...)
			continue
		}
		a, err := sim.FindAlgorithm(name)
		if err != nil {
			return nil, usage("simulate: %v", err)
		}
		e.Algorithms = append(e.Algorithms, a)
	}
	if e.Reference == "" && len(e.Algorithms) > 0 {
		e.Reference = e.Algorithms[0].Name
		if slices.ContainsFunc(e.Algorithms, func(a sim.Algorithm) bool { return a.Name == "progressive" }) {
			e.Reference = "progressive"
		}
	}
	if err := e.Check(); err != nil {
		return nil, usage("simulate: %v", err)
	}
	return e, nil
}

// faultyScenario counts the faults of a scenario's file, and has each on its line.
func faultyScenario(path string, err error) error {
	var faults sim.Faults
	if !errors.As(err, &faults) {
		return err
	}
	return fmt.Errorf("%s has %s:\n%w", path, count(len(faults), "fault"), faults)
}

func simulate(ctx context.Context, t *terminal, e *sim.Experiment, f simulateFlags) error {
	// Signals are left to end the process: days that are half played are worth nothing.
	bar := newBar(t, int64(e.Days()), t.fancy, decor.CountersNoUnit("%d of %d days"))
	e.Progress = func(done, _ int) { bar.show(int64(done)) }
	r, err := e.Run(ctx)
	bar.close(err == nil)
	if err != nil {
		return err
	}
	if f.svg != "" {
		if err := writeWhole(f.svg, func(w io.Writer) error { return r.Chart(w) }); err != nil {
			return err
		}
		if err := os.Chmod(f.svg, 0o644); err != nil {
			return err
		}
	}
	switch {
	case f.asCSV:
		return r.CSV(t.out)
	case f.asMarkdown:
		return r.Markdown(t.out)
	case f.asJSON && len(r.Scenarios) == 1:
		return t.json(r.Scenarios[0])
	case f.asJSON:
		return t.json(r)
	}
	return renderReport(t.out, r, e.Reference)
}

func listSimulations(t *terminal, asJSON bool) error {
	type row struct {
		Name  string `json:"name"`
		About string `json:"about"`
	}
	var all struct {
		Scenarios  []row `json:"scenarios"`
		Algorithms []row `json:"algorithms"`
	}
	for _, s := range sim.Presets() {
		all.Scenarios = append(all.Scenarios, row{s.Name, s.About})
	}
	for _, a := range sim.Algorithms() {
		all.Algorithms = append(all.Algorithms, row{a.Name, a.About})
	}
	if asJSON {
		return t.json(all)
	}
	for i, part := range [][]row{all.Scenarios, all.Algorithms} {
		longest := 0
		for _, r := range part {
			longest = max(longest, len(r.Name))
		}
		rows := [][]string{{[]string{"SCENARIO", "ALGORITHM"}[i], "WHAT IT IS"}}
		for _, r := range part {
			rows = append(rows, []string{r.Name, brief(r.About, max(t.width()-longest-2, 40))})
		}
		if err := grid(t.out, rows); err != nil {
			return err
		}
		if i == 0 {
			fmt.Fprintln(t.out)
		}
	}
	return nil
}

func dumpScenario(t *terminal, name string) error {
	s, err := sim.FindScenario(name)
	if err != nil {
		return usage("simulate: %v", err)
	}
	data, err := s.YAML()
	if err != nil {
		return err
	}
	_, err = t.out.Write(data)
	return err
}

// renderReport shows a table for each scenario.
func renderReport(w io.Writer, r *sim.Report, reference string) error {
	for rest := r.Scenarios; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Scenario == rest[0].Scenario {
			n++
		}
		if err := renderOutcomes(w, rest[:n], reference); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if len(r.Scenarios) > 1 {
		if err := renderOverall(w, r); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, `UTILISATION is talk and wrap-up over the time logged in, ± half of its 95 % interval.
A difference with * is one with 95 % certainty, for all comparisons shown (paired t tests, Holm).
DAYS OVER the ceiling; AT MOST such a share of all days with 95 % certainty (Clopper-Pearson).
WAIT is an agent's for the next call; TALK and CALLS are live conversations, for each agent-hour.
`)
	return err
}

// renderOverall shows the utilisation in every scenario side by side.
func renderOverall(w io.Writer, r *sim.Report) error {
	agents := make(map[string][]int)
	for _, o := range r.Scenarios {
		agents[o.Scenario] = append(agents[o.Scenario], o.Agents)
	}
	head := []string{"UTILISATION %"}
	for _, o := range r.Scenarios {
		name := o.Scenario
		if len(agents[name]) > 1 {
			name += fmt.Sprintf("/%d", o.Agents)
		}
		head = append(head, name)
	}
	rows := [][]string{append(head, "DAYS OVER", "AT MOST %")}
	for i, all := range r.Overall {
		row := []string{all.Algorithm}
		for _, o := range r.Scenarios {
			cell := percent(o.Results[i].Utilisation, 1)
			if o.Results[i].ShareOver > 0.05 {
				cell += "!"
			}
			row = append(row, cell)
		}
		rows = append(rows, append(row, fmt.Sprintf("%d of %d", all.DaysOver, all.Days), percent(all.UpperOver, 2)))
	}
	if err := grid(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, "! is more than 5 % of the days over the ceiling.\n\n")
	return err
}

// renderOutcomes shows one scenario, with as many agents as were asked for.
func renderOutcomes(w io.Writer, outcomes []sim.Outcome, reference string) error {
	o := outcomes[0]
	sweep := len(outcomes) > 1
	crowd := count(o.Agents, "agent")
	if sweep {
		byAgents := func(a, b sim.Outcome) int { return a.Agents - b.Agents }
		crowd = fmt.Sprintf("%d to %d agents", slices.MinFunc(outcomes, byAgents).Agents, slices.MaxFunc(outcomes, byAgents).Agents)
	}
	fmt.Fprintf(w, "%s: %s, %s of %s, at most %s %% of who answers abandoned\n\n",
		clean(o.Scenario), crowd, count(o.Seeds, "day"), seconds(o.Hours*3600), percent(o.Ceiling, 1))
	rows := [][]string{{
		"ALGORITHM", "UTILISATION %", "VS " + strings.ToUpper(reference), "ABANDONED %", "P95", "WORST", "DAYS OVER", "AT MOST %",
		"WAIT s", "P90", "TALK min/h", "CALLS/h", "DIALS/CALL",
	}}
	if sweep {
		rows[0] = append([]string{"AGENTS"}, rows[0]...)
	}
	for _, o := range outcomes {
		for i := range o.Results {
			row := resultRow(&o.Results[i])
			if sweep {
				row = append([]string{fmt.Sprint(o.Agents)}, row...)
			}
			rows = append(rows, row)
		}
	}
	if err := grid(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func resultRow(r *sim.Result) []string {
	versus := ""
	if v := r.Versus; v != nil {
		versus = fmt.Sprintf("%+.1f", 100*v.Utilisation)
		if half := v.CI.Half(); half.Defined() {
			versus += fmt.Sprintf(" ±%.1f", 100*half)
		}
		if v.PHolm < 0.05 {
			versus += " *"
		}
	}
	utilisation := percent(r.Utilisation, 1)
	if half := r.UtilisationCI.Half(); half.Defined() {
		utilisation += fmt.Sprintf(" ±%.1f", 100*half)
	}
	figure := func(f sim.Figure) string {
		if !f.Defined() {
			return ""
		}
		return fmt.Sprintf("%.1f", float64(f))
	}
	return []string{
		r.Algorithm, utilisation, versus, percent(r.Abandonment, 2), percent(r.AbandonmentP95, 2), percent(r.AbandonmentMax, 2),
		fmt.Sprint(r.DaysOver), percent(r.UpperOver, 1),
		figure(r.WaitS), figure(r.WaitP90S), fmt.Sprintf("%.1f", r.Talk), fmt.Sprintf("%.1f", r.Conversations), figure(r.Dials),
	}
}

// percent writes a share in percent, with so many digits after the point.
func percent(share float64, digits int) string { return fmt.Sprintf("%.*f", digits, 100*share) }
