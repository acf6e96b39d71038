package sip

import (
	"fmt"
	"math"
	"time"
)

// A trunk is taken out when that many calls in a row failed by its fault. It comes
// back half-open: one call at a time, then with each that goes well twice as many,
// up to halfOpenMost at once, then all. One failure on the way takes it out again,
// for longer.
const (
	callsDown    = 5
	outFirst     = 30 * time.Second
	outMost      = 5 * time.Minute
	halfOpenMost = 16
)

// breaker is the health of a trunk as its calls show it. Trunk.mu protects it.
type breaker struct {
	bad    int       // failures in a row
	reason string    // of the last one
	until  time.Time // out until then; zero: not out
	outs   int       // how often it was taken out without having come back wholly
	limit  int       // half-open: calls at once whose fate is open; 0: as many as one likes
	open   int       // calls whose fate is open
}

// good takes in a call that the trunk handled, whatever the callee did.
func (b *breaker) good() {
	b.bad = 0
	if b.limit == 0 {
		return
	}
	b.until = time.Time{}
	if b.limit *= 2; b.limit > halfOpenMost {
		b.limit, b.outs = 0, 0
	}
}

// failed takes in a call that failed by the trunk's fault.
func (b *breaker) failed(now time.Time, why string) {
	b.bad++
	b.reason = why
	if now.Before(b.until) || b.limit == 0 && b.bad < callsDown {
		return
	}
	b.outs++
	b.until, b.limit = now.Add(backOff(outFirst, outMost, b.outs)), 1
}

// halfOpen begins the slow return of a trunk that was out for another reason.
func (b *breaker) halfOpen() {
	if b.limit == 0 {
		b.limit = 1
	}
}

// out reports whether no call may be sent.
func (b *breaker) out(now time.Time) bool { return now.Before(b.until) }

// share is how much of its calls the trunk should get.
func (b *breaker) share(now time.Time) float64 {
	switch {
	case b.out(now):
		return 0
	case b.limit == 0:
		return 1
	}
	return float64(b.limit) / (2 * halfOpenMost)
}

// room is how many calls more may be sent at once.
func (b *breaker) room(now time.Time) int {
	switch {
	case b.out(now):
		return 0
	case b.limit == 0:
		return math.MaxInt
	}
	return max(b.limit-b.open, 0)
}

// words describe a trunk that is out, or on its way back; "" if it is neither.
func (b *breaker) words(now time.Time) string {
	switch {
	case b.out(now):
		return fmt.Sprintf("%d calls in a row failed, and no calls are sent until %s; the last: %s", b.bad, b.until.Format("15:04:05"), b.reason)
	case b.limit > 0:
		return fmt.Sprintf("comes back slowly: %d calls at a time are set up", b.limit)
	}
	return ""
}
