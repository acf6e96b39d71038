package sim

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Report is what an experiment came to.
type Report struct {
	Scenarios []Outcome `json:"scenarios"`
	Overall   []Overall `json:"overall"` // one for each algorithm
}

// Overall is how often an algorithm kept the ceiling in all scenarios together.
type Overall struct {
	Algorithm string `json:"algorithm"`
	Keeping
}

// Outcome is what came of one scenario. Its JSON is a contract with whoever reads it: keys
// may be added to it, and none is renamed or taken away.
type Outcome struct {
	Scenario  string   `json:"scenario"`
	Agents    int      `json:"agents"`
	Hours     float64  `json:"hours"`
	Ceiling   float64  `json:"ceiling"`
	Seeds     int      `json:"seeds"` // days
	FirstSeed uint64   `json:"first_seed"`
	Results   []Result `json:"results"` // one for each algorithm, in the experiment's order
}

// Result is how one algorithm fared in one scenario. Shares are fractions of 1. Every
// figure is the mean over the days, unless it says otherwise.
type Result struct {
	Algorithm string `json:"algorithm"`

	// Talk and wrap-up over the time that agents were logged in and not on a break.
	Utilisation   float64  `json:"utilisation"`
	UtilisationCI Interval `json:"utilisation_ci95"`

	// People who answered and found nobody within the tolerance, over people who answered.
	Abandonment    float64  `json:"abandonment"`
	AbandonmentCI  Interval `json:"abandonment_ci95"`
	AbandonmentP95 float64  `json:"abandonment_p95"` // over days
	AbandonmentMax float64  `json:"abandonment_max"` // the worst day's

	Keeping

	WaitS         Figure  `json:"wait_s"`                     // mean of all waits of agents for a call
	WaitP90S      Figure  `json:"wait_p90_s"`                 //
	Talk          float64 `json:"talk_min_per_h"`             // minutes of live conversation for each agent-hour
	Conversations float64 `json:"conversations_per_h"`        // live ones, for each agent-hour
	Dials         Figure  `json:"dials_per_conversation"`     // of all days together
	Versus        *Versus `json:"versus_reference,omitempty"` // nil for the reference itself
}

// Keeping is how often the ceiling was kept.
type Keeping struct {
	Days      int     `json:"days"`
	DaysOver  int     `json:"days_over_ceiling_count"`
	ShareOver float64 `json:"days_over_ceiling"`
	UpperOver float64 `json:"days_over_ceiling_upper95"` // one-sided 95 % upper bound (Clopper and Pearson)
}

// Versus is the difference in utilisation to the reference, day by day.
type Versus struct {
	Reference   string   `json:"reference"`
	Utilisation float64  `json:"utilisation"` // this algorithm's less the reference's
	CI          Interval `json:"utilisation_ci95"`
	P           Figure   `json:"p"`      // of the paired t test
	PHolm       Figure   `json:"p_holm"` // corrected for all comparisons of the report
}

// figures are what is kept of a day.
type figures struct {
	utilisation, abandonment float64
	talk, conversations      float64 // per agent-hour
	waited, wait90           float64 // seconds
	waits, dials, talks      int
}

func (d *Day) figures() figures {
	return figures{
		utilisation: d.Utilisation, abandonment: d.Abandonment(),
		talk: d.TalkSeconds / 60 / d.AgentHours, conversations: float64(d.Conversations) / d.AgentHours,
		waited: stat.Mean(d.Waits, nil) * float64(len(d.Waits)), wait90: quantile(0.9, d.Waits),
		waits: len(d.Waits), dials: d.Dials, talks: d.Conversations,
	}
}

func (e *Experiment) report(played []figures) *Report {
	r := &Report{}
	for i := range e.Algorithms {
		r.Overall = append(r.Overall, Overall{Algorithm: e.Algorithms[i].Name})
	}
	var versus []*Versus
	var ps []float64
	for i := range e.Scenarios {
		s := &e.Scenarios[i]
		o := Outcome{
			Scenario: s.Name, Agents: s.Agents(), Hours: s.Hours, Ceiling: s.Ceiling,
			Seeds: e.Seeds, FirstSeed: e.First,
		}
		var reference []float64
		all := make([][]float64, len(e.Algorithms))
		for j := range e.Algorithms {
			days := make([]figures, e.Seeds)
			for k := range days {
				days[k] = played[e.place(i, k, j)]
			}
			result := summary(days, s.Ceiling)
			result.Algorithm = e.Algorithms[j].Name
			o.Results = append(o.Results, result)
			r.Overall[j].add(result.DaysOver, result.Days)
			all[j] = each(days, func(f *figures) float64 { return f.utilisation })
			if result.Algorithm == e.Reference {
				reference = all[j]
			}
		}
		for j := range o.Results {
			if reference == nil || o.Results[j].Algorithm == e.Reference {
				continue
			}
			v := &Versus{Reference: e.Reference}
			var p float64
			v.Utilisation, v.CI, p = paired(all[j], reference)
			v.P = Figure(p)
			o.Results[j].Versus = v
			versus, ps = append(versus, v), append(ps, p)
		}
		r.Scenarios = append(r.Scenarios, o)
	}
	for i, p := range holm(ps) {
		versus[i].PHolm = Figure(p)
	}
	return r
}

func each(days []figures, of func(*figures) float64) []float64 {
	xs := make([]float64, len(days))
	for i := range days {
		xs[i] = of(&days[i])
	}
	return xs
}

func summary(days []figures, ceiling float64) Result {
	var r Result
	r.Utilisation, r.UtilisationCI = mean(each(days, func(f *figures) float64 { return f.utilisation }))
	shares := each(days, func(f *figures) float64 { return f.abandonment })
	r.Abandonment, r.AbandonmentCI = mean(shares)
	r.AbandonmentP95, r.AbandonmentMax = quantile(0.95, shares), quantile(1, shares)
	r.Talk, _ = mean(each(days, func(f *figures) float64 { return f.talk }))
	r.Conversations, _ = mean(each(days, func(f *figures) float64 { return f.conversations }))
	var waited, wait90, waits, waiting, dials, talks float64
	over := 0
	for i := range days {
		f := &days[i]
		if f.abandonment > ceiling {
			over++
		}
		dials += float64(f.dials)
		talks += float64(f.talks)
		if f.waits > 0 {
			waited += f.waited
			waits += float64(f.waits)
			wait90 += f.wait90
			waiting++
		}
	}
	r.add(over, len(days))
	r.WaitS, r.WaitP90S, r.Dials = quotient(waited, waits), quotient(wait90, waiting), quotient(dials, talks)
	return r
}

// quotient is a over b, and undefined where b is 0.
func quotient(a, b float64) Figure {
	if b == 0 {
		return Figure(math.NaN())
	}
	return Figure(a / b)
}

func (k *Keeping) add(over, days int) {
	k.Days += days
	k.DaysOver += over
	k.ShareOver = float64(k.DaysOver) / float64(k.Days)
	k.UpperOver = upperBound(k.DaysOver, k.Days)
}
