package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/vbauerster/mpb/v8/decor"

	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/pacing/sim"
)

// usualReplays is how often recorded days are played.
const usualReplays = 40

// replayFlags are what simulate --replay is told.
type replayFlags struct {
	sources          []string
	campaign, config string
	was, change      string
}

func (f *replayFlags) declare(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.sources, "replay", nil, "play recorded days again: call detail records, `FILE,...`, or a daemon's address")
	flags.StringVar(&f.campaign, "campaign", "", "with --replay: whose records, `NAME`, where there are several")
	flags.StringVar(&f.config, "config", "", "with --replay: `FILE` that has the campaign's settings as they were")
	flags.StringVar(&f.was, "was", "", "with --replay: settings as they were, `SETTINGS`")
	flags.StringVar(&f.change, "change", "", "with --replay: what is changed, `SETTINGS`")
}

// runReplay plays recorded days again.
func (f *simulateFlags) runReplay(ctx context.Context, t *terminal) error {
	if f.asCSV || len(f.scenarios)+len(f.files) > 0 {
		return usage("simulate: --replay goes without --csv, --scenario and --file")
	}
	records, err := f.replay.read(ctx, t)
	if err != nil {
		return err
	}
	campaign, err := f.replay.campaignOf(records)
	if err != nil {
		return err
	}
	var calls []sim.RecordedCall
	for i := range records {
		if c, ok := dialer.Replayable(&records[i], campaign); ok {
			calls = append(calls, c)
		}
	}
	r := sim.Replay{Times: f.seeds, First: f.first}
	if r.History, err = sim.NewHistory(calls); err != nil {
		return fmt.Errorf("campaign %s: %w", campaign, err)
	}
	if r.Was, r.Changed, err = f.replay.conditions(campaign); err != nil {
		return err
	}
	if err := r.Check(); err != nil {
		return usage("simulate: %v", err)
	}
	bar := newBar(t, int64(r.Times), t.fancy, decor.CountersNoUnit("%d of %d replays"))
	r.Progress = func(done, _ int) { bar.show(int64(done)) }
	c, err := r.Run(ctx)
	bar.close(err == nil)
	if err != nil {
		return err
	}
	if f.asJSON {
		return t.json(struct {
			Campaign string `json:"campaign"`
			*sim.Comparison
		}{campaign, c})
	}
	return renderReplay(t.out, campaign, c)
}

