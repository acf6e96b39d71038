package pacing

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLevelFollowsAndSettles holds that a level is known closely where it does not change,
// and found again soon after it has: by both more so than by any one memory.
func TestLevelFollowsAndSettles(t *testing.T) {
	const runs = 40
	var steady, soon, later float64 // mean squares of relative errors
	for run := range uint64(runs) {
		r := rand.New(rand.NewPCG(run, 4))
		var l level
		off := func(answers int, truth float64) float64 {
			for range answers {
				l.expect(r.ExpFloat64() / truth)
				l.answered()
			}
			mean, cv := l.mean()
			if cv <= 0 || cv > 0.5 {
				t.Fatalf("coefficient of variation %.3f", cv)
			}
			return (mean/truth - 1) * (mean/truth - 1) / runs
		}
		steady += off(1000, 1.5)
		soon += off(60, 0.5)
		later += off(300, 0.5)
	}
	for _, c := range []struct {
		what      string
		got, most float64
	}{
		{"steady", math.Sqrt(steady), 0.065},
		{"60 answers after it fell", math.Sqrt(soon), 0.45},
		{"360 answers after it fell", math.Sqrt(later), 0.2},
	} {
		if c.got > c.most {
			t.Errorf("%s: the level is off by %.1f %%, want %.1f at most", c.what, 100*c.got, 100*c.most)
		}
	}
}

// TestLevelFollowsAJump holds that a jump after a long time of sameness is seen for what it is
// within some tens of answers, and that the sameness is known as closely as before.
func TestLevelFollowsAJump(t *testing.T) {
	for _, c := range []struct {
		jump, seen float64 // the level, and what it must be taken for in that many answers
		answers    int
	}{{12, 3, 25}, {12, 7, 100}, {4, 2, 60}, {0.15, 0.5, 25}} {
		const runs = 100
		late, off := 0, 0.0
		for run := range uint64(runs) {
			r := rand.New(rand.NewPCG(run, 5))
			var l level
			answer := func(truth float64) float64 {
				l.expect(r.ExpFloat64() / truth)
				l.answered()
				mean, _ := l.mean()
				return mean
			}
			mean := 0.0
			for range 1000 {
				mean = answer(1)
			}
			off += (mean - 1) * (mean - 1) / runs
			for range c.answers {
				mean = answer(c.jump)
			}
			if c.jump > 1 && mean < c.seen || c.jump < 1 && mean > c.seen {
				late++
			}
		}
		if late > runs/20 || math.Sqrt(off) > 0.08 {
			t.Errorf("%v times as many answer: not seen within %d answers in %d of %d runs; off by %.3f before", c.jump, c.answers, late, runs, math.Sqrt(off))
		}
	}
}
