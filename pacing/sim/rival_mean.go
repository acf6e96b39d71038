package sim

import (
	"math"

	"ringpace/pacing"
)

// meanMatching dials until the answers that are expected within its horizon are a share of
// the agents who are expected to be free within another. It learns what Ringpace's own
// tables learn, the hazards of calls and of agents by their ages, but decides by means.
type meanMatching struct {
	horizon int     // of answers, seconds
	ahead   int     // of agents, seconds
	share   float64 // of the agents expected to be free that answers may be

	calls    [matchAges]struct{ risk, answers, ends float64 }
	handling [matchSpans]struct{ risk, done float64 }
}

const (
	matchAges     = 64 // seconds by which calls' ages are told apart
	matchSpans    = 24 // spans of agents' busy time, each a quarter longer than the one before
	matchHalfLife = 2000.0
)

var (
	matchForget = math.Exp2(-1 / matchHalfLife)
	matchPrior  = func() (n [matchAges]float64) {
		for i := range n {
			n[i] = 20 * math.Exp(-float64(i)/20)
		}
		return n
	}()
	// spanOf is the span that a busy time of so many whole seconds falls into.
	spanOf = func() (n [900]uint8) {
		for i := range n {
			n[i] = uint8(min(int(math.Log(1+float64(i)/4)/math.Log(1.25)), matchSpans-1))
		}
		return n
	}()
)

func matchSpan(seconds float64) int { return int(spanOf[min(max(int(seconds), 0), len(spanOf)-1)]) }

// Observe implements pacing.Learner. A decision is due each second: what happens after it
// belongs to the age that it saw.
func (m *meanMatching) Observe(e pacing.Event) {
	switch e.Kind {
	case pacing.CallAnswered, pacing.CallEnded:
		c := &m.calls[matchAge(e.At.Sub(e.Call.Since).Seconds())]
		if e.Kind == pacing.CallAnswered {
			c.answers++
		} else {
			c.ends++
		}
		for i := range m.calls {
			c := &m.calls[i]
			c.risk, c.answers, c.ends = c.risk*matchForget, c.answers*matchForget, c.ends*matchForget
		}
	case pacing.AgentDone:
		m.handling[matchSpan(e.At.Sub(e.Busy).Seconds())].done++
	}
}

// matchAge is the second that an age falls into; a whole one belongs to the second before.
func matchAge(age float64) int { return min(max(int(math.Ceil(age))-1, 0), matchAges-1) }

// Decide implements pacing.Pacer.
func (m *meanMatching) Decide(s pacing.Snapshot) pacing.Decision {
	var alive, answers [matchAges + 1]float64 // of a new call: by age
	alive[0] = 1
	for i := range m.calls {
		c := &m.calls[i]
		prior, hazard := matchPrior[i], 0.014
		if i < 3 || i > 24 {
			hazard = 0.004
		}
		a := (c.answers + prior*hazard) / (c.risk + prior)
		o := (c.ends + prior*0.04) / (c.risk + prior)
		answers[i+1] = answers[i] + alive[i]*min(a, 1)
		alive[i+1] = alive[i] * max(1-a-o, 0)
	}
	within := func(age int) float64 {
		if age >= matchAges || alive[age] < 1e-9 {
			return 0
		}
		return (answers[min(age+m.horizon, matchAges)] - answers[age]) / alive[age]
	}
	expected := 0.0
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State == pacing.Waiting {
			expected++
		} else {
			age := int(s.Now.Sub(k.Since).Seconds() + 1e-6)
			m.calls[min(age, matchAges-1)].risk++
			expected += within(age)
		}
	}
	var stay [matchSpans]float64 // for a second
	for i := range stay {
		stay[i] = 1 - (m.handling[i].done+0.5)/(m.handling[i].risk+0.5*90)
	}
	places := 0.0
	for i := range s.Agents {
		switch a := &s.Agents[i]; a.State {
		case pacing.Free:
			places++
		case pacing.Engaged, pacing.WrapUp:
			busy := s.Now.Sub(a.Busy).Seconds()
			m.handling[matchSpan(busy)].risk++
			stays := 1.0
			for k := range m.ahead {
				stays *= stay[matchSpan(busy+float64(k))]
			}
			places += 1 - stays
		}
	}
	d := dial(&s, int(math.Floor((m.share*places-expected)/max(within(0), 0.001))))
	m.calls[0].risk += float64(d.Dial)
	return d
}
