package pacing

import (
	"math"
	"slices"
	"time"
)

// point is one level of answers, with all that follows from it.
type point struct {
	level, weight float64
	crowd         crowd
	fresh         fare   // of a call dialed now
	calls         []fare // of those in flight
	answers       row    // the sum of their answers
	full          row    // risk that nobody is there for an answer, by the crowd as it is
}

// flying is a call in flight that nobody has answered.
type flying struct {
	at      int // in the snapshot
	ringing bool
	age     float64 // in that state, seconds

	forecast *forecast
	octaves  float64 // of its odds beside the forecast's: their logarithm to the base 2
}

// assess works out how calls in flight and agents will fare.
func (p *predictive) assess(s *Snapshot, n count) {
	levels, weights := p.model.Calls.Level.points()
	p.prospect.Level, _ = p.model.Calls.Level.mean()
	for len(p.points) < len(levels) {
		p.points = append(p.points, point{})
	}
	p.points = p.points[:len(levels)]
	p.calls = p.calls[:0]
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State != Waiting && (!k.Foreseen || !k.AnswersAt.IsZero()) {
			since, ringing := p.rings(k)
			f := flying{at: i, ringing: ringing, age: age(s.Now, since)}
			f.forecast, f.octaves = p.expect(&k.Lead)
			p.calls = append(p.calls, f)
		}
	}
	p.staff(s, n)
	for i := range p.points {
		pt := &p.points[i]
		pt.level, pt.weight = levels[i], weights[i]
		level := math.Log2(pt.level)
		pt.calls, pt.answers = pt.calls[:0], row{}
		for _, f := range p.calls {
			var r fare
			if k := &s.Calls[f.at]; k.Foreseen {
				r.by(s.Now, k.AnswersAt, p.forecasts.held(&p.model))
			} else {
				f.forecast.of(&r, f.ringing, f.age, level+f.octaves)
			}
			pt.calls = append(pt.calls, r)
			pt.answers.add(&r.answered, 1)
		}
	}
	p.gather()
	for i := range p.points {
		p.prospect.Answers += p.points[i].weight * p.points[i].answers[steps-1]
	}
}

// add adds so many times another row.
func (r *row) add(p *row, times float64) {
	for k, x := range p {
		r[k] += times * x
	}
}

// octaves is the logarithm to the base 2.
func octaves(odds float64) float64 {
	if odds == 1 {
		return 0
	}
	return math.Log2(odds)
}

// aim works out how the next call but so many would fare.
func (p *predictive) aim(s *Snapshot, dialed int) {
	next := aim{forecast: p.forecasts.of(&p.model, "")}
	switch {
	case !p.knows(OfLeads):
	case dialed >= len(s.Next):
		next.octaves = octaves(p.model.Odds.usual())
	default:
		next.forecast, next.octaves = p.expect(&s.Next[dialed])
	}
	if dialed > 0 && next == p.aimed {
		return
	}
	p.aimed = next
	for i := range p.points {
		pt := &p.points[i]
		next.forecast.of(&pt.fresh, false, 0, math.Log2(pt.level)+next.octaves)
	}
}

// aim is what is expected of a call that is not dialed yet.
type aim struct {
	forecast *forecast
	octaves  float64
}

// expect is the forecast for a lead, and its odds beside that in octaves.
func (p *predictive) expect(l *Lead) (*forecast, float64) {
	if !p.knows(OfLeads) {
		return p.forecasts.of(&p.model, ""), 0
	}
	if p.model.Calls.Lists[l.List] != nil {
		return p.forecasts.of(&p.model, l.List), octaves(p.model.Odds.but(l, listKind))
	}
	return p.forecasts.of(&p.model, ""), octaves(p.model.Odds.of(l))
}

// staff finds when agents will be there.
func (p *predictive) staff(s *Snapshot, n count) {
	p.places, p.busy = -n.waiting, p.busy[:0]
	soon := slices.Index(ahead[:], int(FreeWithin/time.Second))
	for i := range s.Agents {
		a := &s.Agents[i]
		if a.State == Away || a.Next && a.State != Free && p.knows(OfLeaving) {
			continue
		}
		p.places++
		patience := (p.c.Patience - a.Ring).Seconds()
		leaves := math.Inf(1)
		if !a.Until.IsZero() && p.knows(OfLeaving) {
			leaves = a.Until.Sub(s.Now).Seconds()
		}
		if a.State == Free && patience >= 0 && leaves >= lookout {
			continue
		}
		var r row
		switch {
		case a.State == Free:
		case !a.FreeAt.IsZero():
			r.until(s.Now, a.FreeAt, patience)
		default:
			since := a.Busy
			if !p.knows(OfHandling) {
				since = s.Now
			}
			p.forecasts.busy(&p.model).busy(&r, age(s.Now, since), patience)
		}
		for k, s := range ahead {
			if at := float64(s); at > leaves || at+patience < 0 {
				r[k] = 1
			}
		}
		p.busy = append(p.busy, r)
		if a.State != Free {
			p.prospect.FreeSoon += 1 - r[soon]
		}
	}
}

// patience is how long who answers may still wait when a call to an agent is made, in seconds.
func (p *predictive) patience(s *Snapshot) float64 {
	ring := time.Duration(0)
	for i := range s.Agents {
		ring = max(ring, s.Agents[i].Ring)
	}
	return (p.c.Patience - ring).Seconds()
}

// FreeWithin is how soon agents are free whom Prospect counts as free soon.
const FreeWithin = 10 * time.Second

// gather makes the crowds of all who will want an agent. Agents who are busy are so at
// every level.
func (p *predictive) gather() {
	p.taken.reset(p.places, len(p.busy)+len(p.calls))
	for j := range p.busy {
		p.taken.add(&p.busy[j])
	}
	for i := range p.points {
		pt := &p.points[i]
		pt.crowd.copy(&p.taken)
		for j := range pt.calls {
			pt.crowd.add(&pt.calls[j].held)
		}
		pt.crowd.full(&pt.full)
	}
}

// risk is how likely answers come and find nobody, and how likely they come, over all
// levels; of says which answers.
func (p *predictive) risk(of func(*point) *row) (lost, answered float64) {
	for i := range p.points {
		pt := &p.points[i]
		l, a := pt.full.against(of(pt))
		lost += pt.weight * l
		answered += pt.weight * a
	}
	return lost, answered
}

// against is how likely an answer comes and finds nobody, and how likely one comes, where
// r is the risk by when it comes and p when it has come.
func (r *row) against(p *row) (lost, answered float64) {
	for k := range p {
		lost += (p[k] - answered) * r[k]
		answered = p[k]
	}
	return lost, answered
}
