package sim

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"ringpace/pacing"
)

const (
	slot     = 900.0  // seconds; calls of one are drawn from the same
	vicinity = 1800.0 // seconds about its middle that they are drawn from
	fewCalls = 200    // where there are fewer, from further away
	block    = 300.0  // seconds; calls recorded within one are drawn, or not, together
	fewHeld  = 20     // calls that tell how long an agent takes; with fewer it is as others do
)

// resampled is a recorded day with its calls and its agents' times drawn anew from those
// that were recorded. It is the same day for all settings.
type resampled struct {
	*recordedDay
	src   source
	pools []pool // by slot
	held  [][]handling
}

// pool is what calls at some time of the day are drawn from.
type pool struct {
	calls        []*recordedCall
	rang, silent []*recordedCall // by how long they rang, or were dialed without ringing
}

// resample draws a day. The calls of each five minutes come none, one or several times, all
// together (a Poisson bootstrap of blocks), since what is near in time is alike; so do each
// agent's calls, one by one. What differs between two such days is what is not known for
// want of more records.
func (d *recordedDay) resample(src source) *resampled {
	r := &resampled{recordedDay: d, src: src}
	weight := func(c *recordedCall) int {
		x := src.of(aboutBlock, int(c.at/block))
		return poisson(x.uniform())
	}
	for i := 0; float64(i)*slot < d.seconds; i++ {
		r.pools = append(r.pools, newPool(d.around((float64(i)+0.5)*slot), weight))
	}
	var all []handling
	for _, a := range d.agents {
		all = append(all, a.held()...)
	}
	for n, a := range d.agents {
		own := a.held()
		if len(own) < fewHeld {
			own = all
		}
		drawn := make([]handling, len(own))
		for i := range drawn {
			x := src.of(aboutHeld, n*100_000+i)
			drawn[i] = own[x.below(len(own))]
		}
		r.held = append(r.held, drawn)
	}
	return r
}

// held are the campaign's calls that the agent had.
func (a *recordedAgent) held() (own []handling) {
	for i := range a.busy {
		if !a.busy[i].elsewhere {
			own = append(own, a.busy[i].handling)
		}
	}
	return own
}

// around is the calls that were recorded about a time, of a longer time where they are few.
func (d *recordedDay) around(t float64) []*recordedCall {
	for width := vicinity; ; width += slot {
		a := sort.Search(len(d.calls), func(i int) bool { return d.calls[i].at >= t-width })
		b := sort.Search(len(d.calls), func(i int) bool { return d.calls[i].at > t+width })
		if b-a >= fewCalls || b-a == len(d.calls) {
			return d.calls[a:b]
		}
	}
}

func newPool(calls []*recordedCall, weight func(*recordedCall) int) (p pool) {
	for _, c := range calls {
		for range weight(c) {
			p.calls = append(p.calls, c)
		}
	}
	if len(p.calls) == 0 {
		p.calls = calls
	}
	for _, c := range p.calls {
		if math.IsInf(c.rings, 1) {
			p.silent = append(p.silent, c)
		} else {
			p.rang = append(p.rang, c)
		}
	}
	for _, s := range [][]*recordedCall{p.silent, p.rang} {
		slices.SortFunc(s, func(a, b *recordedCall) int { return cmp.Compare(a.lasted(), b.lasted()) })
	}
	return p
}

// lasted is how long the call rang, or was dialed where it did not.
func (c *recordedCall) lasted() float64 {
	if math.IsInf(c.rings, 1) {
		return c.ends
	}
	return c.ends - c.rings
}

// completed is a call that came to its end, for one that was cut: one of those that lasted
// longer, as long as that was cut too (Efron's redistribution to the right, 1967: what
// Kaplan and Meier's estimate comes to). Where none lasted longer nobody answers.
func (p *pool) completed(c *recordedCall, x *draw) (end *recordedCall, ok bool) {
	for c.cut {
		longer := p.rang
		if math.IsInf(c.rings, 1) {
			longer = p.silent
		}
		longer = longer[sort.Search(len(longer), func(i int) bool { return longer[i].lasted() > c.lasted() }):]
		if len(longer) == 0 {
			return c, false
		}
		c = longer[x.below(len(longer))]
	}
	return c, true
}

