package media

import (
	"sync/atomic"
	"time"
)

// Packet is one packet that came from the far side of a session, as taps see it.
type Packet struct {
	Payload   []byte // borrowed: valid until Tap returns, and not to be written to
	Codec     Codec  // of this packet: parties may change codec between packets
	Timestamp uint32 // of its first sample, in units of 1/ClockRate; of its start for an event
	Sequence  uint16
	SSRC      uint32
	Marker    bool
	Arrival   time.Time // when it was read from the socket
}

// Tap sees every valid packet of a session, in the order of arrival, from the one
// goroutine that reads the session's socket. It must not block, must not keep the
// packet or its payload, and must not close the session.
type Tap interface {
	Tap(p *Packet)
}

// Approacher is a Tap that can be told that a packet is about to come.
type Approacher interface {
	// Approach reads from memory what Tap will need, so that it is in the processor's cache
	// by then. What it returns says nothing. It is called by the goroutine that calls Tap.
	Approach() uintptr
}

// Approach is Approach of t, where it is an Approacher: for a Tap that hands on to another.
func Approach(t Tap) uintptr {
	if a, ok := t.(Approacher); ok {
		return a.Approach()
	}
	return 0
}

// tapEntry is one tap of a session, in a chain that the reading goroutine follows while
// others change it: one that has left it still leads on. Only the reading goroutine uses
// fresh.
type tapEntry struct {
	tap        Tap
	approacher Approacher // the tap, or nil
	fresh      bool       // has seen nothing yet
	next       atomic.Pointer[tapEntry]
}
