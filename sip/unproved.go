package sip

import (
	"slices"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// maxUnproved bounds the calls from one trunk that are answered and not ACKed yet. Real
// ones are so for a round trip; forged ones, whose sender sees nothing of ours, for 64*T1
// unless others need their places.
const maxUnproved = 64

// unprovedGrace is how many T1 an answered call may wait for its ACK before it can lose
// its place to another: 2 s, in which the 200 was sent three times.
const unprovedGrace = 4

// unproved are the calls from one trunk that are answered and not ACKed, and whose sender
// has not shown otherwise to get what we send (see [Incoming.Proved]).
type unproved struct {
	grace time.Duration // 0: unprovedGrace; others in tests

	mu      sync.Mutex // protects waiting
	waiting []*unACKed // the oldest first
}

// unACKed is one of these calls. Its methods are those of a nil receiver for a call that
// is none.
type unACKed struct {
	trunk *unproved
	since time.Time
	lost  chan struct{} // closed when another has taken its place
}

// full reports whether there are as many as may be, and none is to give way.
func (u *unproved) full() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.waiting) >= maxUnproved && !u.stale(time.Now())
}

// stale reports whether the oldest has waited for so long that it may lose its place.
func (u *unproved) stale(now time.Time) bool {
	grace := u.grace
	if grace == 0 {
		grace = unprovedGrace * sipgo.T1
	}
	return now.Sub(u.waiting[0].since) >= grace
}

// add counts a call whose answer is about to be sent, in the place of older ones where
// there are too many.
func (u *unproved) add() *unACKed {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for len(u.waiting) >= maxUnproved && u.stale(now) {
		close(u.waiting[0].lost)
		u.waiting = slices.Delete(u.waiting, 0, 1)
	}
	w := &unACKed{trunk: u, since: now, lost: make(chan struct{})}
	u.waiting = append(u.waiting, w)
	return w
}

// displaced tells that the call has lost its place, and is to end.
func (w *unACKed) displaced() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.lost
}

// settle is called when the ACK has come, or the call ends without, or was not answered.
func (w *unACKed) settle() {
	if w == nil {
		return
	}
	w.trunk.mu.Lock()
	defer w.trunk.mu.Unlock()
	if i := slices.Index(w.trunk.waiting, w); i >= 0 {
		w.trunk.waiting = slices.Delete(w.trunk.waiting, i, i+1)
	}
}
