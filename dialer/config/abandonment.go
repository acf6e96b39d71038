package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringpace/pacing"
)

// Abandonment is the bound on the share of calls answered by a person for whom no agent
// is there in time, and what is aimed at below it.
type Abandonment struct {
	Ceiling        Percent `yaml:"ceiling"`        // of every window; default: the profile's
	Target         Percent `yaml:"target"`         // default: the profile's share of Ceiling
	Aggressiveness Percent `yaml:"aggressiveness"` // share of Target that is aimed at
}

// Percent is a share of 1, written "3%" or "2.5 %".
type Percent float64

// notSet is a share that the file does not name.
const notSet Percent = -1

// DefaultCeiling is the safe one where no law is known to say otherwise.
const DefaultCeiling Percent = 0.03

func parsePercent(s string) (Percent, error) {
	number, ok := strings.CutSuffix(s, "%")
	if !ok {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			return 0, fmt.Errorf("%s has no unit; write %s%% for so many in a hundred", s, s)
		}
	}
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(share >= 0 && share <= 100) {
		return 0, fmt.Errorf("%q is not a share; write 0%% to 100%%, such as 3%%", s)
	}
	return Percent(share / 100), nil
}

// String writes the share as it is read; "" where it is not set.
func (p Percent) String() string {
	if p < 0 {
		return ""
	}
	return strconv.FormatFloat(100*float64(p), 'g', 6, 64) + "%"
}

// settle fills what is not set.
func (a *Abandonment) settle(p Profile) {
	if a.Target < 0 {
		a.Target = p.target(a.Ceiling)
	}
}

// target is what is aimed at below a ceiling.
func (p Profile) target(ceiling Percent) Percent {
	return Percent(orSafe(p.Target, pacing.DefaultTarget)) * ceiling
}

// Pacing is how the campaign is paced.
func (k *Campaign) Pacing() pacing.Config {
	c := pacing.Config{
		Mode: k.Mode, Ratio: k.Ratio, MaxInFlight: k.MaxInFlight,
		MaxRatio: k.MaxRatio, Patience: k.AbandonAfter,
		Target: float64(k.Abandonment.Target / k.Abandonment.Ceiling * k.Abandonment.Aggressiveness),
	}
	if k.GiveUp {
		c.LeastRing = k.Compliance.LeastRing
	}
	return c
}

// Zone is where the days begin by which a campaign's abandoned calls are counted: its
// own time zone, else this machine's.
func (k *Campaign) Zone() *time.Location { return zoneOf(k.TimeZone) }

// Zone is where the agent's shifts are: their own time zone, else this machine's.
func (a *Agent) Zone() *time.Location { return zoneOf(a.TimeZone) }

func zoneOf(name string) *time.Location {
	if z, err := time.LoadLocation(name); err == nil && name != "" {
		return z
	}
	return time.Local
}

const mostRatio = 100

// predictive checks the settings of predictive mode.
func (v *validator) predictive(key string, k *Campaign) {
	a, at := k.Abandonment, key+".abandonment"
	if !(k.MaxRatio == 0 || k.MaxRatio >= 1 && k.MaxRatio <= mostRatio) {
		v.bad(key+".max_ratio", "%v; write how many calls may be in flight for each agent, 1 to %d, such as 4, or 0 for no limit of its own", k.MaxRatio, mostRatio)
	}
	switch {
	case a.Ceiling <= 0:
		v.bad(at+".ceiling", "0%%: no pacing ahead of agents can promise that nobody is ever abandoned; choose mode progressive or preview, or write the share that the law allows, such as %s", DefaultCeiling)
	case a.Ceiling >= 1:
		v.bad(at+".ceiling", "100%%: every call might be abandoned; write the share that the law allows, such as %s", DefaultCeiling)
	case a.Aggressiveness == 0:
		v.bad(at+".aggressiveness", "0%%: that is to dial only for agents who are free; choose mode progressive for that, or write 1%% to 100%%")
	case a.Target <= 0:
		v.bad(at+".target", "0%%; write the share that is aimed at, below the ceiling, such as %s", k.Profile().target(a.Ceiling))
	case a.Target > a.Ceiling:
		v.bad(at+".target", "%s is above the ceiling of %s; write less than that, such as %s", a.Target, a.Ceiling, k.Profile().target(a.Ceiling))
	}
	if k.Mode == pacing.Predictive {
		return
	}
	for _, name := range []string{"max_ratio", "give_up", "abandonment"} {
		if v.Given(key + "." + name) {
			v.warn(key+"."+name, "has no effect in mode %s; it is for mode predictive", k.Mode)
		}
	}
}
