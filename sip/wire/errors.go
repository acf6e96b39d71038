package wire

import "errors"

// Of what opening, dialing and sending return.
var (
	ErrListen    = errors.New("sip: cannot listen")
	ErrClosed    = errors.New("sip: endpoint is closed")
	ErrNoRoute   = errors.New("sip: no way to the server")
	ErrTransport = errors.New("sip: cannot send")
	ErrBroken    = errors.New("the connection is gone, and there was no answer") // with ErrTransport
	ErrTimeout   = errors.New("sip: no response")
	ErrTooLong   = errors.New("sip: message too long for UDP; use TCP for this trunk")
)
