package main

import (
	"math/rand/v2"
	"testing"
)

func TestMonitorTellsGaps(t *testing.T) {
	source := newSource(1, rand.New(rand.NewPCG(1, 1)))
	m := &monitor{}
	for _, c := range []struct {
		number  uint32
		follows bool
	}{{1, true}, {2, true}, {4, false}, {5, true}, {5, false}, {6, true}} {
		if got := m.follows(source.next(c.number)); got != c.follows {
			t.Errorf("packet %d follows: %v", c.number, got)
		}
	}
	if m.follows(nil) {
		t.Error("nothing follows")
	}
}
