package pacing

import (
	"slices"
	"testing"
)

// TestLeadsAreArranged holds that a small team's batches go by the odds of their leads, in
// turns from the best and from the worst, and others as they come.
func TestLeadsAreArranged(t *testing.T) {
	p := taught(t, Config{}, 100)
	p.model.Odds.Words = map[word]*tally{
		{listKind, "customers"}: {Answered: 200, Expected: 50},
		{listKind, "bought"}:    {Answered: 10, Expected: 50},
	}
	batch := []Lead{{List: "bought"}, {}, {List: "customers"}, {List: "bought", Hour: "9"}, {List: "new"}, {List: "customers"}}
	down, up := []int{2, 5, 1, 4, 0, 3}, []int{0, 3, 1, 4, 2, 5}
	for i, want := range [][]int{down, up, down} {
		if got := p.Arrange(batch, smallTeam); !slices.Equal(got, want) {
			t.Errorf("batch %d: %v, want %v", i+1, got, want)
		}
	}
	if got := p.Arrange(batch, smallTeam+1); got != nil {
		t.Errorf("with many agents: %v", got)
	}
	if got := p.Arrange(nil, 3); len(got) > 0 {
		t.Errorf("nobody: %v", got)
	}
	p.c.Ignore = OfLeads
	if got := p.Arrange(batch, 3); got != nil {
		t.Errorf("where leads are all alike: %v", got)
	}
}
