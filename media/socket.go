package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// socket moves the datagrams of one port. It is the seam at which another way of
// reading sockets (a sharded epoll loop) can take the place of udpSocket.
type socket interface {
	// LocalAddr is the bound address.
	LocalAddr() netip.AddrPort
	// Serve starts delivery to r. It is called once.
	Serve(r receiver)
	// WriteTo sends one datagram. It is safe for concurrent use and does not keep b.
	WriteTo(b []byte, to netip.AddrPort) error
	// Close ends delivery: when it returns, no call to the receiver is running or
	// will come. It must not be called from within the receiver.
	Close() error
}

// receiver takes the datagrams of a socket, one call at a time.
type receiver interface {
	// receive may change b, which is its own until it returns. From is never an
	// IPv4 address in IPv6 form.
	receive(b []byte, from netip.AddrPort, at time.Time)
}

// receiverFunc is a function that is a receiver.
type receiverFunc func(b []byte, from netip.AddrPort, at time.Time)

func (f receiverFunc) receive(b []byte, from netip.AddrPort, at time.Time) { f(b, from, at) }

// expeditedForwarding is the DSCP for voice (RFC 3246), in the place where the
// traffic class octet of IP wants it.
const expeditedForwarding = 46 << 2

// udpSocket is a socket read by a goroutine of its own.
type udpSocket struct {
	conn    *net.UDPConn
	local   netip.AddrPort
	reading sync.WaitGroup
}

// listenUDP binds one port; port 0 is any.
func listenUDP(addr netip.AddrPort) (socket, error) {
	network := "udp6"
	if addr.Addr().Is4() {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("media: bind %s: %w", addr, err)
	}
	markVoice(conn, addr.Addr())
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &udpSocket{conn: conn, local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port())}, nil
}

// markVoice asks for expedited forwarding. A system that refuses it still carries
// the call, so failure is not reported.
func markVoice(conn *net.UDPConn, addr netip.Addr) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if addr.Is4() {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TOS, expeditedForwarding)
		} else {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, expeditedForwarding)
		}
	})
}

func (s *udpSocket) LocalAddr() netip.AddrPort { return s.local }

func (s *udpSocket) WriteTo(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

// readBackoff keeps a socket that cannot be read, whatever the reason, from taking a
// processor for itself.
const readBackoff = 5 * time.Millisecond

// Serve reads until the socket is closed. Errors other than that are passed over.
func (s *udpSocket) Serve(r receiver) {
	s.reading.Go(func() {
		buf := make([]byte, maxDatagram+1) // one more shows what is too large
		for {
			n, from, err := s.conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				time.Sleep(readBackoff)
				continue
			}
			r.receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
		}
	})
}

func (s *udpSocket) Close() error {
	err := s.conn.Close()
	s.reading.Wait()
	return err
}
