package sim

import "ringpace/pacing"

// ratio keeps so many lines for each agent who is logged in and not away. A call that an
// agent has is a line, too; so is not what follows it, the wrap-up.
type ratio struct{ lines float64 }

// Decide implements pacing.Pacer.
func (r ratio) Decide(s pacing.Snapshot) pacing.Decision {
	n := tally(&s)
	return dial(&s, int(r.lines*float64(n.present()))-n.flight-n.talking)
}

// crowd is how many agents and calls of a snapshot are in which state.
type crowd struct {
	free, talking, wrapping int // agents
	flight, waiting         int // calls before the agent; of them, those that a person has answered
}

// present is how many agents are logged in and not away.
func (c crowd) present() int { return c.free + c.talking + c.wrapping }

func tally(s *pacing.Snapshot) crowd {
	c := crowd{flight: len(s.Calls)}
	for i := range s.Agents {
		switch s.Agents[i].State {
		case pacing.Free:
			c.free++
		case pacing.Engaged:
			c.talking++
		case pacing.WrapUp:
			c.wrapping++
		}
	}
	for i := range s.Calls {
		if s.Calls[i].State == pacing.Waiting {
			c.waiting++
		}
	}
	return c
}

// dial is the decision to place n calls, as far as the surroundings allow: none without
// an agent.
func dial(s *pacing.Snapshot, n int) pacing.Decision {
	n = min(n, s.Limits.Leads, s.Limits.Channels, s.Limits.Rate)
	if s.Limits.Stop != "" || len(s.Agents) == 0 {
		n = 0
	}
	return pacing.Decision{Dial: max(n, 0), Agents: len(s.Agents), InFlight: len(s.Calls)}
}
