package sim

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"ringpace/pacing"
)

// Replay plays recorded days again: as they were paced, and paced otherwise. What answers,
// when, and for how long agents talk is drawn from the records; both ways of pacing meet the
// same draws, day by day.
//
// Each time the days are played, the records are drawn anew, in blocks (see resample). So
// what the replays differ in is both chance and what so few records leave unknown, and the
// quantiles of what they came to are bounds for what those very days would have come to.
//
// What it takes for granted: people answer a call as those did who were called about the same
// time; there are leads enough; every day has a budget of its own, no longer window
// binds; and predictive mode begins the first day knowing nothing.
type Replay struct {
	History      *History
	Was, Changed Conditions
	Times        int    // that the days are played
	First        uint64 // seed of the first; each further one has the next

	Workers  int                   // that play at the same time; 0 for as many as there are processors
	Progress func(done, total int) // called after each replay, one call at a time; may be nil
}

// Comparison is what a replay came to. Its JSON is a contract with whoever reads it: keys may
// be added to it, and none is renamed or taken away.
type Comparison struct {
	Days    int    `json:"days"`
	Calls   int    `json:"calls"`    // recorded
	LeftOut int    `json:"left_out"` // records whose instants make no sense
	Agents  int    `json:"agents"`   // on all days together
	Replays int    `json:"replays"`
	First   uint64 `json:"first_seed"`

	Was     Conditions `json:"was"`
	Changed Conditions `json:"changed"`

	Figures []Compared `json:"figures"`
}

// Compared is one figure: as it was recorded, as the replay has it with the settings as they
// were, and with changed ones. Where Fits is false the records lie outside of the replay's
// interval: it does not tell how those days went, and less what would have been.
type Compared struct {
	Name       string   `json:"name"`
	Recorded   Figure   `json:"recorded"`
	Was        Estimate `json:"was"`
	Changed    Estimate `json:"changed"`
	Difference Estimate `json:"difference"` // of changed to was, replay by replay
	Fits       bool     `json:"fits"`
}

// Estimate is the mean of the replays, and the interval that 95 % of them lie in.
type Estimate struct {
	Mean Figure   `json:"mean"`
	CI   Interval `json:"ci95"`
}

const mostReplays = 10_000

// Check says whether the replay makes sense. Its error wraps ErrHistory or ErrConditions.
func (r *Replay) Check() error {
	if r.Times < 1 || r.Times > mostReplays {
		return fmt.Errorf("%w: days are played 1 to %d times, not %d", ErrHistory, mostReplays, r.Times)
	}
	for _, c := range []*Conditions{&r.Was, &r.Changed} {
		if err := c.Check(); err != nil {
			return err
		}
		if longest := r.History.longestRing(); c.RingTimeout.Seconds() > longest+1 {
			return fmt.Errorf("%w: ring_timeout %v: no recorded call rang for longer than %.0f s, so they do not tell who would have answered later",
				ErrConditions, c.RingTimeout, longest)
		}
	}
	return nil
}

// longestRing is how long the longest call went unanswered, from its INVITE on, in seconds.
func (h *History) longestRing() (longest float64) {
	for _, d := range h.days {
		for _, c := range d.calls {
			longest = max(longest, c.ends)
		}
	}
	return longest
}

// Run plays the days as often as was asked for. It ends early with the context's error.
func (r *Replay) Run(ctx context.Context) (*Comparison, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	was, changed := make([]Figures, r.Times), make([]Figures, r.Times)
	err := inParallel(ctx, r.Times, r.Workers, r.Progress, func(i int) (err error) {
		was[i], changed[i], err = r.once(r.First + uint64(i))
		return err
	})
	if err != nil {
		return nil, err
	}
	h := r.History
	c := &Comparison{
		Days: len(h.days), Calls: h.Calls, LeftOut: h.LeftOut, Agents: h.Agents,
		Replays: r.Times, First: r.First, Was: r.Was, Changed: r.Changed,
	}
	for _, f := range compared {
		a, b, d := make([]float64, r.Times), make([]float64, r.Times), make([]float64, r.Times)
		for i := range a {
			a[i], b[i] = f.of(&was[i]), f.of(&changed[i])
			d[i] = b[i] - a[i]
		}
		x := Compared{Name: f.name, Recorded: Figure(f.of(&h.Recorded)), Was: estimate(a), Changed: estimate(b), Difference: estimate(d)}
		recorded := float64(x.Recorded)
		x.Fits = math.IsNaN(recorded) || recorded >= x.Was.CI.Low-1e-9 && recorded <= x.Was.CI.High+1e-9
		c.Figures = append(c.Figures, x)
	}
	return c, nil
}

// compared are the figures, in the order in which they are told.
var compared = []struct {
	name string
	of   func(*Figures) float64
}{
	{"utilisation", func(f *Figures) float64 { return f.Utilisation }},
	{"talk_min_per_h", func(f *Figures) float64 { return f.Talk }},
	{"conversations_per_h", func(f *Figures) float64 { return f.Conversations }},
	{"wait_s", func(f *Figures) float64 { return f.Wait }},
	{"abandonment", func(f *Figures) float64 { return f.Abandonment }},
	{"abandoned", func(f *Figures) float64 { return f.Abandoned }},
	{"answer_wait_s", func(f *Figures) float64 { return f.AnswerWait }},
	{"dials", func(f *Figures) float64 { return f.Dials }},
}

// once plays all days with both settings.
func (r *Replay) once(seed uint64) (was, changed Figures, err error) {
	var sum [2]sums
	var models [2]pacing.Model
	for n, d := range r.History.days {
		drawn := d.resample(source(mix(mix(seed) + uint64(n))))
		for i, c := range []*Conditions{&r.Was, &r.Changed} {
			day, err := drawn.play(c, &models[i])
			if err != nil {
				return was, changed, fmt.Errorf("%w: %w", ErrConditions, err)
			}
			sum[i].add(&day)
		}
	}
	return sum[0].figures(), sum[1].figures(), nil
}

// estimate sums up what the replays came to; those in which there was nothing to take the
// mean of are left out.
func estimate(xs []float64) Estimate {
	xs = slices.DeleteFunc(slices.Clone(xs), math.IsNaN)
	if len(xs) == 0 {
		nan := math.NaN()
		return Estimate{Figure(nan), Interval{nan, nan}}
	}
	slices.Sort(xs)
	low, high := stat.Quantile((1-confidence)/2, stat.LinInterp, xs, nil), stat.Quantile((1+confidence)/2, stat.LinInterp, xs, nil)
	return Estimate{Figure(stat.Mean(xs, nil)), Interval{low, high}}
}
