package dialer

import (
	"fmt"

	"ringpace/dialer/cdr"
	"ringpace/sip"
)

// outcomeOf is the outcome of a call that was never answered. Signalling's classes
// and the outcomes of that kind are the same words, for they mean the same.
func outcomeOf(f sip.Failure) cdr.Outcome {
	switch f.Class {
	case sip.Busy:
		return cdr.Busy
	case sip.NoAnswer:
		return cdr.NoAnswer
	case sip.Rejected:
		return cdr.Rejected
	case sip.InvalidNumber:
		return cdr.InvalidNumber
	case sip.Unreachable:
		return cdr.Unreachable
	case sip.Suspended:
		return cdr.Suspended
	case sip.Blocked:
		return cdr.Blocked
	case sip.Congestion:
		return cdr.Congestion
	case sip.Cancelled:
		return cdr.Cancelled
	}
	return cdr.TrunkFailure
}

// describe says in words what a failure was.
func describe(f sip.Failure) string {
	switch {
	case f.Status != 0:
		return fmt.Sprintf("%d %s", f.Status, f.Phrase)
	case f.Err != nil:
		return f.Err.Error()
	}
	return string(f.Class)
}

// phraseOf is the reason phrase of a failure, or our words where none came.
func phraseOf(f sip.Failure) string {
	if f.Phrase != "" {
		return f.Phrase
	}
	return describe(f)
}
