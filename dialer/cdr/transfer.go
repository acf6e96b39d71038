package cdr

import "time"

// TransferKind says how an agent handed their customer over.
type TransferKind string

// The kinds of transfer.
const (
	Blind    TransferKind = "blind"    // the new party was called for it
	Attended TransferKind = "attended" // the agent had talked with the new party first
	// Conference: the new party joined the two. A transfer it is where the agent left before
	// it did.
	Conference TransferKind = "conference"
)

// TransferConnected is the outcome of a transfer that succeeded; that of one that did
// not is the Outcome of a call, or TransferFailed.
const (
	TransferConnected Outcome = "connected"
	TransferFailed    Outcome = "failed"
)

// Transfer is one attempt to hand the customer to another party, or to have it join them.
type Transfer struct {
	At        time.Time    `json:"at"`
	By        string       `json:"by"` // the agent
	Kind      TransferKind `json:"kind"`
	To        string       `json:"to"`              // as it was dialed
	Party     string       `json:"party"`           // agent, extension or external
	Agent     string       `json:"agent,omitempty"` // the agent that it went to
	Trunk     string       `json:"trunk,omitempty"` // external: the trunk that it went over
	Outcome   Outcome      `json:"outcome"`         // "": it was under way when the node died
	SIPStatus int          `json:"sip_status,omitempty"`
	Reason    string       `json:"reason,omitempty"` // why it failed

	Connected time.Time `json:"connected,omitzero"` // the customer was joined with the new party
	Left      time.Time `json:"left,omitzero"`      // conference: the agent left the two to each other
	Ended     time.Time `json:"ended,omitzero"`     // they parted

	Leg         *Leg   `json:"leg,omitempty"`         // of the new party
	Disposition string `json:"disposition,omitempty"` // what that agent chose

	Consent Consent `json:"consent,omitempty"` // conference: whether a third party, no agent, was told of the recording
}
