package pacing

import "testing"

// TestCallsThatEndSoonHoldNobodyForLong holds that the agents whom calls will have had for
// a short while only, as where machines are taken for people, count as free again.
func TestCallsThatEndSoonHoldNobodyForLong(t *testing.T) {
	held := func(seconds float64) (by, now float64) {
		p := taught(t, Config{}, 2000)
		p.model.Handling = handlingTable{}
		for range 500 {
			p.model.Handling.observe(0, seconds)
			p.model.Handling.done(seconds)
		}
		p.forecasts = forecasts{patience: 2}
		r := p.forecasts.ofAll(&p.model).course(false, 0).at(0)
		for k := range r.held {
			if r.held[k] > r.answered[k]+1e-9 || r.held[k] < 0 {
				t.Fatalf("after %d s %.3f are answered, and %.3f have an agent", ahead[k], r.answered[k], r.held[k])
			}
		}
		return r.answered[steps-1], r.held[steps-1]
	}
	short, have := held(5)
	if have > short/2 {
		t.Errorf("%.3f of calls are answered within %d s and last for 5; %.3f have an agent then", short, lookout, have)
	}
	if long, have := held(200); have < long*0.95 {
		t.Errorf("%.3f of calls are answered within %d s and last for 200; %.3f have an agent then", long, lookout, have)
	}
}
