// Package sim plays days of calls and agents against a pacer, on virtual time.
package sim

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"ringpace/pacing"
)

// fate is what becomes of a call.
type fate uint8

const (
	failed fate = iota
	unanswered
	machine // known for one
	missed  // a machine that is taken for a person
	person
)

// call is one call in flight.
type call struct {
	pacing.Call
	fate  fate
	rings float64 // when it starts to ring; +Inf never
	ends  float64 // answer or end
	slot  int     // in day.flight
}

// nextLeads is how many of the leads to be dialed next a pacer is shown.
const nextLeads = 50

// event is something due.
type event struct {
	at   float64
	kind uint8
	call *call
	who  *worker
}

const (
	evRing uint8 = iota
	evEnd
	evDone
	evWrap
	evBack
	evIn
	evOut
	evGiveUp
)

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// Day is the outcome of one day.
type Day struct {
	Utilisation   float64
	Answered      int
	Abandoned     int
	Conversations int
	Dials         int
	GivenUp       int
	AgentHours    float64
	TalkSeconds   float64
	Waits         []float64 // of agents between calls, seconds
	Speed         []float64
}

// Abandonment is the share of people who answered and found nobody.
func (d *Day) Abandonment() float64 {
	if d.Answered == 0 {
		return 0
	}
	return float64(d.Abandoned) / float64(d.Answered)
}

type day struct {
	terms
	floor    floor
	pacer    pacing.Pacer
	oracle   foresight
	book     *book // nil: no calls are recorded
	learner  pacing.Learner
	arranger pacing.Arranger
	now      float64
	due      events
	flight   []*call
	waiting  []*call
	agents   []*worker
	line     line
	dials    int
	out      Day
	snap     pacing.Snapshot
}

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func clock(t float64) time.Time { return epoch.Add(time.Duration(t * float64(time.Second))) }

// Run plays one day.
func Run(s *Scenario, pacer pacing.Pacer, seed uint64) Day { return foresight{}.run(s, pacer, seed) }

// run plays one day for a pacer that is told what it foresees.
func (f foresight) run(s *Scenario, pacer pacing.Pacer, seed uint64) Day {
	return f.of(s, pacer, seed).play()
}

// of is the day of a scenario that the seed stands for.
func (f foresight) of(s *Scenario, pacer pacing.Pacer, seed uint64) *day {
	return &day{
		terms: terms{seconds: s.Hours * 3600, ceiling: s.Ceiling, patience: s.Patience},
		floor: &scripted{s: s, src: source(mix(seed))}, pacer: pacer, oracle: f,
	}
}

// play plays the day.
func (d *day) play() Day {
	d.learner, _ = d.pacer.(pacing.Learner)
	d.arranger, _ = d.pacer.(pacing.Arranger)
	d.agents = d.floor.crew()
	for _, w := range d.agents {
		d.push(event{at: w.from, kind: evIn, who: w})
		d.push(event{at: w.to, kind: evOut, who: w})
	}
	end := d.seconds
	for tick := 0.0; tick < end; tick++ {
		d.until(tick)
		d.now = tick
		for d.decide() > 0 && d.oracle.calls {
			// The fate of each call is seen before the next is placed.
		}
	}
	d.until(end)
	for _, w := range d.agents {
		if w.here {
			d.leave(w, end)
		}
		d.out.AgentHours += w.logged / 3600
		d.out.Utilisation += w.worked
		d.out.TalkSeconds += w.talked
	}
	d.out.Utilisation /= d.out.AgentHours * 3600
	d.out.Dials = d.dials
	return d.out
}

func (d *day) push(e event) { heap.Push(&d.due, e) }

func (d *day) until(t float64) {
	for len(d.due) > 0 && d.due[0].at <= t {
		e := heap.Pop(&d.due).(event)
		d.now = e.at
		d.happen(e)
	}
}

func (d *day) happen(e event) {
	switch e.kind {
	case evRing:
		if e.call.slot >= 0 {
			e.call.State, e.call.Rings = pacing.Ringing, clock(d.now)
		}
	case evEnd:
		if e.call.slot < 0 {
			return
		}
		d.settle(e.call)
	case evGiveUp:
		for i, c := range d.waiting {
			if c == e.call {
				d.waiting = append(d.waiting[:i], d.waiting[i+1:]...)
				d.remove(c)
				d.book.over(c, false)
				d.out.Abandoned++
				if c.fate == missed {
					d.out.Answered++ // nobody found out
				}
				d.observe(pacing.CallAbandoned, c)
				return
			}
		}
	case evWrap:
		e.who.state = pacing.WrapUp
		e.who.since = d.now
	case evDone:
		w := e.who
		w.worked += d.now - w.busy
		if d.learner != nil {
			d.learner.Observe(pacing.Event{At: clock(d.now), Kind: pacing.AgentDone, Busy: clock(w.busy)})
		}
		switch {
		case !w.here:
			w.logged += d.now - w.to // stayed longer
		case d.now >= w.pause:
			d.rest(w)
		default:
			d.free(w)
		}
	case evBack:
		w := e.who
		if w.here {
			w.pause = d.floor.due(w, d.now)
			w.logged -= d.now - w.since
			d.free(w)
		}
	case evIn:
		e.who.here = true
		e.who.busy = -1
		d.free(e.who)
	case evOut:
		d.leave(e.who, d.now)
	}
}

