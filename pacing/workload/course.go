package workload

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Horizon is how far ahead anything is foretold.
const Horizon = 60 * 24 * time.Hour

// Course is what is foretold.
type Course struct {
	Hours []Hour  `json:"hours"` // those in which something is done
	Done  Instant `json:"done"`  // when no lead is left to be dialed
}

// Hour is what is foretold of an hour: means, and the interval that holds with a probability of
// 90 %.
type Hour struct {
	At          time.Time `json:"at"`
	Calls       Estimate  `json:"calls"`
	Contacts    Estimate  `json:"contacts"`    // calls that a person answered
	Finished    Estimate  `json:"finished"`    // leads that are not dialed again
	Left        Estimate  `json:"left"`        // leads that are not finished after it
	Utilisation Estimate  `json:"utilisation"` // share of the agents' time
}

// Estimate is a mean, with the quantiles 5 % and 95 %.
type Estimate struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Instant is a time: its median, with the quantiles 5 % and 95 %. Each is zero where it is
// not within the horizon.
type Instant struct {
	Median time.Time `json:"median,omitzero"`
	Low    time.Time `json:"low,omitzero"`
	High   time.Time `json:"high,omitzero"`
}

// run is one course that the work may take.
type run struct {
	*Work
	rng      *rand.Rand
	answers  float64 // share of even odds
	handling float64
	slack    float64 // of how busy pacing keeps agents
	leads    []*state
	open     int // leads that are not finished
	hours    map[int]*tally
	done     time.Time
}

// state is one lead under way.
type state struct {
	Lead
	own      bool // Outcomes is the run's own
	tried    int  // on the day
	day      int  // of the year; -1 before the lead was looked at
	finished bool
}

// tally is what came of an hour; the figures are of the leads that were picked.
type tally struct {
	calls, contacts, finished, left int
	busy                            float64
}

// Forecast plays the work so often. Its error is the context's, or wraps ErrWork.
func (w *Work) Forecast(ctx context.Context, times int, seed uint64) (*Course, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	runs := make([]*run, times)
	for i := range runs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		runs[i] = w.run(rand.New(rand.NewPCG(seed, uint64(i))))
	}
	return w.course(runs), nil
}

// run plays the work to its end, or to the horizon.
func (w *Work) run(rng *rand.Rand) *run {
	r := &run{Work: w, rng: rng, hours: map[int]*tally{}, open: len(w.Leads)}
	// What is not known is drawn: the share on the scale of its logarithm's odds, the
	// handling time by its standard error where times vary by as much as they are long, and
	// pacing within 3 %.
	p := w.Answers.Hits / w.Answers.Of
	logit := math.Log(p/(1-p)) + rng.NormFloat64()*math.Sqrt(1/w.Answers.Hits+1/(w.Answers.Of-w.Answers.Hits))
	r.answers = 1 / (1 + math.Exp(-logit))
	r.handling = w.Handling.Mean * math.Exp(rng.NormFloat64()/math.Sqrt(max(w.Handling.Cases, 4)))
	r.slack = 0.03 * rng.NormFloat64()
	for i := range w.Leads {
		r.leads = append(r.leads, &state{Lead: w.Leads[i], tried: w.Leads[i].Today, day: -1})
	}
	rng.Shuffle(len(r.leads), func(i, j int) { r.leads[i], r.leads[j] = r.leads[j], r.leads[i] })
	at := w.Start
	for n := 0; r.open > 0 && at.Sub(w.Start) < Horizon; n++ {
		next := at.Truncate(time.Hour).Add(time.Hour)
		r.hour(n, at, next)
		at = next
	}
	return r
}

