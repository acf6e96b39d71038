package pacing

import (
	"cmp"
	"slices"
)

const (
	giveUpFactor = 4  // times theta: the risk at which a call is given up
	mostGivenUp  = 10 // by one decision
)

// giveUp finds calls that have rung for long enough and whose answers would now too
// likely find nobody: the likeliest first, each for as long as it still holds without
// those before it. They are taken out of the crowds.
func (p *predictive) giveUp() []int {
	if p.c.LeastRing <= 0 {
		return nil
	}
	type candidate struct {
		call int
		risk float64
	}
	most := giveUpFactor * p.prospect.Theta
	var late []candidate
	for j := range p.calls {
		if f := &p.calls[j]; !f.gone && f.ringing && f.to >= p.c.LeastRing.Seconds() {
			if r := p.riskOf(j); r > most {
				late = append(late, candidate{j, r})
			}
		}
	}
	slices.SortStableFunc(late, func(a, b candidate) int { return cmp.Compare(b.risk, a.risk) })
	var gone []int
	for _, c := range late[:min(len(late), mostGivenUp)] {
		if len(gone) > 0 && p.riskOf(c.call) <= most {
			break
		}
		gone = append(gone, p.calls[c.call].at)
		p.drop(c.call)
	}
	slices.Sort(gone)
	return gone
}

// drop takes a call out of those that may be answered.
func (p *predictive) drop(j int) {
	f, again := &p.calls[j], false
	f.gone = true
	for i := range p.points {
		pt := &p.points[i]
		var r row
		p.answered(&r, f, i)
		pt.answers.add(&r, -1)
		p.held(&r, f, i)
		again = !pt.crowd.remove(&r) || again
	}
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
	var lost, answered float64
	for i := range p.points {
		pt := &p.points[i]
		var r row
		p.answered(&r, &p.calls[j], i)
		l, a := pt.full.against(&r)
		lost += pt.weight * l
		answered += pt.weight * a
	}
	if answered <= 0 {
		return 0
	}
	return lost / answered
}
