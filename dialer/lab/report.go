package lab

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
)

// Side tells who ended a call.
type Side string

// The sides.
const (
	CallerSide Side = "caller"
	CalleeSide Side = "callee"
)

// Call is one call as the carrier saw it. Calls that it refused (not registered, no
// authority, caller ID) are no calls, only counted in the Report.
type Call struct {
	Number    string // as called
	CallerID  string // as shown
	Behaviour Behaviour
	Outcome   cdr.Outcome // what the caller's record must say of it; "" while it is up. A call cancelled while it rang is no_answer
	Status    int         // the final response to the INVITE; 0 while there is none
	Began     time.Time
	Answered  time.Time // just before the 200 was sent; zero: never
	Ended     time.Time // zero: still up
	EndedBy   Side
	Heard     Heard // what came to the callee's ear
}

// SoundAfter is the time from the answer to the first sound that the callee heard,
// at their own ear, and whether both happened.
func (c Call) SoundAfter() (time.Duration, bool) {
	if c.Answered.IsZero() || c.Heard.FirstSound.IsZero() {
		return 0, false
	}
	return max(0, c.Heard.FirstSound.Sub(c.Answered)), true
}

// record is a call with its ear. The carrier's mutex protects the call.
type record struct {
	Call
	ear     *ear
	keys    string
	byInfo  string         // keys
	session *media.Session // nil before there is one
}

// Report is what a carrier has seen so far.
type Report struct {
	Registered       bool
	Calls            int // that were let in
	Up               int // not over yet
	Behaviours       map[Behaviour]int
	Outcomes         map[cdr.Outcome]int // of calls that are over, as the caller must name them
	CallerIDs        map[string]int      // as shown by the calls that were let in
	RefusedCallerIDs map[string]int      // 403
	Unauthorised     int                 // INVITEs without registration
	SoundAfter       Latency             // answer to first sound at the callee's ear
	Packets, Lost    uint64              // RTP that callees received and missed
}

// Latency sums up durations.
type Latency struct {
	N             int
	P50, P99, Max time.Duration
}

// Summarise orders the durations (it sorts them in place) and takes the least that
// is not below the given share of them (the nearest-rank method).
func Summarise(d []time.Duration) Latency {
	if len(d) == 0 {
		return Latency{}
	}
	slices.Sort(d)
	rank := func(share float64) time.Duration {
		return d[max(0, int(math.Ceil(share*float64(len(d))))-1)]
	}
	return Latency{N: len(d), P50: rank(0.50), P99: rank(0.99), Max: d[len(d)-1]}
}

// Calls are the carrier's calls in the order of their arrival, also those still up.
func (c *Carrier) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make([]Call, len(c.records))
	for i, r := range c.records {
		calls[i] = r.Call
		calls[i].Heard = r.ear.snapshot()
	}
	return calls
}

// Keys are the telephone events that the last callee with that number got.
func (c *Carrier) Keys(number string) string {
	events, _ := c.keys(number)
	return events
}

// KeysByInfo are the keys that the last callee with that number got by SIP INFO.
func (c *Carrier) KeysByInfo(number string) string {
	_, byInfo := c.keys(number)
	return byInfo
}

func (c *Carrier) keys(number string) (events, byInfo string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.records) {
		if r.Number == number {
			return r.keys, r.byInfo
		}
	}
	return "", ""
}

// Press has whoever was called last under that number press keys.
func (c *Carrier) Press(number, keys string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.records) {
		if r.Number == number && r.session != nil {
			return r.session.Press(keys)
		}
	}
	return fmt.Errorf("lab: carrier: no call to %s", number)
}

// Hears is the level in dBFS of one frequency, over the last half second, at the
// ear of whoever was called last under that number; -Inf where nothing was.
func (c *Carrier) Hears(number string, hz int) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.records) {
		if r.Number == number {
			return r.ear.hears(hz)
		}
	}
	return math.Inf(-1)
}

// Report sums up what the carrier has seen so far.
func (c *Carrier) Report() Report {
	r := Report{
		Registered:       c.Registered(),
		Behaviours:       make(map[Behaviour]int),
		Outcomes:         make(map[cdr.Outcome]int),
		CallerIDs:        make(map[string]int),
		RefusedCallerIDs: make(map[string]int),
	}
	var waits []time.Duration
	for _, call := range c.Calls() {
		r.Calls++
		r.Behaviours[call.Behaviour]++
		r.CallerIDs[call.CallerID]++
		r.Packets += call.Heard.Packets
		r.Lost += call.Heard.Lost
		if call.Ended.IsZero() {
			r.Up++
		} else {
			r.Outcomes[call.Outcome]++
		}
		if wait, ok := call.SoundAfter(); ok {
			waits = append(waits, wait)
		}
	}
	r.SoundAfter = Summarise(waits)
	c.mu.Lock()
	defer c.mu.Unlock()
	r.Unauthorised = c.unauthorised
	for id, n := range c.refused {
		r.RefusedCallerIDs[id] = n
	}
	return r
}