// hour plays an hour, or what is left of it.
func (r *run) hour(n int, at, next time.Time) {
	if r.Working != nil && !r.Working(at) {
		return
	}
	seconds := next.Sub(at).Seconds()
	spent, room := 0.0, -1.0
	t := &tally{}
	for _, l := range r.leads {
		if l.finished || !l.Due.Before(next) || !l.Hours(at) {
			continue
		}
		if day := at.YearDay(); day != l.day {
			if l.day >= 0 || day != r.Start.YearDay() {
				l.tried = 0
			}
			l.day = day
		}
		if r.PerDay > 0 && l.tried >= r.PerDay {
			continue
		}
		p := min(r.answers*r.Odds(&l.Lead, at), 0.95)
		if room < 0 { // of all leads' time, what these stand for
			busy := min(max(r.Pace.busy(r.Agents, min(r.answers, 0.95), r.handling)+r.slack, 0.02), 0.995)
			room = busy * seconds * float64(r.Agents) / r.Each
		}
		if spent >= room {
			break
		}
		moment := at.Add(time.Duration(seconds * min(spent/room, 1) * float64(time.Second)))
		t.calls++
		l.tried++
		spent += r.dial(l, p, moment, t)
	}
	if t.calls > 0 {
		t.left, t.busy = r.open, spent*r.Each/(seconds*float64(r.Agents))
		r.hours[n] = t
		if r.open == 0 {
			r.done = at.Add(time.Duration(seconds * min(spent/room, 1) * float64(time.Second)))
		}
		// Who has waited longest comes first: those dialed now go to the end.
		r.turn()
	}
}

// dial dials a lead, and returns what that takes of the agents' time.
func (r *run) dial(l *state, p float64, at time.Time, t *tally) (spent float64) {
	e := &Ending{Name: Person}
	if r.rng.Float64() < p {
		t.contacts++
		spent = r.handling * r.rng.ExpFloat64()
	} else {
		u := r.rng.Float64()
		for i := range r.Others {
			if e = &r.Others[i]; u < e.Share {
				break
			}
			u -= e.Share
		}
	}
	after, again := r.Retry(&l.Lead, e)
	if !l.own {
		l.own, l.Outcomes = true, maps.Clone(l.Outcomes)
		if l.Outcomes == nil {
			l.Outcomes = map[string]int{}
		}
	}
	l.Attempts++
	l.Outcomes[e.Name]++
	if !again {
		l.finished = true
		r.open--
		t.finished++
		return spent
	}
	l.Due = at.Add(after)
	return spent
}

// turn puts the leads in the order in which they are due.
func (r *run) turn() {
	r.leads = slices.DeleteFunc(r.leads, func(l *state) bool { return l.finished })
	slices.SortStableFunc(r.leads, func(a, b *state) int { return a.Due.Compare(b.Due) })
}

// course sums the runs up.
func (w *Work) course(runs []*run) *Course {
	c := &Course{Hours: []Hour{}}
	last := 0
	for _, r := range runs {
		for n := range r.hours {
			last = max(last, n+1)
		}
	}
	left := make([]int, len(runs))
	for i := range left {
		left[i] = len(w.Leads)
	}
	at := w.Start
	for n := range last {
		var all [5][]float64
		active := 0
		for i, r := range runs {
			t := r.hours[n]
			if t == nil {
				t = &tally{left: left[i]}
			} else {
				active++
			}
			left[i] = t.left
			for k, x := range []float64{float64(t.calls) * w.Each, float64(t.contacts) * w.Each, float64(t.finished) * w.Each, float64(t.left) * w.Each, t.busy} {
				all[k] = append(all[k], x)
			}
		}
		if 2*active > len(runs) || active > 0 && n == 0 {
			c.Hours = append(c.Hours, Hour{At: at, Calls: estimate(all[0]), Contacts: estimate(all[1]), Finished: estimate(all[2]), Left: estimate(all[3]), Utilisation: estimate(all[4])})
		}
		at = at.Truncate(time.Hour).Add(time.Hour)
	}
	c.Done = w.done(runs)
	return c
}

func (w *Work) done(runs []*run) (t Instant) {
	never := w.Start.Add(2 * Horizon)
	var ends []time.Time
	for _, r := range runs {
		switch {
		case len(w.Leads) == 0:
			ends = append(ends, w.Start)
		case r.open > 0:
			ends = append(ends, never)
		default:
			ends = append(ends, r.done)
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	at := func(p float64) time.Time {
		if e := ends[min(int(p*float64(len(ends))), len(ends)-1)]; e != never {
			return e
		}
		return time.Time{}
	}
	return Instant{Median: at(0.5), Low: at(0.05), High: at(0.95)}
}

func estimate(xs []float64) Estimate {
	slices.Sort(xs)
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	n := len(xs)
	return Estimate{Mean: sum / float64(n), Low: xs[min(n/20, n-1)], High: xs[min(n*19/20, n-1)]}
}
