package api

import (
	"context"
	"time"

	"ringpace/sip/trace"
)

// WireDesk is what is on the wire, and who may be there.
type WireDesk interface {
	// Trace gives the messages of a call, by the id of its attempt or by its Call-ID.
	Trace(ctx context.Context, id string) (*Trace, error)
	// Bans lists the sources that are not heard now, the latest first.
	Bans(ctx context.Context) ([]Ban, error)
	// Ban bans an address for the time given; 0 is as long as it would be banned next.
	Ban(ctx context.Context, address string, length time.Duration) (Ban, error)
	// LiftBan lets an address be heard again.
	LiftBan(ctx context.Context, address string) error
}

// Trace is a call as a ladder of messages.
type Trace = trace.Ladder

// Ban is a source whose messages are dropped unread.
type Ban struct {
	Source string    `json:"source" doc:"An IPv4 address, or an IPv6 network of 64 bits"`
	Reason string    `json:"reason" doc:"rate, scanner, digest, refused or manual"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	Times  int       `json:"times" doc:"How often it was banned, this time included"`
	Drops  uint64    `json:"drops" doc:"Messages that were dropped by this ban"`
}

// DefenceStatus counts what was dropped at the sockets of SIP since the start.
type DefenceStatus struct {
	Passed      uint64            `json:"passed" doc:"Messages that were let through"`
	Dropped     map[string]uint64 `json:"dropped" doc:"Messages and connections that were not, by reason"`
	Banned      map[string]uint64 `json:"banned" doc:"Bans, by reason"`
	Bans        int               `json:"bans" doc:"Bans that hold now"`
	Sources     int               `json:"sources" doc:"Sources that are remembered"`
	Connections int               `json:"connections" doc:"Connections of others than trunks and peers"`
	Lost        uint64            `json:"lost" doc:"Datagrams that the system dropped, as its buffer was full"`
}

// TraceStatus counts what was kept of the messages on the wire.
type TraceStatus struct {
	Recorded uint64 `json:"recorded" doc:"Messages since the start"`
	Kept     int    `json:"kept" doc:"Messages that can be shown"`
	Exported uint64 `json:"exported" doc:"Messages sent to the HEP collector"`
	Dropped  uint64 `json:"dropped" doc:"Messages that the HEP collector did not take in time"`
}
