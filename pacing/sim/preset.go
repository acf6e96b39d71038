package sim

import (
	"errors"
	"fmt"
	"strings"
)

// ErrScenario is wrapped by the error of FindScenario, and by those of a scenario that
// makes no sense.
var ErrScenario = errors.New("scenario")

// base has the facts that the presets have in common.
func base(name, about string, agents int, people ...Phase) Scenario {
	return Scenario{
		Name: name, About: about, Hours: 8, Ceiling: 0.03,
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

// unequal makes leads differ as they do on real floors: customers of one's own answer far
// more often, and sooner, than those of a bought list; fewer do at midday and at each further
// attempt; many numbers that nobody answers do not ring at all, and some that are answered
// do so without a word of ringing.
func unequal(s Scenario) Scenario {
	s.Lists = []List{
		{Name: "customers", Share: 0.25, Odds: 2.4, Ring: &Distribution{Lognormal: &Lognormal{5, 0.45}}},
		{Name: "former", Share: 0.35, Odds: 0.8},
		{Name: "bought", Share: 0.4, Odds: 0.3, Ring: &Distribution{Lognormal: &Lognormal{10, 0.5}}},
	}
	s.HourOdds = []float64{0.8, 0.9, 1.1, 0.7, 0.8, 1.1, 1.3, 1.3}
	s.Attempts = []Attempt{{0.5, 1.25}, {0.3, 0.85}, {0.2, 0.6}}
	s.Unreachable, s.Notice = 0.2, &Distribution{Uniform: &Range{6, 18}}
	s.Silent = 0.15
	return s
}

// Presets are the scenarios that come with Ringpace, by name.
func Presets() []Scenario {
	all := []Scenario{
		base("A5", "5 agents; a person answers 20 % of dials", 5, Phase{Share: 0.2}),
		base("A10", "10 agents; a person answers 20 % of dials", 10, Phase{Share: 0.2}),
		base("A20", "20 agents; a person answers 20 % of dials", 20, Phase{Share: 0.2}),
		base("A50", "50 agents; a person answers 20 % of dials", 50, Phase{Share: 0.2}),
		base("B", "20 agents; 30, 10, 22, 35 % in turns of two hours", 20, Phase{0.30, 2}, Phase{0.10, 4}, Phase{0.22, 6}, Phase{0.35, 0}),
	}
	c := base("C", "10 agents of differing speeds, breaks, some talks that are very long", 10, Phase{Share: 0.2})
	c.Talk.Mix[1].Lognormal = &Lognormal{95, 1.2}
	c.Breaks, c.Speeds = usualBreaks(), 0.3
	d := base("D", "50 agents, breaks; 8 % people, 40 % machines that detection misses 8 % of", 50, Phase{Share: 0.08})
	d.Machines, d.Missed, d.Breaks = 0.4, 0.08, usualBreaks()
	e := base("E", "60 agents in staggered shifts, breaks; 10 to 26 % in a sine of four hours", 0, Phase{Share: 0.18})
	e.Crews = []Crew{{20, 0, 6}, {20, 1, 7}, {20, 2, 8}}
	e.Sine, e.Breaks = &Sine{0.08, 4}, usualBreaks()
	f := base("F", "20 agents; 7 %, then 45 % from hour 2 to 5, then 7 %", 20, Phase{0.07, 2}, Phase{0.45, 5}, Phase{0.07, 0})
	g := unequal(base("G", "10 agents; leads differ by list, hour and attempt, and not all calls that are answered ring before", 10, Phase{Share: 0.2}))
	h := unequal(base("H", "30 agents; leads as in G", 30, Phase{Share: 0.2}))
	return append(all, c, d, e, f, g, h)
}

// FindScenario returns the preset of that name. Its error wraps ErrScenario and says which
// there are.
func FindScenario(name string) (Scenario, error) {
	var names []string
	for _, s := range Presets() {
		if strings.EqualFold(s.Name, name) {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scenario{}, fmt.Errorf("%w: no preset %q; there are %s", ErrScenario, name, strings.Join(names, ", "))
}
