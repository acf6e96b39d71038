//go:build amd64 || arm64

package media

import (
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollSocket is a socket that a shard reads.
type pollSocket struct {
	fd    int
	shard atomic.Pointer[shard] // changed with the locks of both held
	part  atomic.Uint32         // of the shard, in which a datagram was read last

	// The lock of the shard guards these.
	receiver receiver // nil before Serve and after Close
	failing  bool     // the last read failed as none should: the shard is told only of what comes

	closed bool // changed with the shard's lock and writing held
	// writing is held for reading while a datagram is sent at once, so that the descriptor
	// is not closed, and another's, meanwhile.
	writing sync.RWMutex

	local netip.AddrPort
	zone  uint32 // index of the interface that a link-local address belongs to
}

// open binds one port; port 0 is any. The zone of a link-local address is needed
// here, and not told of the addresses that packets come from.
func (p *poller) open(addr netip.AddrPort) (socket, error) {
	s := &pollSocket{}
	if err := s.bind(addr); err != nil {
		return nil, fmt.Errorf("media: bind %s: %w", addr, err)
	}
	home := p.take()
	if home == nil {
		unix.Close(s.fd)
		return nil, ErrClosed
	}
	s.shard.Store(home)
	home.mu.Lock()
	err := home.add(s)
	home.mu.Unlock()
	if err != nil {
		unix.Close(s.fd)
		p.release(home)
		return nil, fmt.Errorf("media: bind %s: %w", addr, err)
	}
	return s, nil
}

// bind opens the descriptor.
func (s *pollSocket) bind(addr netip.AddrPort) (err error) {
	family := unix.AF_INET
	if !addr.Addr().Is4() {
		family = unix.AF_INET6
	}
	if zone := addr.Addr().Zone(); zone != "" {
		at, err := net.InterfaceByName(zone)
		if err != nil {
			return err
		}
		s.zone = uint32(at.Index)
	}
	s.fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(s.fd)
		}
	}()
	// A system that refuses to mark packets still carries the call.
	var name unix.Sockaddr
	if family == unix.AF_INET {
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_TOS, expeditedForwarding)
		name = &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	} else {
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, expeditedForwarding)
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		name = &unix.SockaddrInet6{Addr: addr.Addr().As16(), Port: int(addr.Port()), ZoneId: s.zone}
	}
	if err := unix.Bind(s.fd, name); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(addr.Addr(), uint16(bound.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(addr.Addr(), uint16(bound.Port))
	}
	return nil
}

func (s *pollSocket) LocalAddr() netip.AddrPort { return s.local }

// home locks the shard that reads s, and returns it.
func (s *pollSocket) home() *shard {
	for {
		at := s.shard.Load()
		at.mu.Lock()
		if s.shard.Load() == at {
			return at
		}
		at.mu.Unlock() // it has moved meanwhile
	}
}

// Serve has the shard deliver what came since the port was bound, and what comes.
func (s *pollSocket) Serve(r receiver) {
	home := s.home()
	defer home.mu.Unlock()
	s.receiver = r
	// This cannot fail: the socket is known to the instance and no more is asked of it.
	_ = home.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN)
}

// ReadWith moves s to the shard of other. It stays where it is if the system refuses.
func (s *pollSocket) ReadWith(other socket) {
	o, ok := other.(*pollSocket)
	if !ok {
		return
	}
	from, to := s.shard.Load(), o.shard.Load()
	if from == to {
		return
	}
	from.poller.moving.Lock() // so that nobody moves sockets the other way
	defer from.poller.moving.Unlock()
	from = s.home()
	defer from.mu.Unlock()
	if from == to || s.closed {
		return
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.add(s) != nil {
		return
	}
	from.remove(s)
	s.shard.Store(to)
	s.failing = false // as far as that shard knows
	from.poller.move(from, to)
}

// WriteTo sends one datagram, or fails with EAGAIN if the send buffer is full.
func (s *pollSocket) WriteTo(b []byte, to netip.AddrPort) error {
	s.writing.RLock()
	defer s.writing.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	var name unix.RawSockaddrInet6
	length, errno := s.nameOf(to, &name)
	if errno == 0 {
		errno = s.send(b, unsafe.Pointer(&name), length)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// nameOf makes the name of an address as the system wants it, in name, which holds one of
// IPv4 as well, and returns its length.
func (s *pollSocket) nameOf(to netip.AddrPort, name *unix.RawSockaddrInet6) (length uintptr, errno syscall.Errno) {
	port := bits.ReverseBytes16(to.Port())
	switch {
	case !s.local.Addr().Is4():
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: to.Addr().As16()}
		if to.Addr().IsLinkLocalUnicast() {
			name.Scope_id = s.zone
		}
		return unix.SizeofSockaddrInet6, 0
	case to.Addr().Unmap().Is4():
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(name)) = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port, Addr: to.Addr().As4()}
		return unix.SizeofSockaddrInet4, 0
	}
	return 0, unix.EAFNOSUPPORT
}

// send makes the system call. It does not go by way of Go's scheduler, for it never
// waits.
func (s *pollSocket) send(b []byte, name unsafe.Pointer, length uintptr) syscall.Errno {
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, uintptr(name), length)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// Pending reports whether a datagram with anything in it is next in the socket, or has been
// read and is about to be delivered.
func (s *pollSocket) Pending() bool {
	if s.shard.Load().part.Load() == s.part.Load() {
		return true
	}
	s.writing.RLock()
	defer s.writing.RUnlock()
	if s.closed {
		return false
	}
	size, err := unix.IoctlGetInt(s.fd, unix.SIOCINQ)
	return err == nil && size > 0
}

// Settle waits until what was to be sent later has been.
func (s *pollSocket) Settle() { s.home().mu.Unlock() }

func (s *pollSocket) Close() error {
	home := s.home()
	s.writing.Lock()
	before := s.closed
	if !before {
		s.closed = true
		s.receiver = nil
		home.remove(s)
	}
	s.writing.Unlock()
	home.mu.Unlock()
	if before {
		return net.ErrClosed
	}
	defer home.poller.release(home)
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// approach implements socket.
func (s *pollSocket) approach() uintptr { return Touch(unsafe.Pointer(s), unsafe.Sizeof(*s)) }