func (d *day) leave(w *worker, t float64) {
	if !w.here {
		return
	}
	w.here = false
	w.logged += t - w.from
	switch w.state {
	case pacing.Away:
		w.logged -= t - w.since
	case pacing.Engaged, pacing.WrapUp:
		if t >= d.seconds {
			w.worked += t - w.busy
			return
		}
		return
	}
	w.state = pacing.Away
}

func (d *day) rest(w *worker) {
	w.paused++
	w.state, w.since = pacing.Away, d.now
	d.push(event{at: d.now + d.floor.rest(w, d.now), kind: evBack, who: w})
}

func (d *day) free(w *worker) {
	w.state, w.since = pacing.Free, d.now
	if len(d.waiting) > 0 {
		c := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.connect(c, w)
		return
	}
}

func (d *day) connect(c *call, w *worker) {
	d.out.Speed = append(d.out.Speed, d.now-c.ends)
	d.out.Waits = append(d.out.Waits, d.now-w.since)
	d.remove(c)
	h := d.floor.handling(w, c)
	d.book.met(c, w, h)
	w.handled++
	if c.fate != missed {
		d.out.Conversations++
		w.talked += h.talk
	}
	w.state, w.since, w.busy = pacing.Engaged, d.now, d.now
	w.done = d.now + h.total()
	d.push(event{at: d.now + h.ring + h.talk, kind: evWrap, who: w})
	d.push(event{at: w.done, kind: evDone, who: w})
}

// settle is the answer or the end of a call.
func (d *day) settle(c *call) {
	if c.fate < missed {
		d.observe(pacing.CallEnded, c)
		d.remove(c)
		d.book.over(c, false)
		return
	}
	d.observe(pacing.CallAnswered, c)
	if c.fate == person {
		d.out.Answered++
	}
	c.State = pacing.Waiting
	var longest *worker
	for _, w := range d.agents {
		if w.here && w.state == pacing.Free && (longest == nil || w.since < longest.since) {
			longest = w
		}
	}
	if longest != nil {
		d.connect(c, longest)
		return
	}
	d.waiting = append(d.waiting, c)
	d.push(event{at: d.now + d.patience, kind: evGiveUp, call: c})
}

func (d *day) observe(k pacing.EventKind, c *call) {
	if d.learner != nil {
		d.learner.Observe(pacing.Event{At: clock(d.now), Kind: k, Call: c.Call})
	}
}

func (d *day) remove(c *call) {
	last := d.flight[len(d.flight)-1]
	d.flight[c.slot] = last
	last.slot = c.slot
	d.flight = d.flight[:len(d.flight)-1]
	c.slot = -1
}

// decide asks the pacer, does what it says, and returns how many calls that placed.
func (d *day) decide() int {
	s := &d.snap
	s.Now = clock(d.now)
	s.Agents, s.Calls = s.Agents[:0], s.Calls[:0]
	for _, w := range d.agents {
		if !w.here {
			continue
		}
		s.Agents = append(s.Agents, pacing.Agent{
			State: w.state, Since: clock(w.since), Busy: clock(w.busy),
			Until: clock(w.to),      // shifts are known
			Next:  d.now >= w.pause, // a break is asked for when it is due, and begins after the call
		})
		// A break that is due is taken by who is free, too.
		if w.state == pacing.Free && d.now >= w.pause {
			d.rest(w)
			s.Agents[len(s.Agents)-1].State = pacing.Away
		}
		d.oracle.agent(w, &s.Agents[len(s.Agents)-1])
	}
	for _, c := range d.flight {
		s.Calls = append(s.Calls, c.Call)
		d.oracle.call(c, &s.Calls[len(s.Calls)-1])
	}
	if d.arranger != nil && len(d.line.batch) == 0 {
		d.arrange(len(s.Agents))
	}
	s.Next = s.Next[:0]
	for n := range nextLeads {
		l, known := d.floor.lead(d.line.at(n), d.now)
		if !known {
			break
		}
		s.Next = append(s.Next, l)
	}
	s.Limits = pacing.Limits{Leads: pacing.Unlimited, Channels: pacing.Unlimited, Rate: pacing.Unlimited}
	if d.oracle.calls {
		s.Limits.Rate = 1
	}
	s.Windows = append(s.Windows[:0], pacing.Window{
		Name: "day", Ceiling: d.ceiling, Answered: d.out.Answered, Abandoned: d.out.Abandoned, Ends: clock(d.seconds),
	})
	decision := d.pacer.Decide(*s)
	for _, i := range slices.Backward(decision.GiveUp) {
		c := d.flight[i]
		d.observe(pacing.CallEnded, c)
		d.remove(c)
		d.book.over(c, true)
		d.out.GivenUp++
	}
	for range decision.Dial {
		d.dial(decision.Theta)
	}
	return decision.Dial
}

// dial places one call.
func (d *day) dial(theta float64) {
	c := d.floor.call(d.line.take(), d.now)
	d.dials++
	c.Since, c.Theta, c.slot = clock(d.now), theta, len(d.flight)
	d.flight = append(d.flight, c)
	d.book.sent(c)
	if !math.IsInf(c.rings, 1) {
		d.push(event{at: c.rings, kind: evRing, call: c})
	}
	d.push(event{at: c.ends, kind: evEnd, call: c})
}
