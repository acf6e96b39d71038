package sim

import "math"

// Scenario is what one simulated day is made of. Times are in seconds, shares in
// fractions of 1.
type Scenario struct {
	Name    string  `yaml:"name"`
	Hours   float64 `yaml:"hours"`
	Ceiling float64 `yaml:"ceiling"`

	Crews  []Crew  `yaml:"crews"`
	Breaks *Breaks `yaml:"breaks,omitempty"`
	Speeds float64 `yaml:"speeds,omitempty"` // standard deviation of the logarithm of agents' handling times

	People   []Phase `yaml:"people"` // share of dials that a person answers
	Sine     *Sine   `yaml:"sine,omitempty"`
	Machines float64 `yaml:"machines"`
	Failures float64 `yaml:"failures"`
	Missed   float64 `yaml:"missed"` // share of machines that are taken for people

	Setup       Distribution `yaml:"setup"`
	Ring        Distribution `yaml:"ring"`         // of who answers
	MachineRing Distribution `yaml:"machine_ring"` // until a machine answers and is known for one
	Failure     Distribution `yaml:"failure"`      // after the set-up
	GiveUp      float64      `yaml:"give_up"`      // of ringing
	Patience    float64      `yaml:"patience"`     // of who has answered
	Talk        Distribution `yaml:"talk"`
	MachineTalk Distribution `yaml:"machine_talk"` // of an agent with a machine
	WrapUp      Distribution `yaml:"wrap_up"`
}

// Crew is some agents with the same shift, in hours from the start of the day.
type Crew struct {
	Agents int     `yaml:"agents"`
	From   float64 `yaml:"from"`
	To     float64 `yaml:"to"` // 0: the end of the day
}

// Breaks are what each agent takes every so often.
type Breaks struct {
	Every Distribution `yaml:"every"`
	Last  Distribution `yaml:"last"`
}

// Phase is a share of dials that holds until an hour.
type Phase struct {
	Share float64 `yaml:"share"`
	Until float64 `yaml:"until"` // 0: the end of the day
}

// Sine is added to the share of people.
type Sine struct {
	Amplitude float64 `yaml:"amplitude"`
	Period    float64 `yaml:"period"` // hours
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

func base(name string, agents int, people ...Phase) Scenario {
	return Scenario{
		Name: name, Hours: 8, Ceiling: 0.03,
		Crews:  []Crew{{Agents: agents}},
		People: people, Machines: 0.3, Failures: 0.1,
		Setup:       Distribution{Uniform: &Range{1, 3}},
		Ring:        Distribution{Lognormal: &Lognormal{7.5, 0.55}},
		MachineRing: Distribution{Lognormal: &Lognormal{18, 0.25}, Constant: 1},
		Failure:     Distribution{Uniform: &Range{0.5, 3}},
		GiveUp:      25, Patience: 2,
		Talk: Distribution{Mix: []Part{
			{Share: 0.55, Distribution: Distribution{Lognormal: &Lognormal{18, 0.7}}},
			{Share: 0.45, Distribution: Distribution{Lognormal: &Lognormal{130, 0.7}}},
		}},
		MachineTalk: Distribution{Lognormal: &Lognormal{6, 0.4}},
		WrapUp:      Distribution{Lognormal: &Lognormal{12, 0.7}},
	}
}

func usualBreaks() *Breaks {
	return &Breaks{Every: Distribution{Uniform: &Range{75 * 60, 90 * 60}}, Last: Distribution{Uniform: &Range{5 * 60, 15 * 60}}}
}

// Presets are the scenarios that come with Ringpace, by name.
func Presets() []Scenario {
	all := []Scenario{
		base("A5", 5, Phase{Share: 0.2}),
		base("A10", 10, Phase{Share: 0.2}),
		base("A20", 20, Phase{Share: 0.2}),
		base("A50", 50, Phase{Share: 0.2}),
		base("B", 20, Phase{0.30, 2}, Phase{0.10, 4}, Phase{0.22, 6}, Phase{0.35, 0}),
	}
	c := base("C", 10, Phase{Share: 0.2})
	c.Talk.Mix[1].Lognormal = &Lognormal{95, 1.2}
	c.Breaks, c.Speeds = usualBreaks(), 0.3
	d := base("D", 50, Phase{Share: 0.08})
	d.Machines, d.Missed, d.Breaks = 0.4, 0.08, usualBreaks()
	e := base("E", 0, Phase{Share: 0.18})
	e.Crews = []Crew{{20, 0, 6}, {20, 1, 7}, {20, 2, 8}}
	e.Sine, e.Breaks = &Sine{0.08, 4}, usualBreaks()
	f := base("F", 20, Phase{0.07, 2}, Phase{0.45, 5}, Phase{0.07, 0})
	return append(all, c, d, e, f)
}
