package sim

import (
	"math"

	"ringpace/pacing"
)

// overdial controls the calls in flight for each free agent, from one upward, by the
// share of abandoned calls: a proportional part answers to the share among the last
// hundred or so, an integral part to the abandonments spared so far (its sum is the
// error of each answered call).
type overdial struct {
	target       float64 // share aimed at
	proportional float64 // calls for each free agent, for the whole target spared
	integral     float64 // calls for each free agent, for one abandonment spared

	answered, abandoned int     // of the day, when last seen
	recent              float64 // share of the last controlMemory answered calls
	spared              float64 // abandonments, less where the output was at its bound
}

const (
	controlMemory = 100.0 // answered calls over which the proportional part's share is taken
	mostOverdial  = 30.0  // calls in flight for each free agent, beyond the first
)

// Decide implements pacing.Pacer.
func (c *overdial) Decide(s pacing.Snapshot) pacing.Decision {
	if len(s.Windows) > 0 {
		c.learn(s.Windows[0].Answered, s.Windows[0].Abandoned)
	}
	n := tally(&s)
	return dial(&s, lines(1+c.over(), n.free)-n.flight)
}

// learn counts what was answered and abandoned since the last time.
func (c *overdial) learn(answered, abandoned int) {
	more, lost := float64(answered-c.answered), float64(abandoned-c.abandoned)
	c.answered, c.abandoned = answered, abandoned
	c.recent = c.recent*math.Exp(-more/controlMemory) + lost/controlMemory
	before := c.spared
	c.spared += c.target*more - lost
	if out := c.raw(); out < 0 && c.spared < before || out > mostOverdial && c.spared > before {
		c.spared = before // what is at its bound is not wound up further
	}
}

func (c *overdial) raw() float64 {
	return c.proportional*(1-c.recent/c.target) + c.integral*c.spared
}

func (c *overdial) over() float64 { return min(max(c.raw(), 0), mostOverdial) }
