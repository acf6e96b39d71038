package sip

import (
	"errors"
	"strings"
	"time"
)

// trial is what one outgoing call tells about its trunk and servers. It belongs to the
// call's goroutine. A nil one tells nobody.
type trial struct {
	t    *Trunk
	told bool
}

// begin counts a call whose fate is open.
func (tr *trial) begin() {
	if tr == nil {
		return
	}
	tr.t.mu.Lock()
	defer tr.t.mu.Unlock()
	tr.t.calls.open++
}

// tried tells what came of the INVITE to one server: it is tried later next time
// when it did not answer, or said 503 (RFC 3263 section 4.3).
func (tr *trial) tried(at target, end inviteEnd) {
	if tr == nil {
		return
	}
	tr.t.judge(hop{at.path, at.addr}, end.res, end.err)
}

// good tells that the trunk handles the call: it rings, or was answered.
func (tr *trial) good() { tr.tell((*breaker).good) }

// over tells how the call ended; nil when it was answered.
func (tr *trial) over(f *Failed) {
	switch {
	case f == nil:
		tr.good()
	case f.Class == Cancelled || f.Err != nil && f.Status == 0 && errors.Is(f.Err, ErrClosed):
		tr.tell(func(*breaker) {})
	case faulty(f.Failure):
		tr.tell(func(b *breaker) { b.failed(time.Now(), f.explain()) })
	case f.Status != 0 && !slowDown(f.Failure):
		tr.good()
	default:
		tr.tell(func(*breaker) {})
	}
}

func (tr *trial) tell(change func(*breaker)) {
	if tr == nil || tr.told {
		return
	}
	tr.told = true
	t := tr.t
	t.update(func() {
		until := t.calls.until
		t.calls.open--
		change(&t.calls)
		if t.calls.until.After(until) {
			time.AfterFunc(time.Until(t.calls.until), func() { t.update(func() {}) })
		}
	})
}

// faulty reports whether a call failed by its trunk's fault, and the next one likely
// will: no response, credentials refused, or a server that fails.
func faulty(f Failure) bool {
	if errors.Is(f.Err, ErrCredentials) || errors.Is(f.Err, ErrNoChallenge) {
		return true
	}
	switch f.Status {
	case 0:
		return errors.Is(f.Err, ErrTimeout) || errors.Is(f.Err, ErrTransport) || errors.Is(f.Err, ErrNoRoute)
	case 500, 502, 503, 504:
		return (f.Class == TrunkFailure || f.Class == Congestion) && !slowDown(f)
	}
	return false
}

// slowDown reports whether a failure asks for fewer calls, as 503 does with
// Retry-After, with a text on rates, or with a Q.850 cause of congestion: the trunk
// lives.
func slowDown(f Failure) bool {
	if f.Status != 503 && f.Status != 480 && f.Status != 429 {
		return false
	}
	if f.RetryAfter > 0 || f.Q850 == 34 || f.Q850 == 42 || f.Q850 == 44 {
		return true
	}
	text := strings.ToLower(f.Phrase + " " + f.Warning)
	for _, word := range []string{"rate", "limit", "cps", "too many", "exceed", "congest", "capacity", "channel", "overload"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
