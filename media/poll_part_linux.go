//go:build amd64 || arm64

package media

import (
	"math/bits"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// partSize is how many sockets are read before what came is delivered. What that touches is
// to stay in the cache of the first level.
const partSize = 16

// arrival is a datagram that was read, and is about to be delivered.
type arrival struct {
	socket *pollSocket
	size   int                   // of what was read; negative: nothing was
	name   unix.RawSockaddrInet6 // of the sender; holds an IPv4 one as well
	length uint32                // of name
	buf    [maxDatagram + 1]byte // one more shows what is too large
}

// departure is a packet that is to be sent when all arrivals are delivered.
type departure struct {
	stream *stream
	socket *pollSocket
	b      []byte
	octets int
	name   unix.RawSockaddrInet6
	length uintptr // of name
}

// deliver reads one datagram from each socket that has one, part by part. False: the shard
// is to end.
func (p *shard) deliver(n int) bool {
	for events := p.events[:n]; len(events) > 0; {
		part := events[:min(len(events), partSize)]
		if !p.deliverPart(part) {
			return false
		}
		events = events[len(part):]
	}
	return true
}

// deliverPart is deliver for a part of the events.
func (p *shard) deliverPart(events []unix.EpollEvent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	arrivals := p.arrivals[:0]
	for _, e := range events {
		if int(e.Fd) == p.ending {
			return false
		}
		// The descriptor may have been closed since, and be another socket's now:
		// that is read in vain.
		if s := p.sockets[e.Fd]; s != nil && s.receiver != nil {
			arrivals = arrivals[:len(arrivals)+1]
			arrivals[len(arrivals)-1].socket = s
		}
	}
	for i := range arrivals {
		p.read(&arrivals[i])
	}
	at := time.Now()
	for i := range arrivals {
		p.approached += arrivals[i].socket.receiver.approach()
	}
	for i := range arrivals {
		if a := &arrivals[i]; a.size >= 0 {
			a.socket.receiver.receive(a.buf[:a.size], a.from(), at, p)
		}
		arrivals[i].socket = nil
	}
	p.depart()
	return true
}

// read reads one datagram of a socket.
func (p *shard) read(a *arrival) {
	s := a.socket
	a.size, a.length = -1, unix.SizeofSockaddrInet6
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(&a.buf)), uintptr(len(a.buf)), 0,
		uintptr(unsafe.Pointer(&a.name)), uintptr(unsafe.Pointer(&a.length)))
	switch errno {
	case 0:
		a.size = int(n)
		s.part.Store(p.part.Load())
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH:
		// Nothing there, or what ICMP said of a packet sent before.
	default:
		// It would be told of again and again: now once more, and when something comes.
		if !s.failing {
			s.failing = true
			_ = p.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLET)
		}
		return
	}
	if s.failing {
		s.failing = false
		_ = p.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN)
	}
}

// from is who sent it.
func (a *arrival) from() netip.AddrPort {
	port := bits.ReverseBytes16(a.name.Port)
	if a.name.Family == unix.AF_INET {
		name := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.name))
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.name.Addr), port)
}

// later implements departures, for streams whose sockets are placed here: those cannot be
// closed as long as mu is held.
func (p *shard) later(o *stream, b []byte, octets int) (part uint32, ok bool) {
	s, ok := o.socket.(*pollSocket)
	if !ok || s.shard.Load() != p || s.closed || p.leaving == len(p.departures) {
		return 0, false
	}
	d := &p.departures[p.leaving]
	var errno syscall.Errno
	if d.length, errno = s.nameOf(o.to, &d.name); errno != 0 {
		return 0, false
	}
	d.stream, d.socket, d.b, d.octets = o, s, b, octets
	p.leaving++
	return p.part.Load(), true
}

// depart sends what was to be sent later, and ends the part.
func (p *shard) depart() {
	for i := range p.departures[:p.leaving] {
		d := &p.departures[i]
		if d.socket.send(d.b, unsafe.Pointer(&d.name), d.length) != 0 {
			d.stream.bounced(d.octets)
		}
		d.stream, d.socket, d.b = nil, nil, nil
	}
	p.leaving = 0
	p.part.Add(1)
}

// departed implements departures.
func (p *shard) departed(part uint32) bool { return p.part.Load() != part }
