package pacing

import (
	"math"
	"testing"
)

// TestModelTells holds what a model tells of itself against what it was taught: a fifth is
// answered 12 s after the dial on average, the others end after 27 s, and agents are busy for 90 s.
func TestModelTells(t *testing.T) {
	p := taught(t, Config{}, 2000)
	m := p.Model()
	answer, end, calls := m.CallTimes()
	if math.Abs(answer-12) > 1 || math.Abs(end-27) > 1 || calls < 1000 {
		t.Errorf("answered after %.1f s, over after %.1f s, by %.0f calls", answer, end, calls)
	}
	if mean, calls := m.HandlingTime(); calls < 150 || !(mean > 0) {
		t.Errorf("handled in %.1f s, by %.0f calls", mean, calls)
	}
	if x := m.AnswerOdds(&Lead{List: "unheard of"}); x != 1 {
		t.Errorf("odds of who is not known are %v", x)
	}
	var none Model
	if mean, calls := none.HandlingTime(); calls != 0 || math.Abs(mean-handlingMean) > 5 {
		t.Errorf("before anything is known %.1f s by %v calls", mean, calls)
	}
}
