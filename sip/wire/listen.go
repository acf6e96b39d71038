package wire

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"

	sipgo "github.com/emiago/sipgo/sip"
)

// readBuffer is what a UDP socket should hold, in bytes, while its reader is busy.
const readBuffer = 4 << 20

// Listen is an address to listen on.
type Listen struct {
	Transport string         // "udp", "tcp", "tls", "ws" or "wss"
	Addr      netip.AddrPort // a concrete address, not a wildcard; port 0 takes a free port
}

// listener is one that is bound.
type listener struct {
	Listen
	close func() error
	udp   *net.UDPConn // nil for the others
}

// bind opens one socket and returns what serves it.
func (l *Layer) bind(at Listen) (serve func(), err error) {
	if !at.Addr.IsValid() || at.Addr.Addr().IsUnspecified() {
		// A wildcard is never matched as the source of a request: sipgo would open a
		// second socket on a random port, and the Via and Contact would name no host.
		return nil, fmt.Errorf("%w on %s %s: give the address of an interface, not a wildcard", ErrListen, at.Transport, at.Addr)
	}
	switch at.Transport {
	case "udp":
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at.Addr))
		if err != nil {
			return nil, fmt.Errorf("%w on udp %s: %w", ErrListen, at.Addr, err)
		}
		enlarge(c)
		gone := make(chan struct{})
		l.listeners = append(l.listeners, listener{Listen: Listen{"udp", AddrPort(c.LocalAddr())}, udp: c, close: func() error {
			close(gone)
			return c.Close()
		}})
		socket := l.newUDPSocket(c, gone)
		l.ready = append(l.ready, socket.reading)
		return func() { _ = l.tpl.ServeUDP(socket) }, nil
	case "tcp", "tls", "ws", "wss":
		return l.bindStream(at)
	}
	return nil, fmt.Errorf("%w on %s: transport %q is not udp, tcp, tls, ws or wss", ErrListen, at.Addr, at.Transport)
}

// bindStream opens one socket for connections.
func (l *Layer) bindStream(at Listen) (serve func(), err error) {
	stream := &streamListener{layer: l, transport: at.Transport}
	serving := map[string]func(net.Listener) error{
		"tcp": l.tpl.ServeTCP, "tls": l.tpl.ServeTLS, "ws": l.tpl.ServeWS, "wss": l.tpl.ServeWSS,
	}[at.Transport]
	if at.Transport == "tls" || at.Transport == "wss" {
		cfg, err := l.serverTLS()
		if err != nil {
			return nil, fmt.Errorf("%w on %s %s: %w", ErrListen, at.Transport, at.Addr, err)
		}
		stream.secure = func(c net.Conn) net.Conn { return tls.Server(c, cfg) }
	}
	c, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at.Addr))
	if err != nil {
		return nil, fmt.Errorf("%w on %s %s: %w", ErrListen, at.Transport, at.Addr, err)
	}
	stream.Listener = c
	var accepting net.Listener = stream
	if IsWebSocket(at.Transport) {
		accepting = l.newWebSocketListener(stream)
	}
	l.listeners = append(l.listeners, listener{Listen: Listen{at.Transport, AddrPort(c.Addr())}, close: accepting.Close})
	return func() { _ = serving(accepting) }, nil
}

// AddrPort is the address and port of a bound or connected socket.
func AddrPort(a net.Addr) netip.AddrPort {
	ap, _ := parseAddrPort(a.String()) // always parses
	return ap
}

// Source is where a message came from.
func Source(msg sipgo.Message) (netip.AddrPort, error) { return parseAddrPort(msg.Source()) }

func parseAddrPort(s string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), err
}

// Listeners returns what is listened on, with the ports that the system chose.
func (l *Layer) Listeners() []Listen {
	out := make([]Listen, len(l.listeners))
	for i, at := range l.listeners {
		out[i] = at.Listen
	}
	return out
}

// Listens reports whether there is a listener at that address.
func (l *Layer) Listens(transport string, at netip.AddrPort) bool {
	_, ok := l.listenerAt(transport, at)
	return ok
}

func (l *Layer) listenerAt(transport string, at netip.AddrPort) (listener, bool) {
	for _, x := range l.listeners {
		if x.Listen == (Listen{transport, at}) {
			return x, true
		}
	}
	return listener{}, false
}

// Local returns the address from which to send to remote. Over TCP or TLS that
// may be one where we do not listen: its port is 0 then, until there is a connection.
func (l *Layer) Local(transport string, remote netip.AddrPort) (netip.AddrPort, error) {
	var fit, other []netip.AddrPort
	for _, at := range l.listeners {
		switch {
		case at.Addr.Addr().Is4() != remote.Addr().Is4():
		case at.Transport == transport:
			fit = append(fit, at.Addr)
		case l.flows.handover[transport] != nil:
			other = append(other, netip.AddrPortFrom(at.Addr.Addr(), 0))
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
		source := AddrPort(c.LocalAddr()).Addr()
		_ = c.Close()
		for _, a := range fit {
			if a.Addr() == source {
				return a, nil
			}
		}
	}
	return fit[0], nil
}
