package pacing

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestDecisionsCostLittleMoreOnLargeFloors holds, by counts that no other load of the machine
// can change, what keeps decisions short: they allocate no more for a large floor than for a
// small one, look up what is known of leads once for all who are alike, and add up the
// answers to thousands of calls by the rows of the table.
func TestDecisionsCostLittleMoreOnLargeFloors(t *testing.T) {
	decide := func(agents, calls int) (allocations float64, alike, rows int) {
		words := [...]string{"1", "2", "3", "4+"}
		p, s := acquainted(t, false), floorOf(agents, calls, func(r *rand.Rand) Lead { return Lead{Attempt: words[r.IntN(len(words))]} })
		p.Decide(s)
		allocations = testing.AllocsPerRun(20, func() { p.Decide(s) })
		return allocations, len(p.alike), len(p.summed)
	}
	few, _, _ := decide(50, 150)
	many, alike, rows := decide(500, 2000)
	if many > few+2 || many > 12 {
		t.Errorf("%.0f allocations for 50 agents, %.0f for 500", few, many)
	}
	if alike != 4 {
		t.Errorf("what is known of leads was looked up %d times, of whom there are 4 kinds", alike)
	}
	if most := 2 * 27; rows > most {
		t.Errorf("%d rows were added up, want %d at most: of two stages and ages up to 26 s", rows, most)
	}
}

// TestWordsOfLeadsAreLookedUpOnce holds that the tallies of leads' words are found once for
// all decisions by the same forecasts, and forgotten with these.
func TestWordsOfLeadsAreLookedUpOnce(t *testing.T) {
	p := acquainted(t, true)
	decide := func(after time.Duration, attempt string) int {
		s := floorOf(10, 40, func(*rand.Rand) Lead { return Lead{Attempt: attempt} })
		s.Now = noon.Add(after)
		p.Decide(s)
		return len(p.met)
	}
	decide(0, "1")
	if met := decide(time.Second, "2"); met != 2 {
		t.Errorf("%d kinds of leads are known after two decisions of one each, want 2", met)
	}
	if met := decide(time.Second+renewEvery, "2"); met != 1 {
		t.Errorf("%d kinds of leads are known by new forecasts, want the 1 that is called", met)
	}
}

// TestAnswersAddUp holds the answers to all calls, that are added up by rows of the table, and
// the crowd of who will want an agent to what they are call by call.
func TestAnswersAddUp(t *testing.T) {
	for _, agents := range []int{10, 100} {
		p, s := acquainted(t, true), floorOf(agents, 4*agents, anyLead)
		p.c.LeastRing = 0 // nobody is given up
		s.Windows = nil   // nor dialed
		p.Decide(s)
		for i := range p.points {
			pt := &p.points[i]
			var answers, r row
			var crowd crowd
			crowd.copy(&p.taken)
			for j := range p.calls {
				p.answered(&r, &p.calls[j], i)
				answers.add(&r, 1)
				p.held(&r, &p.calls[j], i)
				crowd.add(&r)
			}
			var full row
			crowd.full(&full)
			for k := range answers {
				if math.Abs(answers[k]-pt.answers[k]) > 1e-9 || math.Abs(full[k]-pt.full[k]) > 1e-12 {
					t.Fatalf("%d agents: within %d s %.9f answers and a risk of %.12f, want %.9f and %.12f",
						agents, ahead[k], pt.answers[k], pt.full[k], answers[k], full[k])
				}
			}
		}
	}
}

// TestDecisionsKeepNothingOfLeads holds that what was found of leads for one decision is not
// what the next goes by, once more is known of them.
func TestDecisionsKeepNothingOfLeads(t *testing.T) {
	p, s := acquainted(t, true), floorOf(10, 40, anyLead)
	p.Decide(s)
	for range 300 {
		p.Observe(Event{At: s.Now, Kind: CallAnswered, Call: s.Calls[1]})
	}
	again := newPredictive(p.c)
	again.Resume(p.Model())
	again.last, p.forecasts = p.last, forecasts{}
	a, b := p.Decide(s), again.Decide(s)
	if a.Dial != b.Dial || *a.Predictive != *b.Predictive {
		t.Errorf("%d dialed, %+v; by a new pacer that knows the same %d, %+v", a.Dial, *a.Predictive, b.Dial, *b.Predictive)
	}
}
