package sip

import (
	"fmt"
	"net"
	"net/netip"
)

// readBuffer is what a UDP socket should hold, in bytes, while its reader is busy.
const readBuffer = 4 << 20

// Listen is an address to listen on.
type Listen struct {
	Transport string         // "udp" or "tcp"
	Addr      netip.AddrPort // a concrete address, not a wildcard; port 0 takes a free port
}

type listener struct {
	transport string
	addr      netip.AddrPort
	close     func() error
}

// bind opens one socket and returns what serves it.
func (e *Endpoint) bind(l Listen) (serve func(), err error) {
	if !l.Addr.IsValid() || l.Addr.Addr().IsUnspecified() {
		// A wildcard is never matched as the source of a request: sipgo would open a
		// second socket on a random port, and the Via and Contact would name no host.
		return nil, fmt.Errorf("%w on %s %s: give the address of an interface, not a wildcard", ErrListen, l.Transport, l.Addr)
	}
	switch l.Transport {
	case "udp":
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Addr))
		if err != nil {
			return nil, fmt.Errorf("%w on udp %s: %w", ErrListen, l.Addr, err)
		}
		_ = c.SetReadBuffer(readBuffer) // as much as the system allows
		gone := make(chan struct{})
		e.listeners = append(e.listeners, listener{"udp", localAddr(c.LocalAddr()), func() error {
			close(gone)
			return c.Close()
		}})
		socket := e.newUDPSocket(c, gone)
		e.ready = append(e.ready, socket.reading)
		return func() { _ = e.tpl.ServeUDP(socket) }, nil
	case "tcp":
		c, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(l.Addr))
		if err != nil {
			return nil, fmt.Errorf("%w on tcp %s: %w", ErrListen, l.Addr, err)
		}
		e.listeners = append(e.listeners, listener{"tcp", localAddr(c.Addr()), c.Close})
		return func() { _ = e.tpl.ServeTCP(&streamListener{Listener: c, e: e, transport: "tcp"}) }, nil
	}
	return nil, fmt.Errorf("%w on %s: transport %q is not udp or tcp", ErrListen, l.Addr, l.Transport)
}

func localAddr(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String()) // of a bound socket: always parses
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Addr returns the first address bound for that transport.
func (e *Endpoint) Addr(transport string) (netip.AddrPort, bool) {
	for _, l := range e.listeners {
		if l.transport == transport {
			return l.addr, true
		}
	}
	return netip.AddrPort{}, false
}

// listenerAt returns the listener at that address.
func (e *Endpoint) listenerAt(transport string, at netip.AddrPort) (listener, bool) {
	for _, l := range e.listeners {
		if l.transport == transport && l.addr == at {
			return l, true
		}
	}
	return listener{}, false
}

// localFor returns the address from which to send to remote.
func (e *Endpoint) localFor(transport string, remote netip.AddrPort) (netip.AddrPort, error) {
	var fit []netip.AddrPort
	for _, l := range e.listeners {
		if l.transport == transport && l.addr.Addr().Is4() == remote.Addr().Is4() {
			fit = append(fit, l.addr)
		}
	}
	switch len(fit) {
	case 0:
		return netip.AddrPort{}, fmt.Errorf("%w: no %s listener of the address family of %s", ErrNoRoute, transport, remote)
	case 1:
		return fit[0], nil
	}
	// Ask the routing table: connecting a UDP socket sends nothing.
	if c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(remote)); err == nil {
		source := localAddr(c.LocalAddr()).Addr()
		_ = c.Close()
		for _, a := range fit {
			if a.Addr() == source {
				return a, nil
			}
		}
	}
	return fit[0], nil
}
