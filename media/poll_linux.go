//go:build amd64 || arm64

package media

import (
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollBatch is how many sockets with something to read a shard learns of at once.
const pollBatch = 128

// pollTurns is after how many batches without a rest a shard lets other goroutines run.
const pollTurns = 8

// newNetwork returns what reads sockets: a shard for each processor that Go may use.
func newNetwork() (network, error) {
	return newPoller(min(runtime.NumCPU(), runtime.GOMAXPROCS(0)))
}

// poller reads many sockets with few goroutines, its shards.
type poller struct {
	shards  []*shard
	reading sync.WaitGroup

	placing sync.Mutex
	closed  bool           // no socket is opened any more
	placed  sync.WaitGroup // the sockets
}

func newPoller(shards int) (*poller, error) {
	p := &poller{}
	for range shards {
		s, err := newShard(p)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("media: %w", err)
		}
		p.shards = append(p.shards, s)
		p.reading.Go(s.run)
	}
	return p, nil
}

// close waits for the sockets to be closed: their descriptors and those of the shards
// are the system's to reuse afterwards.
func (p *poller) close() {
	p.placing.Lock()
	p.closed = true
	p.placing.Unlock()
	p.placed.Wait()
	for _, s := range p.shards {
		s.file.Close()
	}
	p.reading.Wait()
}

// take returns the shard with the fewest sockets, for one more; nil once closed.
func (p *poller) take() *shard {
	p.placing.Lock()
	defer p.placing.Unlock()
	if p.closed {
		return nil
	}
	least := p.shards[0]
	for _, s := range p.shards[1:] {
		if s.load < least.load {
			least = s
		}
	}
	least.load++
	p.placed.Add(1)
	return least
}

// release takes back what take gave.
func (p *poller) release(s *shard) {
	p.placing.Lock()
	defer p.placing.Unlock()
	s.load--
	p.placed.Done()
}

// move notes that a socket changed its shard.
func (p *poller) move(from, to *shard) {
	p.placing.Lock()
	defer p.placing.Unlock()
	from.load--
	to.load++
}

// shard is one goroutine with an epoll instance, which reads the sockets placed with it
// and calls their receivers. The instance is itself a file that Go's own poller waits
// for, so that the goroutine waits as any other does, and holds no thread; but once
// awake it costs each packet one call to read, where a goroutine per socket needs a
// second to find that there is no more, and a switch of goroutines.
//
// The instance is level-triggered: a socket is read once in each batch, and told of
// again as long as more waits in it.
type shard struct {
	poller *poller
	file   *os.File
	epoll  int // file's descriptor, as long as sockets are open
	load   int // sockets placed here, guarded by poller.placing

	mu      sync.Mutex
	sockets []*pollSocket // by descriptor

	// Only the goroutine uses these. They are here so that nothing is allocated.
	events [pollBatch]unix.EpollEvent
	ready  [pollBatch]*pollSocket
	name   unix.RawSockaddrInet6 // of the sender; holds an IPv4 one as well
	length uint32                // of name
	buf    [maxDatagram + 1]byte // one more shows what is too large
}

func newShard(p *poller) (*shard, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os would not wait for it
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return &shard{poller: p, file: os.NewFile(uintptr(fd), "epoll"), epoll: fd}, nil
}

// run reads until the file is closed.
func (p *shard) run() {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return // closed
	}
	_ = conn.Read(func(fd uintptr) bool {
		for turn := 1; ; turn++ {
			n := p.poll(fd)
			if n == 0 {
				return false // come again when there is something
			}
			p.deliver(n)
			if turn%pollTurns == 0 {
				runtime.Gosched()
			}
		}
	})
}

// poll returns how many events there are, without waiting.
func (p *shard) poll(fd uintptr) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events)), pollBatch, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// deliver reads one datagram from each socket that has one.
func (p *shard) deliver(n int) {
	p.mu.Lock()
	for i, e := range p.events[:n] {
		// The descriptor may have been closed since, and be another socket's now:
		// that is read in vain.
		p.ready[i] = p.sockets[e.Fd]
	}
	p.mu.Unlock()
	for i, s := range p.ready[:n] {
		if s != nil {
			p.read(s)
		}
		p.ready[i] = nil
	}
}

// read delivers one datagram of s.
func (p *shard) read(s *pollSocket) {
	s.delivery.Lock()
	defer s.delivery.Unlock()
	if s.receiver == nil {
		return // closed since
	}
	p.length = unix.SizeofSockaddrInet6
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(&p.buf)), uintptr(len(p.buf)), 0,
		uintptr(unsafe.Pointer(&p.name)), uintptr(unsafe.Pointer(&p.length)))
	switch errno {
	case 0:
		s.receiver.receive(p.buf[:n], p.sender(), time.Now())
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH:
		// Nothing there, or what ICMP said of a packet sent before.
	default:
		// It would be told of again and again: now only when something comes.
		_ = s.shard.Load().control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLET)
	}
}

// sender is who sent what was read last.
func (p *shard) sender() netip.AddrPort {
	port := bits.ReverseBytes16(p.name.Port)
	if p.name.Family == unix.AF_INET {
		name := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.name))
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(p.name.Addr), port)
}

// add has s read by the shard.
func (p *shard) add(s *pollSocket) error {
	p.mu.Lock()
	if s.fd >= len(p.sockets) {
		p.sockets = append(p.sockets, make([]*pollSocket, s.fd+1-len(p.sockets))...)
	}
	p.sockets[s.fd] = s
	p.mu.Unlock()
	events := uint32(unix.EPOLLIN)
	if s.receiver == nil {
		events = unix.EPOLLET // of next to nothing, until it has one
	}
	err := p.control(unix.EPOLL_CTL_ADD, s, events)
	if err != nil {
		p.forget(s)
	}
	return err
}

// remove ends that. One datagram may be on its way yet.
func (p *shard) remove(s *pollSocket) {
	_ = p.control(unix.EPOLL_CTL_DEL, s, 0) // fails only if it was not added
	p.forget(s)
}

func (p *shard) forget(s *pollSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets[s.fd] = nil
}

// control changes what the shard is told of s.
func (p *shard) control(operation int, s *pollSocket, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(s.fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, operation, s.fd, &event))
}