// poisson is the quantile u of a Poisson distribution of mean 1.
func poisson(u float64) int {
	n, p := 0, math.Exp(-1)
	for sum := p; u > sum && n < 20; sum += p {
		n++
		p /= float64(n)
	}
	return n
}

// below is one of 0 to n-1.
func (d *draw) below(n int) int { return min(int(d.uniform()*float64(n)), n-1) }

// drawn is whom the number of the day's order reaches at t.
func (r *resampled) drawn(number int, t float64) (c *recordedCall, p *pool, x draw) {
	x = r.src.of(aboutCall, number)
	p = &r.pools[min(int(t/slot), len(r.pools)-1)]
	return p.calls[x.below(len(p.calls))], p, x
}

// replayed is such a day with some settings: the floor of a replay.
type replayed struct {
	*resampled
	ringTimeout float64 // seconds; +Inf: as recorded
	agents      []int   // the recorded agent of each worker
	next        []int   // the next of whose breaks
}

// play is what a day would have come to with the settings. The pacer goes on from the model that
// the days before have left on the days before.
func (r *resampled) play(s *Conditions, model *pacing.Model) (Day, error) {
	p, err := s.pacer()
	if err != nil {
		return Day{}, err
	}
	f := &replayed{resampled: r, ringTimeout: math.Inf(1), agents: r.crewOf(s.Agents)}
	if s.RingTimeout > 0 {
		f.ringTimeout = s.RingTimeout.Seconds()
	}
	keeper, learns := p.(pacing.Keeper)
	if learns {
		keeper.Resume(*model)
	}
	d := &day{terms: terms{seconds: r.seconds, ceiling: s.Ceiling, patience: s.Patience.Seconds()}, floor: f, pacer: p}
	out := d.play()
	if learns {
		*model = keeper.Model()
	}
	return out, nil
}

// crewOf is who works where there are so many more agents, or fewer: who comes does as one of
// the others did, and who stays away is one of them.
func (r *resampled) crewOf(more int) []int {
	var all []int
	for i := range r.recordedDay.agents {
		all = append(all, i)
	}
	n := len(all)
	for k := range max(more, 0) {
		x := r.src.of(aboutCrew, k)
		all = append(all, x.below(n))
	}
	for k := range min(max(-more, 0), n-1) {
		x := r.src.of(aboutCrew, k)
		i := x.below(len(all))
		all = slices.Delete(all, i, i+1)
	}
	return all
}

func (f *replayed) crew() (all []*worker) {
	f.next = make([]int, len(f.agents))
	for n, i := range f.agents {
		a := f.recordedDay.agents[i]
		w := &worker{number: n, from: a.from, to: a.to, pause: math.Inf(1)}
		if len(a.away) > 0 {
			w.pause = a.away[0].a
		}
		all = append(all, w)
	}
	return all
}

func (f *replayed) rest(w *worker, now float64) float64 {
	s := f.recordedDay.agents[f.agents[w.number]].away[f.next[w.number]]
	f.next[w.number]++
	if s.fixed {
		return max(s.b-now, 0)
	}
	return s.b - s.a
}

func (f *replayed) due(w *worker, _ float64) float64 {
	if a := f.recordedDay.agents[f.agents[w.number]]; f.next[w.number] < len(a.away) {
		return a.away[f.next[w.number]].a
	}
	return math.Inf(1)
}

func (f *replayed) handling(w *worker, _ *call) handling {
	held := f.held[f.agents[w.number]]
	x := f.src.of(aboutAgent, w.number*100_000+w.handled+1)
	return held[x.below(len(held))]
}

func (f *replayed) lead(number int, t float64) (pacing.Lead, bool) {
	c, _, _ := f.drawn(number, t)
	return c.lead, c.lead != pacing.Lead{}
}

func (f *replayed) call(number int, t float64) *call {
	first, p, x := f.drawn(number, t)
	c := &call{rings: math.Inf(1)}
	c.Lead = first.lead
	rings := first.rings
	end, known := p.completed(first, &x)
	lasts := end.lasted()
	if !math.IsInf(rings, 1) {
		lasts += rings
	}
	c.fate = unanswered
	if end.answered && known {
		c.fate = person
	}
	if lasts > f.ringTimeout {
		c.fate, lasts = unanswered, f.ringTimeout
	}
	if rings <= lasts {
		c.rings = t + rings
	}
	c.ends = t + lasts
	return c
}
