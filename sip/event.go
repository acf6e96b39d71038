package sip

import (
	"time"

	"ringpace/sip/header"
)

// Event is something that happened to a call: one of [Progress], [Answered],
// [Failed], [Ended], [Digit], [SessionAnswer], [Referred].
type Event interface{ event() }

// Progress is a provisional response above 100 to the INVITE.
type Progress struct {
	At     time.Time
	Status int    // 101 to 199
	Phrase string // reason phrase
	Body   []byte // SDP of early media; nil when there is none
}

// Answered tells that the far side picked up. The ACK has been sent.
type Answered struct {
	At time.Time // arrival of the 2xx

	// Body is the SDP answer, also when it came in a reliable provisional response. Of a
	// call without offer (Policy.LateOffer) it is the offer that OnLateOffer has answered.
	Body []byte
}

// Failed ends a call that was never answered, also after our own CANCEL (class
// [Cancelled], or [NoAnswer] by the ring timeout).
type Failed struct {
	At time.Time
	Failure
}

// Ended tells that an answered call is over. Its Failure has no class for a
// normal end; Q850 is the cause from the Reason header of the BYE, ours or theirs.
type Ended struct {
	At   time.Time
	ByUs bool
	Failure
}

// Digit is a DTMF digit that came by INFO (0-9, A-D, *, #).
type Digit struct {
	At    time.Time
	Digit rune
}

// Referred tells that the far side wants to be transferred.
type Referred struct {
	At time.Time
	*Referral
}

// SessionAnswer is the far side's SDP answer to an offer that we made in a 2xx or a
// reliable provisional response, because its INVITE or re-INVITE came without one (RFC
// 3261 section 13.2.1), or to our refresh of the session, if it changed something.
type SessionAnswer struct {
	At   time.Time
	Body []byte
}

func (Progress) event()      {}
func (Answered) event()      {}
func (Failed) event()        {}
func (Ended) event()         {}
func (Digit) event()         {}
func (SessionAnswer) event() {}
func (Referred) event()      {}

// OnOffer answers a session offer from the far side (re-INVITE, UPDATE). It is
// called on the call's goroutine and must not wait for the call. An error is
// answered with 488. A nil offer asks for an offer of our own (an offerless
// re-INVITE); what the far side answers comes as [SessionAnswer].
type OnOffer func(offer []byte) (answer []byte, err error)

// Header is an extra header field of a request.
type Header = header.Field
