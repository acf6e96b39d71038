package pacing

import (
	"math"
	"time"
)

// Window is one period over which a law, or the operator, bounds the share of answered
// calls that are abandoned.
type Window struct {
	Name      string    `json:"name"`      // day, 30_days, month, campaign
	Ceiling   float64   `json:"ceiling"`   // greatest share of answers that may be abandoned
	Answered  int       `json:"answered"`  // by a person, abandoned ones included
	Abandoned int       `json:"abandoned"` //
	Reserved  float64   `json:"reserved"`  // abandonments that other nodes' calls in flight may still cause
	Ends      time.Time `json:"ends"`
}

// credit is how many abandonments the window could bear now.
func (w *Window) credit() float64 {
	return w.Ceiling*float64(w.Answered) - float64(w.Abandoned) - w.Reserved
}

// The bounds of the budget's control. See Predictive.
const (
	earned      = 0.3   // of the answers that the window may still bring are counted on to make good an abandonment
	keepShare   = 0.015 // of what the rest of the window may bring is not planned for
	leastShare  = 0.1   // what is aimed at is at least so many times the ceiling
	mostShare   = 2.0   // and at most so many
	safeTheta   = 0.004
	debtTheta   = 0.0013
	gateMargin  = 1.5  // times the expected abandonments in flight must be covered
	gateTail    = 1e-4 // by all but this probability
	sumHalfLife = 60.0 // of the risk accepted by answered calls, after which calibration counts half
)

// share is the share of further answers that may be abandoned so that the window ends
// on its target; further is how many answers are expected until then.
func (w *Window) share(target, further float64) float64 {
	answered := float64(w.Answered)
	keep := max(1, keepShare*w.Ceiling*further)
	c := target + (target*answered-float64(w.Abandoned)-w.Reserved-keep)/max(further, answered/10, 1)
	return min(max(c, leastShare*w.Ceiling), mostShare*w.Ceiling)
}

// calibration is how many abandonments come of each unit of risk that was accepted.
type calibration struct {
	Abandoned float64 `json:"abandoned"`
	Accepted  float64 `json:"accepted"` // sum of the risk bounds under which answered calls were dialed
}

func (c *calibration) answered(theta float64) {
	f := math.Exp2(-theta / sumHalfLife)
	c.Abandoned *= f
	c.Accepted = c.Accepted*f + theta
}

func (c *calibration) abandoned() { c.Abandoned++ }

func (c *calibration) kappa() float64 { return (c.Abandoned + 4.8) / (c.Accepted + 3) }

// poissonQuantile is the least n that a Poisson variable of that mean exceeds with
// probability at most tail.
func poissonQuantile(mean, tail float64) float64 {
	p := math.Exp(-mean)
	sum := p
	n := 0.0
	for 1-sum > tail && n < 1000+10*mean {
		n++
		p *= mean / n
		sum += p
	}
	return n
}
