package sim

import (
	"cmp"
	"math"
	"slices"
)

// Scenario is what one simulated day is made of. Times are in seconds, or in hours where
// the tag unit says h; shares are fractions of 1. By the tags a scenario is read from a
// file and written to one; see Parse.
type Scenario struct {
	Name    string  `yaml:"name"`
	About   string  `yaml:"about,omitempty"` // one line
	Hours   float64 `yaml:"day" unit:"h"`
	Ceiling float64 `yaml:"ceiling" unit:"share"`

	Crews  []Crew  `yaml:"crews"`
	Breaks *Breaks `yaml:"breaks,omitempty"`
	Speeds float64 `yaml:"speeds,omitempty"` // standard deviation of the logarithm of agents' handling times

	People   []Phase `yaml:"people"` // share of dials that a person answers
	Sine     *Sine   `yaml:"sine,omitempty"`
	Machines float64 `yaml:"machines" unit:"share"`
	Failures float64 `yaml:"failures" unit:"share"`
	Missed   float64 `yaml:"missed" unit:"share"` // share of machines that are taken for people

	Lists       []List        `yaml:"lists,omitempty"`                    // where leads differ
	HourOdds    []float64     `yaml:"hour_odds,omitempty"`                // times as many people, by hour of the day
	Attempts    []Attempt     `yaml:"attempts,omitempty"`                 // where these differ
	Unreachable float64       `yaml:"unreachable,omitempty" unit:"share"` // share of dials that never ring: switched off, out of coverage
	Notice      *Distribution `yaml:"notice,omitempty"`                   // until such a call ends, after the set-up
	Silent      float64       `yaml:"silent,omitempty" unit:"share"`      // share of people before whose answer nothing tells that it rings

	Setup       Distribution `yaml:"setup"`
	Ring        Distribution `yaml:"ring"`              // of who answers
	MachineRing Distribution `yaml:"machine_ring"`      // until a machine answers and is known for one
	Failure     Distribution `yaml:"failure"`           // after the set-up
	GiveUp      float64      `yaml:"give_up" unit:"s"`  // of ringing
	Patience    float64      `yaml:"patience" unit:"s"` // of who has answered
	Talk        Distribution `yaml:"talk"`
	MachineTalk Distribution `yaml:"machine_talk"` // of an agent with a machine
	WrapUp      Distribution `yaml:"wrap_up"`
}

// List is a kind of lead. One is on it with a probability of Share.
type List struct {
	Name  string        `yaml:"name"`
	Share float64       `yaml:"share" unit:"share"`
	Odds  float64       `yaml:"odds"`           // times as many people
	Ring  *Distribution `yaml:"ring,omitempty"` // of who answers; the scenario's where it is not given
}

// Attempt is how many dials are a person's first, second … attempt.
type Attempt struct {
	Share float64 `yaml:"share" unit:"share"`
	Odds  float64 `yaml:"odds"` // times as many people
}

// Crew is some agents with the same shift, in hours from the start of the day.
type Crew struct {
	Agents int     `yaml:"agents"`
	From   float64 `yaml:"from,omitempty" unit:"h"`
	To     float64 `yaml:"to,omitempty" unit:"h"` // 0: the end of the day
}

// Breaks are what each agent takes every so often.
type Breaks struct {
	Every Distribution `yaml:"every"`
	Last  Distribution `yaml:"last"`
}

// Phase is a share of dials that holds until an hour.
type Phase struct {
	Share float64 `yaml:"share" unit:"share"`
	Until float64 `yaml:"until,omitempty" unit:"h"` // 0: the end of the day
}

// Sine is added to the share of people.
type Sine struct {
	Amplitude float64 `yaml:"amplitude" unit:"share"`
	Period    float64 `yaml:"period" unit:"h"`
}

// Agents is how many there are, of all crews.
func (s *Scenario) Agents() int {
	sum := 0
	for _, c := range s.Crews {
		sum += c.Agents
	}
	return sum
}

// WithAgents returns the scenario with so many agents, shared out over its crews as they
// are there (by largest remainders). A crew for whom none is left is left out.
func (s Scenario) WithAgents(n int) Scenario {
	was := s.Agents()
	crews := slices.Clone(s.Crews)
	order := make([]int, len(crews))
	left := n
	for i := range crews {
		crews[i].Agents = n * s.Crews[i].Agents / was
		left -= crews[i].Agents
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(n*s.Crews[b].Agents%was, n*s.Crews[a].Agents%was)
	})
	for _, i := range order[:left] {
		crews[i].Agents++
	}
	s.Crews = slices.DeleteFunc(crews, func(c Crew) bool { return c.Agents == 0 })
	return s
}

// people is the share of dials at t, in seconds, that a person answers.
func (s *Scenario) people(t float64) float64 {
	h := t / 3600
	share := 0.0
	for _, p := range s.People {
		share = p.Share
		if p.Until == 0 || h < p.Until {
			break
		}
	}
	if s.Sine != nil {
		share += s.Sine.Amplitude * math.Sin(2*math.Pi*h/s.Sine.Period)
	}
	return min(max(share, 0), 1)
}
