package pacing

import "math"

// alike is what is known of leads of the same words. Nothing of it changes in a decision,
// and of the thousands of calls that one looks at many are to leads that are alike: so it is
// found once for all of them. Where to find it is kept for the decisions that follow.
type alike struct {
	words    tallies
	decision int // which one the rest was found for

	odds   float64 // how many times as often as usual they answer
	among  float64 // the same, but for what their list tells
	stages *stages // what was learned of their list; nil where it is not told apart

	forecast *forecast
	octaves  float64                // of their odds beside the forecast's: their logarithm to the base 2
	courses  [mostPoints][2]*course // of their calls by level, and whether they ring
}

// like is what is known of leads like that one.
func (p *predictive) like(l *Lead) (a alike) {
	p.find(l, &a)
	return a
}

// find finds anew what is known of leads that are alike.
func (p *predictive) find(l *Lead, a *alike) {
	*a = alike{words: a.words, decision: p.decision, odds: 1, among: 1}
	if p.knows(OfLeads) {
		a.odds, a.among = p.model.Odds.apart(l, &a.words)
		a.stages = p.model.Calls.Lists[l.List]
	}
}

// meet is the place in p.alike of what is known of leads like that one.
func (p *predictive) meet(l *Lead) int {
	if n := len(p.alike); n > 0 && *l == p.metLast && p.alike[p.metAt].decision == p.decision { // as where nothing is known of any
		return p.metAt
	}
	at, met := p.met[*l]
	if !met {
		if p.met == nil {
			p.met = map[Lead]int{}
		}
		at = len(p.alike)
		p.met[*l], p.alike = at, append(p.alike, p.like(l))
	}
	if a := &p.alike[at]; a.decision != p.decision {
		p.find(l, a)
	}
	p.metLast, p.metAt = *l, at
	return at
}

// expect finds the forecast of calls to leads that are alike, and their odds beside it. It
// may not be asked before all that was seen of their list is counted.
func (p *predictive) expect(l *Lead, a *alike) {
	switch {
	case a.forecast != nil:
	case a.stages != nil:
		a.forecast, a.octaves = p.forecasts.of(&p.model, l.List), octaves(a.among)
	default:
		a.forecast, a.octaves = p.forecasts.ofAll(&p.model), octaves(a.odds)
	}
}

// octaves is the logarithm to the base 2.
func octaves(odds float64) float64 {
	if odds == 1 {
		return 0
	}
	return math.Log2(odds)
}
