package media

import (
	"net/netip"
	"time"
)

// socket moves the datagrams of one port.
type socket interface {
	// LocalAddr is the bound address.
	LocalAddr() netip.AddrPort
	// Serve starts delivery to r. It is called once.
	Serve(r receiver)
	// ReadWith has this socket read by the goroutine that reads other, where
	// sockets share one. It must not be called from within a receiver.
	ReadWith(other socket)
	// WriteTo sends one datagram. It is safe for concurrent use, does not keep b
	// and does not allocate. It need not wait for room in the send buffer.
	WriteTo(b []byte, to netip.AddrPort) error
	// Settle waits until what the goroutine that reads the socket was to send later
	// (departures) has been sent. It must not be called from within a receiver.
	Settle()
	// Pending reports whether a datagram waits to be delivered, where that can be told.
	Pending() bool
	// approach is as a receiver's, for what WriteTo needs.
	approach() uintptr
	// Close ends delivery: when it returns, no call to the receiver is running or
	// will come, and the port is free. It must not be called from within the
	// receiver.
	Close() error
}

// receiver takes the datagrams of a socket, one call at a time.
type receiver interface {
	// receive may change b, which is its own until it returns. From is never an
	// IPv4 address in IPv6 form. It must not block: other sockets may be waiting
	// for the goroutine that it runs on. What is sent on goes by those departures, if
	// there are any.
	receive(b []byte, from netip.AddrPort, at time.Time, by departures)
	// approach reads from memory what receive will need of it, so that it is in the
	// processor's cache by then. What it returns says nothing.
	approach() uintptr
}

// network opens sockets and reads those it opened.
type network interface {
	// open binds one port; port 0 is any.
	open(addr netip.AddrPort) (socket, error)
	// close ends reading. All sockets are closed before it is called.
	close()
}

// expeditedForwarding is the DSCP for voice (RFC 3246), in the place where the
// traffic class octet of IP wants it.
const expeditedForwarding = 46 << 2
