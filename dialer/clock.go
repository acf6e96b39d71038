package dialer

import (
	"fmt"
	"time"

	"ringpace/pacing"
)

// Durations are measured by readings of the clock that never steps (package time, "Monotonic
// Clocks"), and leases and due times by the clock of Redis, common to all nodes. The hours
// in which people may be called are by the clock on the wall. One that is set while the daemon
// runs is gone by at once; one that disagrees with Redis stops the dialing, for nobody
// knows then which of both is right.

// mostSkew is by how much the clocks of this node and of Redis may differ. Hours are told to
// the minute.
const mostSkew = time.Minute

// clocksDiffer says that nobody knows what time it is, where this node's clock is ahead of
// the one of Redis by so much; "" where they agree.
func clocksDiffer(skew time.Duration) string {
	if skew.Abs() < mostSkew {
		return ""
	}
	how := "ahead of"
	if skew < 0 {
		how = "behind"
	}
	return fmt.Sprintf("this node's clock is %v %s that of Redis, and nobody knows which one tells when people may be called", skew.Abs().Round(time.Second), how)
}

// byClockOf has a time that was read before now be what the clock that now was read from
// would have shown then, had nobody set it since.
func byClockOf(now time.Time, t *time.Time) {
	if !t.IsZero() {
		*t = now.Add(t.Sub(now))
	}
}

// byOneClock has all times of a report be by the clock as it was at its own, since the
// other node sees no more than what they show.
func byOneClock(now time.Time, agents []pacing.Agent, calls []pacing.Call) {
	for i := range agents {
		byClockOf(now, &agents[i].Since)
		byClockOf(now, &agents[i].Busy)
	}
	for i := range calls {
		callByClockOf(now, &calls[i])
	}
}

// callByClockOf is byClockOf for the times of a call.
func callByClockOf(now time.Time, k *pacing.Call) {
	byClockOf(now, &k.Since)
	byClockOf(now, &k.Rings)
}
