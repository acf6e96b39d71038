package pacing

import (
	"cmp"
	"slices"
)

// Batch is how many leads are put in order at a time.
const Batch = 35

// Arranger is a pacer that chooses who is dialed first of leads whose turn it is.
type Arranger interface {
	Pacer
	// Arrange says in which order a batch of leads is best dialed by so many agents: their
	// indices. nil: as they are. It is called by the goroutine that decides.
	Arrange(leads []Lead, agents int) []int
}

// smallTeam is how many agents gain by it that leads are arranged; more have so many calls in
// flight that it makes no difference.
const smallTeam = 20

// Arrange implements Arranger: one batch goes by its leads' odds from the best to the
// worst, the next from the worst to the best, so that leads of like odds follow one another. An
// answer that is all but sure takes one call where five that are unlikely may bring none
// or two; for a few agents that is so much more certain that it must not be mixed up with them.
func (p *predictive) Arrange(leads []Lead, agents int) []int {
	if agents > smallTeam || !p.knows(OfLeads) {
		return nil
	}
	odds, order := make([]float64, len(leads)), make([]int, len(leads))
	for i := range leads {
		odds[i], order[i] = p.model.Odds.of(&leads[i]), i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if p.worstFirst {
			a, b = b, a
		}
		return cmp.Compare(odds[b], odds[a])
	})
	p.worstFirst = !p.worstFirst
	return order
}
