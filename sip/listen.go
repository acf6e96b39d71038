package sip

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
)

// readBuffer is what a UDP socket should hold, in bytes, while its reader is busy.
const readBuffer = 4 << 20

// Listen is an address to listen on.
type Listen struct {
	Transport string         // "udp", "tcp", "tls", "ws" or "wss"
	Addr      netip.AddrPort // a concrete address, not a wildcard; port 0 takes a free port
}

type listener struct {
	transport string
	addr      netip.AddrPort
	close     func() error
	udp       *net.UDPConn // nil for the others
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
		enlarge(c)
		gone := make(chan struct{})
		e.listeners = append(e.listeners, listener{transport: "udp", addr: localAddr(c.LocalAddr()), udp: c, close: func() error {
			close(gone)
			return c.Close()
		}})
		e.datagrams = append(e.datagrams, c)
		socket := e.newUDPSocket(c, gone)
		e.ready = append(e.ready, socket.reading)
		return func() { _ = e.tpl.ServeUDP(socket) }, nil
	case "tcp", "tls", "ws", "wss":
		return e.bindStream(l)
	}
	return nil, fmt.Errorf("%w on %s: transport %q is not udp, tcp, tls, ws or wss", ErrListen, l.Addr, l.Transport)
}

// bindStream opens one socket for connections.
func (e *Endpoint) bindStream(l Listen) (serve func(), err error) {
	stream := &streamListener{e: e, transport: l.Transport}
	serving := map[string]func(net.Listener) error{
		"tcp": e.tpl.ServeTCP, "tls": e.tpl.ServeTLS, "ws": e.tpl.ServeWS, "wss": e.tpl.ServeWSS,
	}[l.Transport]
	if l.Transport == "tls" || l.Transport == "wss" {
		cfg, err := e.serverTLS()
		if err != nil {
			return nil, fmt.Errorf("%w on %s %s: %w", ErrListen, l.Transport, l.Addr, err)
		}
		stream.secure = func(c net.Conn) net.Conn { return tls.Server(c, cfg) }
	}
	c, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(l.Addr))
	if err != nil {
		return nil, fmt.Errorf("%w on %s %s: %w", ErrListen, l.Transport, l.Addr, err)
	}
	stream.Listener = c
	var accepting net.Listener = stream
	if isWebSocket(l.Transport) {
		accepting = e.newWebSocketListener(stream)
	}
	e.listeners = append(e.listeners, listener{transport: l.Transport, addr: localAddr(c.Addr()), close: accepting.Close})
	return func() { _ = serving(accepting) }, nil
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

// localFor returns the address from which to send to remote. Over TCP or TLS that
// may be one where we do not listen: its port is 0 then, until there is a connection.
func (e *Endpoint) localFor(transport string, remote netip.AddrPort) (netip.AddrPort, error) {
	var fit, other []netip.AddrPort
	for _, l := range e.listeners {
		switch {
		case l.addr.Addr().Is4() != remote.Addr().Is4():
		case l.transport == transport:
			fit = append(fit, l.addr)
		case e.flows.handover[transport] != nil:
			other = append(other, netip.AddrPortFrom(l.addr.Addr(), 0))
		}
	}
	if len(fit) == 0 {
		fit = other
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
