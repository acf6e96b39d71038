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

// goroutines reads each socket in a goroutine of its own, which works on every system.
type goroutines struct{}

func (goroutines) close() {}

// udpSocket is a socket read by a goroutine of its own.
type udpSocket struct {
	conn    *net.UDPConn
	local   netip.AddrPort
	reading sync.WaitGroup
}

func (goroutines) open(addr netip.AddrPort) (socket, error) {
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

// ReadWith does nothing: the goroutine of a socket is its own.
func (s *udpSocket) ReadWith(socket) {}

// Settle has nothing to wait for: all is sent at once.
func (s *udpSocket) Settle() {}

// Pending cannot be told here.
func (s *udpSocket) Pending() bool { return false }

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
			r.receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now(), nil)
		}
	})
}

func (s *udpSocket) Close() error {
	err := s.conn.Close()
	s.reading.Wait()
	return err
}

// approach does nothing: the goroutine of a socket has one datagram at a time.
func (s *udpSocket) approach() uintptr { return 0 }
