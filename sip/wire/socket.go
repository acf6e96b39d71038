package wire

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"ringpace/sip/wellformed"
)

// udpSources is how many sources one of sipgo's readers may get to see. For each
// it keeps two entries for as long as it reads; see udpSocket.
const udpSources = 32768

// parked is how long a reader that was replaced keeps its entries, by which answers
// to its messages find the socket: 64*T1, the life of a transaction (RFC 3261
// section 17.2.1).
const parked = 32 * time.Second

// udpSocket is what sipgo reads datagrams from. It drops what the guard refuses
// before sipgo sees it, and so without a goroutine, a transaction or an entry in
// sipgo's pool; and it traces what passes both ways.
//
// sipgo remembers every source for as long as it reads. So one udpSocket serves a
// bounded number of sources: then another one on the same socket takes over, and
// this one ends.
type udpSocket struct {
	*net.UDPConn
	layer *Layer
	local netip.AddrPort
	most  int           // sources
	park  time.Duration // how long this one stays when another has taken over
	gone  chan struct{} // closed when the socket is

	once    sync.Once
	reading chan struct{} // closed at the first read

	sources map[netip.AddrPort]struct{} // of requests, which is what the reader sees
	last    netip.AddrPort              // of these
	heard   netip.AddrPort              // the source of the latest message
	name    string                      // of it, in text
}

// newUDPSocket returns what sipgo is to read next. gone is shared by all on the same
// socket.
func (l *Layer) newUDPSocket(c *net.UDPConn, gone chan struct{}) *udpSocket {
	return &udpSocket{
		UDPConn: c, layer: l, local: AddrPort(c.LocalAddr()), most: udpSources, park: parked, gone: gone,
		reading: make(chan struct{}), sources: map[netip.AddrPort]struct{}{},
	}
}

// ReadFrom implements net.PacketConn. sipgo calls it from one goroutine.
//
// Only when it reads the socket is in sipgo's pool: a request sent earlier would try
// to bind the address a second time. That is what reading is for.
func (s *udpSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.once.Do(func() { close(s.reading) })
	if len(s.sources) >= s.most {
		s.succeed()
		return 0, nil, net.ErrClosed
	}
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err != nil {
			return n, nil, err
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !s.layer.admit("udp", s.local, from, b[:n]) {
			continue
		}
		message := s.layer.proper(b[:n], from, func(r *wellformed.Refusal, response []byte) {
			_, _ = s.WriteTo(response, net.UDPAddrFromAddrPort(r.Destination(from))) // lost, if it cannot be sent
		})
		if message == nil {
			continue
		}
		if from != s.heard {
			s.heard, s.name = from, from.String()
		}
		if s.layer.responded("UDP", s.name, message) {
			continue
		}
		n = copy(b, message)
		if from != s.last {
			s.sources[from], s.last = struct{}{}, from
		}
		return n, net.UDPAddrFromAddrPort(from), nil
	}
}

// succeed has another reader take over, and returns when nobody needs this one's
// entries any more.
func (s *udpSocket) succeed() {
	next := s.layer.newUDPSocket(s.UDPConn, s.gone)
	next.most, next.park = s.most, s.park
	s.sources = nil
	s.layer.serving.Go(func() { _ = s.layer.tpl.ServeUDP(next) })
	idle := time.NewTimer(s.park)
	defer idle.Stop()
	select {
	case <-idle.C:
	case <-s.gone:
	}
}

// WriteTo implements net.PacketConn. What is sent is traced before: the answer may be
// there before the call returns.
func (s *udpSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.layer.cfg.Trace.Record(true, "udp", s.local, AddrPort(to), b)
	return s.UDPConn.WriteTo(b, to)
}
