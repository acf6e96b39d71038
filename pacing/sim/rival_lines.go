package sim

import (
	"math"

	"ringpace/pacing"
)

// ratio keeps so many lines for each agent who is logged in and not away. A call that an
// agent has takes a line, too.
type ratio struct{ lines float64 }

// Decide implements pacing.Pacer.
func (r ratio) Decide(s pacing.Snapshot) pacing.Decision {
	n := tally(&s)
	return dial(&s, lines(r.lines, n.present())-n.flight-n.talking)
}

// strictGate keeps many calls in flight for each free agent while the day's share of
// abandoned calls is below the gate, and otherwise one.
type strictGate struct{ lines, gate float64 }

// Decide implements pacing.Pacer.
func (g strictGate) Decide(s pacing.Snapshot) pacing.Decision {
	n := tally(&s)
	each := 1.0
	if dayShare(&s) < g.gate {
		each = g.lines
	}
	return dial(&s, lines(each, n.free)-n.flight)
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

// dayShare is the share of answered calls that were abandoned in the snapshot's first
// window, which is the day.
func dayShare(s *pacing.Snapshot) float64 {
	if len(s.Windows) == 0 || s.Windows[0].Answered == 0 {
		return 0
	}
	return float64(s.Windows[0].Abandoned) / float64(s.Windows[0].Answered)
}

// lines is how many whole lines so many for each agent are.
func lines(each float64, agents int) int { return int(math.Floor(each*float64(agents) + 1e-9)) }

// dial is the decision to place n calls, as far as the surroundings allow, and none
// without an agent.
func dial(s *pacing.Snapshot, n int) pacing.Decision {
	n = min(n, s.Limits.Leads, s.Limits.Channels, s.Limits.Rate)
	if s.Limits.Stop != "" || len(s.Agents) == 0 {
		n = 0
	}
	return pacing.Decision{Dial: max(n, 0), Agents: len(s.Agents), InFlight: len(s.Calls)}
}
