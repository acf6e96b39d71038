package sim

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"
)

const (
	jitter     = 1.0  // seconds by which agents may be ready later than their records say
	leastBreak = 30.0 // seconds; what is shorter is no break
)

// proof is that whoever had been free since before a time was not there.
type proof struct{ at, since float64 }

// infer finds when the day's agents were there, from who got which call.
func (d *recordedDay) infer(calls []*RecordedCall) {
	proofs := d.proofs(calls)
	closed := d.closed()
	absent := func(a, b float64) (s period, ok bool) { // proven between a, since when the agent is free, and b
		s.a, s.b = math.Inf(1), math.Inf(-1)
		for i := sort.Search(len(proofs), func(i int) bool { return proofs[i].at > a+jitter }); i < len(proofs) && proofs[i].at < b-jitter; i++ {
			if proofs[i].since > a+jitter {
				s.a, s.b = min(s.a, proofs[i].at), max(s.b, proofs[i].at)
			}
		}
		return s, s.b >= s.a
	}
	usual, idle := d.waits(absent)
	for _, a := range d.agents {
		first, last := a.busy[0].a, 0.0
		a.from = min(max(first-usual, 0), max(d.seconds-1, 0))
		for i, b := range a.busy {
			if b.elsewhere {
				a.away = append(a.away, period{b.a, b.b, true})
			}
			last = max(last, b.b)
			if i+1 == len(a.busy) {
				break
			}
			next := a.busy[i+1].a
			if s, ok := absent(last, next); ok {
				if back := max(s.b, next-usual); back-last >= leastBreak {
					a.away = append(a.away, period{a: min(last+idle, s.a, back), b: back})
				}
			}
		}
		a.to = d.seconds
		if s, ok := absent(last, d.seconds); ok {
			a.to = min(last+idle, s.a)
		}
		a.to = max(a.to, a.from+1)
		for _, c := range closed {
			for _, b := range a.busy {
				if b.a < c.b && b.b > c.a {
					c.a = b.b // the call was finished before
				}
			}
			a.away = append(a.away, c)
		}
		a.away = inTurn(a.away, period{a: a.from, b: a.to})
	}
}

// proofs are in order of time.
func (d *recordedDay) proofs(calls []*RecordedCall) (all []proof) {
	free := make(map[string][]float64) // when each agent's calls were over, in order
	for _, a := range d.agents {
		for _, b := range a.busy {
			free[a.id] = append(free[a.id], b.b)
		}
		slices.Sort(free[a.id])
	}
	for _, r := range calls {
		if r.Answered.IsZero() {
			continue
		}
		answered := r.Answered.Sub(d.start).Seconds()
		if r.Agent == "" || r.Queued {
			all = append(all, proof{at: answered, since: math.Inf(1)}) // nobody was free
			continue
		}
		claimed := r.Claimed.Sub(d.start).Seconds()
		if i := sort.SearchFloat64s(free[r.Agent], claimed+1e-9); i > 0 {
			all = append(all, proof{at: claimed, since: free[r.Agent][i-1]})
		}
	}
	slices.SortFunc(all, func(a, b proof) int { return cmp.Compare(a.at, b.at) })
	return all
}

// waits are how long agents wait for a call, of those who were there all the time, in seconds:
// usual is the median. idle is how long one has waited already when they leave, on average:
// who leaves at any time is found waiting with the share of time that agents wait, and for so
// long as a renewal process is old.
func (d *recordedDay) waits(absent func(a, b float64) (period, bool)) (usual, idle float64) {
	var waits []float64
	held, sum, squares := 0.0, 0.0, 0.0
	for _, a := range d.agents {
		for i := range a.busy {
			held += a.busy[i].b - a.busy[i].a
			if i == 0 || a.busy[i].a <= a.busy[i-1].b {
				continue
			}
			w := a.busy[i].a - a.busy[i-1].b
			if _, away := absent(a.busy[i-1].b, a.busy[i].a); !away {
				waits = append(waits, w)
				sum += w
				squares += w * w
			}
		}
	}
	if sum == 0 {
		return 0, 0
	}
	slices.Sort(waits)
	return stat.Quantile(0.5, stat.Empirical, waits, nil), sum / (held + sum) * squares / (2 * sum)
}

// closed is when nothing was dialed.
func (d *recordedDay) closed() (all []period) {
	for i := 1; i < len(d.calls); i++ {
		if a, b := d.calls[i-1].at, d.calls[i].at; b-a >= closedGap.Seconds() {
			all = append(all, period{a, b, true})
		}
	}
	return all
}

// inTurn puts periods in order, one after the other, and cuts them to what lies inside.
func inTurn(all []period, inside period) (cut []period) {
	slices.SortFunc(all, func(x, y period) int { return cmp.Compare(x.a, y.a) })
	for _, s := range all {
		s.a, s.b = max(s.a, inside.a), min(s.b, inside.b)
		if n := len(cut); n > 0 {
			s.a = max(s.a, cut[n-1].b)
		}
		if s.b > s.a {
			cut = append(cut, s)
		}
	}
	return cut
}

// there is how long the agent was logged in and not away.
func (a *recordedAgent) there() float64 {
	sum := a.to - a.from
	for _, s := range a.away {
		sum -= s.b - s.a
	}
	return sum
}
