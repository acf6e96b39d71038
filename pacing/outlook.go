package pacing

import (
	"math"
	"slices"
)

// point is one level of answers, with all that follows from it.
type point struct {
	weight  float64
	octaves float64 // the level's logarithm to the base 2
	crowd   crowd
	fresh   *fare // of a call dialed now
	answers row   // the sum of those to calls in flight
	full    row   // risk that nobody is there for an answer, by the crowd as it is
}

// assess works out how calls in flight and agents will fare.
func (p *predictive) assess(s *Snapshot, n count) {
	levels, weights, points := p.model.Calls.Level.points()
	p.prospect.Level, _ = p.model.Calls.Level.mean()
	p.points = slices.Grow(p.points[:0], points)[:points]
	for i := range p.points {
		pt := &p.points[i]
		pt.weight, pt.octaves = weights[i], math.Log2(levels[i])
	}
	waits := 0
	for i := range p.calls {
		if f := &p.calls[i]; !f.gone {
			p.expect(&s.Calls[f.at].Lead, &p.alike[f.alike])
			waits++
		}
	}
	p.staff(s, n)
	p.taken.reset(p.places, len(p.busy)+waits)
	for i := range p.busy {
		p.taken.add(&p.busy[i])
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

// aim works out how the next call but so many would fare.
func (p *predictive) aim(s *Snapshot, dialed int) {
	next := aim{}
	switch {
	case !p.knows(OfLeads):
		next.forecast = p.forecasts.ofAll(&p.model)
	case dialed >= len(s.Next):
		next.forecast, next.octaves = p.forecasts.ofAll(&p.model), octaves(p.model.Odds.usual())
	default:
		l := &s.Next[dialed]
		a := &p.alike[p.meet(l)]
		p.expect(l, a)
		next.forecast, next.octaves = a.forecast, a.octaves
	}
	if dialed > 0 && next == p.aimed {
		return
	}
	p.aimed = next
	for i := range p.points {
		pt := &p.points[i]
		pt.fresh = next.forecast.course(false, pt.octaves+next.octaves).at(0)
	}
}

// aim is what is expected of a call that is not dialed yet.
type aim struct {
	forecast *forecast
	octaves  float64
}

// gather makes the crowds of all who will want an agent. Agents who are busy are so at
// every level.
func (p *predictive) gather() {
	for i := range p.points {
		pt := &p.points[i]
		pt.crowd.copy(&p.taken)
		pt.answers = row{}
		p.summed = p.summed[:0]
		for j := range p.calls {
			if f := &p.calls[j]; !f.gone {
				p.join(pt, i, f)
			}
		}
		for _, a := range p.summed {
			pt.answers.add(&a.course.at(a.whole).answered, a.course.calls[a.whole])
			a.course.calls[a.whole] = 0
		}
		pt.crowd.full(&pt.full)
	}
}

// join adds a call in flight to the crowd of a level and, but for those that are foreseen, to
// the calls of its course.
func (p *predictive) join(pt *point, level int, f *flying) {
	if f.foreseen {
		var r row
		r.by(f.in)
		pt.answers.add(&r, 1)
		r.since(f.in, p.forecasts.held(&p.model))
		pt.crowd.add(&r)
		return
	}
	c := p.course(f, level)
	for w, calls := range [2]float64{1 - f.part, f.part} {
		w += f.whole
		if c.calls[w] == 0 && calls > 0 {
			p.summed = append(p.summed, aged{c, w})
		}
		c.calls[w] += calls
	}
	pt.crowd.addBetween(&c.at(f.whole).held, &c.at(f.whole+1).held, f.part)
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