// read reads all records.
func (f *replayFlags) read(ctx context.Context, t *terminal) (all []cdr.Record, err error) {
	for _, source := range f.sources {
		if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
			if f.campaign == "" {
				return nil, usage("simulate: --replay from a daemon needs --campaign")
			}
			all, err = readDaemon(ctx, t, source, f.campaign, all)
		} else {
			all, err = readFile(source, all)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readFile(path string, all []cdr.Record) ([]cdr.Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	err = cdr.Read(file, func(r *cdr.Record) error {
		all = append(all, *r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// readDaemon reads the records that a daemon's Redis holds of a campaign.
func readDaemon(ctx context.Context, t *terminal, server, campaign string, all []cdr.Record) ([]cdr.Record, error) {
	const page = 1000
	c := &connection{server: server}
	err := c.ask(ctx, t, func(ctx context.Context, client *api.Client) error {
		for after := ""; ; {
			p, err := client.CDRs(ctx, campaign, after, page)
			if err != nil {
				return err
			}
			if len(p.Records) == 0 {
				return nil
			}
			all, after = append(all, p.Records...), p.Next
		}
	})
	return all, err
}

// campaignOf is whose records are replayed.
func (f *replayFlags) campaignOf(records []cdr.Record) (string, error) {
	var names []string
	for i := range records {
		if c := records[i].Campaign; !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "", errors.New("there are no records in it")
	case f.campaign != "" && !slices.Contains(names, f.campaign):
		return "", usage("simulate: there are no records of campaign %s; there are of %s", f.campaign, strings.Join(names, ", "))
	case f.campaign == "" && len(names) > 1:
		return "", usage("simulate: the records are of several campaigns; choose one by --campaign: %s", strings.Join(names, ", "))
	case f.campaign == "":
		return names[0], nil
	}
	return f.campaign, nil
}

// conditions are the settings as they were and as they are changed.
func (f *replayFlags) conditions(campaign string) (was, changed sim.Conditions, err error) {
	was = sim.DefaultConditions()
	if f.config != "" {
		cfg, _, err := config.Load(f.config)
		if err != nil {
			return was, changed, err
		}
		k := cfg.Campaign(campaign)
		if k == nil {
			return was, changed, usage("simulate: %s has no campaign %s", f.config, campaign)
		}
		was = sim.Conditions{
			Mode: k.Mode, Ratio: k.Ratio, Ceiling: float64(k.Abandonment.Ceiling), Target: float64(k.Abandonment.Target),
			MaxRatio: k.MaxRatio, MaxInFlight: k.MaxInFlight, GiveUp: k.GiveUp, Patience: k.AbandonAfter,
		}
	}
	if f.was != "" {
		if was, err = was.With(f.was); err != nil {
			return was, changed, usage("simulate: --was: %v", err)
		}
	}
	if changed = was; f.change != "" {
		if changed, err = was.With(f.change); err != nil {
			return was, changed, usage("simulate: --change: %v", err)
		}
	}
	return was, changed, nil
}

// replayRows are the figures as people read them: percent says that it is a share.
var replayRows = map[string]struct {
	text    string
	percent bool
}{
	"utilisation": {"utilisation %", true}, "talk_min_per_h": {"talk, min/h of an agent", false},
	"conversations_per_h": {"conversations/h of an agent", false}, "wait_s": {"an agent's wait, s", false},
	"abandonment": {"abandoned, % of answers", true}, "abandoned": {"abandoned calls", false},
	"answer_wait_s": {"wait of who answered, s", false}, "dials": {"calls dialed", false},
}

func renderReplay(w io.Writer, campaign string, c *sim.Comparison) error {
	fmt.Fprintf(w, "%s: %s, %s, %s, played %s\n\n", clean(campaign), count(c.Days, "day"), count(c.Calls, "call"),
		count(c.Agents, "shift"), count(c.Replays, "time"))
	rows := [][]string{{"", "RECORDED", "REPLAYED AS IT WAS", "CHANGED", "DIFFERENCE"}}
	misfit := false
	for _, f := range c.Figures {
		row := replayRows[f.Name]
		number := func(x float64, sign string) string {
			switch {
			case math.IsNaN(x):
				return ""
			case row.percent:
				return fmt.Sprintf("%"+sign+".2f", 100*x)
			case math.Abs(x) >= 1000:
				return fmt.Sprintf("%"+sign+".0f", x)
			}
			return fmt.Sprintf("%"+sign+".2f", x)
		}
		between := func(e sim.Estimate, sign string) string {
			if !e.Mean.Defined() {
				return ""
			}
			return fmt.Sprintf("%s (%s to %s)", number(float64(e.Mean), sign), number(e.CI.Low, sign), number(e.CI.High, sign))
		}
		recorded := number(float64(f.Recorded), "")
		if !f.Fits {
			misfit = true
			recorded += " !"
		}
		rows = append(rows, []string{row.text, recorded, between(f.Was, ""), between(f.Changed, ""), between(f.Difference, "+")})
	}
	if err := grid(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nIn brackets is what 95 % of the replays came to: chance, and what so few records leave unknown.")
	if misfit {
		fmt.Fprintln(w, "! lies outside of what the replays as it was came to: they do not tell that part of those days well.")
	}
	if c.LeftOut > 0 {
		fmt.Fprintf(w, "%s whose instants make no sense were left out.\n", count(c.LeftOut, "record"))
	}
	return nil
}

// recordDays writes the calls of an experiment's days, each day a day later.
func recordDays(e *sim.Experiment, path string) error {
	if len(e.Scenarios) != 1 || len(e.Algorithms) != 1 {
		return usage("simulate: --record takes one scenario and one --algorithm")
	}
	s, a := &e.Scenarios[0], &e.Algorithms[0]
	return writeWhole(path, func(w io.Writer) error {
		out := json.NewEncoder(w)
		for i := range e.Seeds {
			_, calls, err := a.Record(s, e.First+uint64(i))
			if err != nil {
				return err
			}
			for n := range calls {
				c := calls[n].Later(time.Duration(i) * 24 * time.Hour)
				if err := out.Encode(dialer.RecordOf(&c, s.Name, fmt.Sprintf("%d-%d", i+1, n+1))); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
