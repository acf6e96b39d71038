package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringpace/pacing"
)

// ErrConditions is wrapped by the errors of settings that make no sense.
var ErrConditions = errors.New("settings")

// Conditions is how the days of a replay are paced.
type Conditions struct {
	Mode        pacing.Mode   `json:"mode"`
	Ratio       float64       `json:"ratio,omitempty"`         // power: lines for each free agent
	Ceiling     float64       `json:"ceiling"`                 // share of answers that may be abandoned, on each day
	Target      float64       `json:"target"`                  // that is aimed at
	MaxRatio    float64       `json:"max_ratio,omitempty"`     // predictive: calls in flight for each agent; 0: no maximum
	MaxInFlight int           `json:"max_in_flight,omitempty"` // 0: no maximum
	GiveUp      bool          `json:"give_up"`                 // predictive: calls that ring too long for an agent to be there
	Patience    time.Duration `json:"abandon_after_ns"`
	RingTimeout time.Duration `json:"ring_timeout_ns,omitempty"` // 0: as recorded
	Agents      int           `json:"agents,omitempty"`          // more than there were, or fewer
}

// DefaultConditions are those of a campaign whose configuration says nothing, but for its
// mode.
func DefaultConditions() Conditions {
	const ceiling = 0.03
	return Conditions{
		Mode: pacing.Predictive, Ceiling: ceiling, Target: pacing.DefaultTarget * ceiling, GiveUp: true, Patience: 2 * time.Second,
	}
}

// With returns the settings with changes, "name=value,…": mode, ratio, ceiling, target,
// max_ratio, max_in_flight, give_up (on or off), abandon_after, ring_timeout, and agents
// (+2, -3). A target that is not among them keeps its proportion to the ceiling. Its errors
// wrap ErrConditions.
func (s Conditions) With(changes string) (Conditions, error) {
	aim := s.Target / s.Ceiling
	targeted := false
	var seen []string
	for part := range strings.SplitSeq(changes, ",") {
		name, value, ok := strings.Cut(part, "=")
		if name = strings.TrimSpace(name); !ok {
			return s, fmt.Errorf("%w: %q; write name=value", ErrConditions, part)
		}
		if slices.Contains(seen, name) {
			return s, fmt.Errorf("%w: %s twice", ErrConditions, name)
		}
		seen = append(seen, name)
		if err := s.set(name, strings.TrimSpace(value)); err != nil {
			return s, fmt.Errorf("%w: %s: %w", ErrConditions, name, err)
		}
		targeted = targeted || name == "target"
	}
	if !targeted {
		s.Target = aim * s.Ceiling
	}
	return s, s.Check()
}

func (s *Conditions) set(name, value string) (err error) {
	switch name {
	case "mode":
		if s.Mode = pacing.Mode(value); s.Mode == pacing.Power && s.Ratio == 0 {
			s.Ratio = 1
		}
	case "ratio":
		s.Ratio, err = strconv.ParseFloat(value, 64)
	case "ceiling":
		s.Ceiling, err = shareOf(value)
	case "target":
		s.Target, err = shareOf(value)
	case "max_ratio":
		s.MaxRatio, err = strconv.ParseFloat(value, 64)
	case "max_in_flight":
		s.MaxInFlight, err = strconv.Atoi(value)
	case "give_up":
		if s.GiveUp = value == "on"; !s.GiveUp && value != "off" {
			err = fmt.Errorf("%q is neither on nor off", value)
		}
	case "abandon_after":
		s.Patience, err = time.ParseDuration(value)
	case "ring_timeout":
		s.RingTimeout, err = time.ParseDuration(value)
	case "agents":
		s.Agents, err = strconv.Atoi(value)
		if err == nil && value[0] != '+' && value[0] != '-' {
			err = fmt.Errorf("%s; write how many more or fewer, such as +2 or -1", value)
		}
	default:
		err = errors.New("there is no such setting; there are mode, ratio, ceiling, target, max_ratio, max_in_flight, give_up, abandon_after, ring_timeout, agents")
	}
	return err
}

// shareOf reads 3% or 0.03.
func shareOf(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	return x, err
}

// Check says whether the settings make sense. Its error wraps ErrConditions.
func (s *Conditions) Check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrConditions}, args...)...)
	}
	switch {
	case s.Mode == pacing.Preview:
		return wrong("mode preview cannot be replayed: agents decide there when to dial")
	case !(s.Ceiling > 0 && s.Ceiling < 1):
		return wrong("a ceiling of %v; write a share above 0 and below 1, such as 3%%", s.Ceiling)
	case !(s.Target > 0 && s.Target <= s.Ceiling):
		return wrong("a target of %v; write a share above 0, not above the ceiling of %v", s.Target, s.Ceiling)
	case !(s.MaxRatio == 0 || s.MaxRatio >= 1 && s.MaxRatio <= 1000):
		return wrong("a max_ratio of %v; write 1 to 1000, or 0 for none", s.MaxRatio)
	case math.IsNaN(s.Ratio) || s.Ratio > 1000:
		return wrong("a ratio of %v; write 1 to 1000", s.Ratio)
	case s.Patience < 0 || s.Patience > time.Minute:
		return wrong("people who wait for %v; write 0s to 1m", s.Patience)
	case s.RingTimeout < 0:
		return wrong("a ring_timeout of %v", s.RingTimeout)
	case s.Agents > MostAgents || s.Agents < -MostAgents:
		return wrong("%+d agents; at most %d", s.Agents, MostAgents)
	}
	if _, err := s.pacer(); err != nil {
		return fmt.Errorf("%w: %w", ErrConditions, err)
	}
	return nil
}

// pacer is the one that serves a campaign with these settings.
func (s *Conditions) pacer() (pacing.Pacer, error) {
	c := pacing.Config{
		Mode: s.Mode, Ratio: s.Ratio, MaxInFlight: s.MaxInFlight, MaxRatio: s.MaxRatio,
		Target: s.Target / s.Ceiling, Patience: s.Patience,
	}
	if s.GiveUp {
		c.LeastRing = leastRing
	}
	return pacing.New(c)
}
