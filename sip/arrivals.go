package sip

import (
	"slices"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// maxArrivals bounds the requests of one call that are remembered between the socket
// and the call.
const maxArrivals = 64

// arrivals keeps the requests inside a call's dialogs in the order in which they came.
// Each goes through sipgo on a goroutine of its own: of two that came together the
// second may be the first at the call, which would have to refuse the other (RFC 3261
// section 12.2.2).
type arrivals struct {
	mu      sync.Mutex
	newest  []sequence  // one for each far side: the forks of an INVITE count apart
	waiting []arrival   // in order; the first is the next for the call
	passing bool        // somebody passes them on
	overdue *time.Timer // runs while the first has not come through sipgo, and others have
}

// sequence is the highest CSeq number that came from a far side.
type sequence struct {
	remoteTag string
	seq       uint32
}

// arrival is a request that has been read from its socket.
type arrival struct {
	req *sipgo.Request
	tx  *sipgo.ServerTx // nil until sipgo has made it
}

// expect notes a request. For the goroutine that reads the socket.
func (a *arrivals) expect(req *sipgo.Request) {
	tag, seq := fromTag(req), req.CSeq().SeqNo
	a.mu.Lock()
	defer a.mu.Unlock()
	at := slices.IndexFunc(a.newest, func(s sequence) bool { return s.remoteTag == tag })
	switch {
	case at >= 0 && a.newest[at].seq >= seq:
		return // sent again, which sipgo keeps to itself, or out of order already
	case len(a.waiting) >= maxArrivals:
		return
	case at >= 0:
		a.newest[at].seq = seq
	case len(a.newest) < maxForks:
		a.newest = append(a.newest, sequence{tag, seq})
	default:
		return
	}
	a.waiting = append(a.waiting, arrival{req: req})
}

// come takes a request from its transaction, and passes on what has its turn: this one,
// if none before it is missing, and those that have waited for it.
func (a *arrivals) come(m incomingRequest, pass func(incomingRequest)) {
	a.mu.Lock()
	at := slices.IndexFunc(a.waiting, func(w arrival) bool { return w.req == m.req })
	if at < 0 {
		a.mu.Unlock()
		pass(m)
		return
	}
	a.waiting[at].tx = m.tx
	a.passOn(pass)
}

// passOn passes on, in order, what has come through. a.mu is held, and released.
func (a *arrivals) passOn(pass func(incomingRequest)) {
	defer a.mu.Unlock()
	if a.passing {
		return // whoever does sees this one too
	}
	a.passing = true
	for len(a.waiting) > 0 && a.waiting[0].tx != nil {
		m := incomingRequest{a.waiting[0].req, a.waiting[0].tx}
		a.waiting = slices.Delete(a.waiting, 0, 1)
		a.mu.Unlock()
		pass(m) // may wait for room, which the socket's reader must not
		a.mu.Lock()
	}
	a.passing = false
	if a.overdue != nil {
		a.overdue.Stop()
		a.overdue = nil
	}
	if a.held() {
		a.overdue = time.AfterFunc(sipgo.T1, func() { a.skip(pass) })
	}
}

// held reports whether requests have come through sipgo that wait for one that has not.
func (a *arrivals) held() bool {
	return slices.ContainsFunc(a.waiting, func(w arrival) bool { return w.tx != nil })
}

// skip gives up what does not come through, as far as others wait for it: sipgo drops
// a request whose Via branch another one had, or for which it finds no connection.
func (a *arrivals) skip(pass func(incomingRequest)) {
	a.mu.Lock()
	if !a.passing && a.held() {
		for a.waiting[0].tx == nil {
			a.waiting = slices.Delete(a.waiting, 0, 1)
		}
	}
	a.passOn(pass)
}
