package pacing

import "slices"

const (
	giveUpFactor = 4  // times theta: the risk at which a call is given up
	mostGivenUp  = 10 // by one decision
)

// giveUp finds calls that have rung for long enough and whose answers would now too
// likely find nobody. They are taken out of the crowds.
func (p *predictive) giveUp() []int {
	var gone []int
	for range mostGivenUp {
		worst, most := -1, giveUpFactor*p.prospect.Theta
		for j, f := range p.calls {
			if p.c.LeastRing > 0 && f.ringing && f.age >= p.c.LeastRing.Seconds() {
				if r := p.riskOf(j); r > most {
					worst, most = j, r
				}
			}
		}
		if worst < 0 {
			break
		}
		gone = append(gone, p.calls[worst].at)
		p.drop(worst)
	}
	slices.Sort(gone)
	return gone
}

// drop takes a call out of those in flight.
func (p *predictive) drop(j int) {
	again := false
	for i := range p.points {
		pt := &p.points[i]
		r := pt.calls[j]
		pt.answers.add(&r, -1)
		pt.calls = slices.Delete(pt.calls, j, j+1)
		again = !pt.crowd.remove(&r) || again
	}
	p.calls = slices.Delete(p.calls, j, j+1)
	if again {
		p.gather()
		return
	}
	for i := range p.points {
		p.points[i].crowd.full(&p.points[i].full)
	}
}

// riskOf is the risk that an answer to a call in flight finds nobody. That the call itself
// is in the crowd makes it a little greater.
func (p *predictive) riskOf(j int) float64 {
	lost, answered := p.risk(func(pt *point) *row { return &pt.calls[j] })
	if answered <= 0 {
		return 0
	}
	return lost / answered
}
