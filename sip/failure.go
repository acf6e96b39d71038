package sip

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ringpace/sip/header"
)

// FailureClass says in one word why a call did not come about. The words are
// those of the call floor's outcomes.
type FailureClass string

// The classes.
const (
	Busy          FailureClass = "busy"
	NoAnswer      FailureClass = "no_answer"
	Rejected      FailureClass = "rejected"
	InvalidNumber FailureClass = "invalid_number"
	Unreachable   FailureClass = "unreachable"
	Suspended     FailureClass = "suspended"
	Blocked       FailureClass = "blocked"
	Congestion    FailureClass = "congestion"
	TrunkFailure  FailureClass = "trunk_failure"
	Cancelled     FailureClass = "cancelled"
)

// Failure is why a call failed or ended, with the evidence.
type Failure struct {
	Class      FailureClass  // empty for the normal end of an answered call
	Status     int           // final response, 0 if none came, 200 if Crossed
	Phrase     string        // its reason phrase, or our words where none came
	Q850       int           // Q.850 cause of a Reason header, 0 if none
	RetryAfter time.Duration // of the Retry-After header, 0 if none
	Warning    string        // of the Warning header
	Err        error         // what went wrong on our side, nil if nothing did

	// Elsewhere tells that nothing has rung and the fault is this trunk's, or on the
	// way: the same call over another trunk may succeed.
	Elsewhere bool
}

// Crossed reports whether the callee answered while we gave the call up: the answer was
// ended with BYE at once (RFC 3261, section 9.1).
func (f Failure) Crossed() bool { return f.Status == 200 }

// String is the failure for a log line.
func (f Failure) String() string {
	s := string(f.Class)
	if f.Status != 0 {
		s += fmt.Sprintf(" %d", f.Status)
	}
	if f.Phrase != "" {
		s += " " + f.Phrase
	}
	if f.Q850 != 0 {
		s += fmt.Sprintf(" (Q.850 %d)", f.Q850)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// explain is the failure for who looks after the trunk: in words, and what to do.
func (f Failure) explain() string {
	s := f.Phrase
	if f.Status != 0 {
		s = fmt.Sprintf("%d %s", f.Status, f.Phrase)
	}
	if f.Err != nil {
		s += ": " + explain(f.Err)
	}
	return s
}

// response is what classify looks at: the parts of a final response that carry
// a meaning.
type response struct {
	status  int
	phrase  string
	reasons []header.Reason // RFC 3326
	rang    bool            // a 18x came before
}

// classify names the class of a final failure response.
//
// The status decides where it is specific. Otherwise the Q.850 cause does, since
// gateways fold many causes into few statuses (RFC 3398 section 7.2.4.1) and
// send the cause along. Otherwise the status decides after all.
func classify(r response) FailureClass {
	switch r.status {
	case 486, 600: // Busy Here, Busy Everywhere
		return Busy
	case 607, 608: // Unwanted (RFC 8197), Rejected (RFC 8688)
		return Blocked
	case 410, 484, 485, 604: // Gone, Address Incomplete, Ambiguous, Does Not Exist Anywhere
		return InvalidNumber
	case 433: // Anonymity Disallowed (RFC 5079)
		return Blocked
	case 603:
		if blockedByNetwork(r) {
			return Blocked
		}
	}
	if c, ok := classifyCause(header.Q850(r.reasons)); ok {
		return c
	}
	return classifyStatus(r.status, r.rang)
}

// blockedByNetwork tells a 603 of an analytics engine ("603 Network Blocked",
// ATIS-1000099) from a callee who declines.
func blockedByNetwork(r response) bool {
	text := strings.ToLower(r.phrase)
	for _, x := range r.reasons {
		text += " " + strings.ToLower(x.Text)
	}
	return strings.Contains(text, "block") || strings.Contains(text, "analytics") || strings.Contains(text, "spam")
}

// classifyCause names the class of a Q.850 cause, if the cause alone decides.
func classifyCause(cause int) (FailureClass, bool) {
	switch cause {
	case 1, 22, 28: // unallocated, number changed, invalid format
		return InvalidNumber, true
	case 17: // user busy
		return Busy, true
	case 18, 20: // no user responding, subscriber absent
		return Unreachable, true
	case 19: // no answer, user alerted
		return NoAnswer, true
	case 21: // call rejected
		return Rejected, true
	case 27: // destination out of order
		return Suspended, true
	case 34, 42, 44, 47: // no circuit, congestion, channel not available, resource unavailable
		return Congestion, true
	case 38: // network out of order
		return TrunkFailure, true
	}
	return "", false
}

// classifyStatus names the class of a status that came without a telling cause.
func classifyStatus(status int, rang bool) FailureClass {
	switch status {
	case 301, 404: // Moved Permanently, Not Found
		return InvalidNumber
	case 300, 302, 305, 380: // forwarded elsewhere, which we do not follow
		return Unreachable
	case 408, 480, 487: // timed out, Temporarily Unavailable, terminated by the network
		if rang {
			return NoAnswer
		}
		return Unreachable
	case 491, 503: // Request Pending, Service Unavailable
		return Congestion
	case 603: // Decline
		return Rejected
	case 606: // Not Acceptable: the session, not the call
		return TrunkFailure
	}
	if status >= 600 {
		return Rejected
	}
	return TrunkFailure
}

// elsewhere reports whether another trunk, or another server of this one, may do
// what this one refused: it was overloaded, broken, or would not have the call for a
// reason of its own. What the network says about the callee holds everywhere, and so
// does a 6xx (RFC 3261 section 21.6).
func elsewhere(f Failure, rang bool) bool {
	switch {
	case rang || f.Status >= 600 || errors.Is(f.Err, ErrClosed) || errors.Is(f.Err, ErrRedirect):
		return false
	case f.Q850 == 2 || f.Q850 == 3: // no route to the network, to the destination
		return true
	}
	return f.Class == TrunkFailure || f.Class == Congestion
}
