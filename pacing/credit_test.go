package pacing

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPredictiveKeepsToItsCredit holds, on floors of any size, that calls which put agents'
// answers at more than a slight risk are only dialed as long as the credit covers what all
// calls in flight, those of the same decision among them, may cost at the worst; and that
// a decision dials what deciding again would not.
func TestPredictiveKeepsToItsCredit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := taught(t, Config{Patience: 2 * time.Second}, 2000)
	model := p.Model()
	covered, uncovered := 0, 0
	for range 300 {
		agents := 1 + r.IntN(8)
		if r.IntN(3) == 0 {
			agents *= 25
		}
		s := busyFor(snapshot(r.IntN(agents+1), agents, r.IntN(agents), r.IntN(2*agents), 0), time.Duration(r.IntN(200))*time.Second)
		for i := range s.Calls {
			k := &s.Calls[i]
			k.Since = noon.Add(-time.Duration(2+r.IntN(20)) * time.Second)
			if k.State == Ringing {
				k.Rings = k.Since.Add(2 * time.Second)
			}
		}
		answered := 50 + r.IntN(2000)
		s.Windows = []Window{day(answered, r.IntN(1+answered*3/100))}
		credit := s.Windows[0].credit()
		p.Resume(model)
		d := p.Decide(s)
		for range d.Dial {
			s.Calls = append(s.Calls, Call{Since: noon})
		}
		p.Resume(model)
		after := p.Decide(s)
		if after.Dial > 0 && d.Dial < mostAtOnce {
			t.Errorf("%d dialed, and %d more when asked again", d.Dial, after.Dial)
		}
		switch need := poissonQuantile(gateMargin*after.Predictive.Lost, gateTail); {
		case d.Dial == 0:
		case need <= credit:
			covered++
		case d.Theta > safeTheta:
			t.Errorf("%d dialed at a risk of %.3f with a credit of %.1f, where %.0f may be needed", d.Dial, d.Theta, credit, need)
		default:
			uncovered++
		}
	}
	if covered < 20 || uncovered < 10 {
		t.Errorf("%d decisions were covered, and %d not: too few to tell", covered, uncovered)
	}
}
