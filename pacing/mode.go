package pacing

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Mode is a way of pacing.
type Mode string

// The modes.
const (
	Progressive Mode = "progressive" // never more calls in flight than free agents
	Power       Mode = "power"       // a fixed number of lines per free agent
	Predictive  Mode = "predictive"  // as many as the abandonment budget bears
	Preview     Mode = "preview"     // an agent asks for a lead, sees it, then has it dialed
)

// Modes returns every mode.
func Modes() []Mode { return []Mode{Predictive, Progressive, Power, Preview} }

// Config is how one campaign is paced.
type Config struct {
	Mode        Mode
	Ratio       float64 // Power: lines per free agent, at least 1
	MaxInFlight int     // calls before the agent at any time; 0 for no maximum of its own

	// Predictive.
	MaxRatio  float64       // calls in flight for each agent who is logged in and not away, at most; 0 for no maximum
	Target    float64       // share of each window's ceiling that is aimed at, in (0, 1]; 0 for DefaultTarget
	Patience  time.Duration // how long who has answered may wait for an agent
	LeastRing time.Duration // a call that rings may be given up after this; 0: calls are not given up
	Ignore    Knowledge     // what decisions do without, to show what it is worth
}

// DefaultTarget is the share of the ceiling that predictive mode aims at.
const DefaultTarget = 0.967

// Knowledge is a set of what predictive mode knows beside the ages of calls.
type Knowledge uint8

// What it knows.
const (
	OfRinging  Knowledge = 1 << iota // whether a call rings yet, and since when
	OfLeads                          // how likely this kind of lead is to answer
	OfLeaving                        // announced breaks, ends of shifts and log-outs
	OfHandling                       // for how long each agent has been busy
)

// ErrConfig is wrapped by every error of New.
var ErrConfig = errors.New("pacing")

// Pacer decides for one campaign. It is not safe for concurrent use.
type Pacer interface {
	// Decide says how many calls to place now. It never returns more than the
	// snapshot's limits allow, and none while no agent is logged in.
	Decide(Snapshot) Decision
}

// New returns the pacer for a campaign. Its errors wrap ErrConfig.
func New(c Config) (Pacer, error) {
	if c.MaxInFlight < 0 {
		return nil, fmt.Errorf("%w: max_in_flight is %d; it must not be negative", ErrConfig, c.MaxInFlight)
	}
	switch c.Mode {
	case Progressive:
		return lines{c: c, perAgent: 1}, nil
	case Power:
		if !(c.Ratio >= 1) || math.IsInf(c.Ratio, 0) {
			return nil, fmt.Errorf("%w: power mode needs a ratio of at least 1 line per free agent, not %v", ErrConfig, c.Ratio)
		}
		return lines{c: c, perAgent: c.Ratio}, nil
	case Predictive:
		if !(c.Target >= 0 && c.Target <= 1) {
			return nil, fmt.Errorf("%w: predictive mode aims at a share of the ceiling between 0 and 1, not %v", ErrConfig, c.Target)
		}
		if !(c.MaxRatio >= 0) {
			return nil, fmt.Errorf("%w: max_ratio is %v; it must not be negative", ErrConfig, c.MaxRatio)
		}
		return newPredictive(c), nil
	case Preview:
		return preview{c: c}, nil
	}
	return nil, fmt.Errorf("%w: no mode %q; there are %v", ErrConfig, c.Mode, Modes())
}
