//go:build amd64 || arm64

package media

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollBatch is how many sockets with something to read a shard learns of at once.
const pollBatch = 128

// yieldEvery is how often a busy shard lets Go schedule it anew. From a goroutine that has
// not been for 10 ms Go takes its leave to run whenever it waits in the kernel, however
// short each wait is, and then looks after it all the time.
const yieldEvery = 7 * time.Millisecond

// newNetwork returns what reads sockets: a shard for each processor that Go may use, less
// one, so that something is left for other goroutines: a shard that waits counts as running
// until Go notices, up to 10 ms later. Where Go may use one alone, each socket has a
// goroutine in place of shards.
func newNetwork() (network, error) {
	procs := runtime.GOMAXPROCS(0)
	if procs == 1 {
		return goroutines{}, nil
	}
	return newPoller(min(runtime.NumCPU(), procs-1))
}

// poller reads many sockets with few goroutines, its shards.
type poller struct {
	shards  []*shard
	reading sync.WaitGroup

	placing sync.Mutex
	closed  bool           // no socket is opened any more
	placed  sync.WaitGroup // the sockets

	moving sync.Mutex // held by who holds the locks of two shards
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
		s.end()
	}
	p.reading.Wait()
	for _, s := range p.shards {
		s.free()
	}
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
// and calls their receivers. It waits for the instance in a system call of its own, with a
// thread, and not by Go's poller, as other goroutines do: to wake it costs one switch of
// threads and nothing of Go's scheduler, which would have a second thread look for more to
// do at each packet while there are processors to spare. What it needs to run stays with it
// as long as packets come at least each 10 ms, so that it waits for nobody's leave.
//
// The instance is level-triggered: a socket is read once in each batch, and told of
// again as long as more waits in it.
type shard struct {
	poller *poller
	epoll  int // the instance
	ending int // an eventfd in it, to be written when the shard is to end
	load   int // sockets placed here, guarded by poller.placing

	// mu is held while receivers run, and by whoever changes what is read, or by whom.
	mu      sync.Mutex
	sockets []*pollSocket // by descriptor

	part atomic.Uint32 // counts those that were delivered

	// Only the goroutine uses these. They are here so that nothing is allocated.
	events     [pollBatch]unix.EpollEvent
	arrivals   [partSize]arrival
	departures [partSize]departure
	leaving    int     // departures so far
	approached uintptr // says nothing; see receiver
}

func newShard(p *poller) (*shard, error) {
	s := &shard{poller: p}
	s.part.Store(1) // sockets of which nothing was read are of none
	var err error
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if s.ending, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(s.epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.ending)}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.ending, &event); err != nil {
		s.free()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return s, nil
}

// end has run return.
func (p *shard) end() { _, _ = unix.Write(p.ending, []byte{7: 1}) }

// free closes what newShard opened.
func (p *shard) free() {
	unix.Close(p.ending)
	unix.Close(p.epoll)
}

// run reads until end is called.
func (p *shard) run() {
	runtime.LockOSThread()
	hurry()
	yielded := time.Now()
	for {
		if !p.deliver(p.poll()) {
			return
		}
		if now := time.Now(); now.Sub(yielded) >= yieldEvery {
			yielded = now
			runtime.Gosched()
		}
	}
}

// hurried is by how much the thread's nice value is below the daemon's. It weighs about ten
// times as much then.
const hurried = 10

// hurry has the kernel run this thread before the others of the process, such as those that
// collect garbage, where it may be asked to (CAP_SYS_NICE, or RLIMIT_NICE). It asks for a
// larger share, and never for a priority of real time above the others': the thread spins
// while the collector looks at its stack, for ever if that does not get to run at all.
func hurry() {
	nice, err := niceness()
	if err != nil {
		return
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice-hurried) // of this thread; refused: it takes its turn
}

// niceness is the nice value of this thread.
func niceness() (int, error) {
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 1 to 40, for 19 to -20
	return 20 - inverse, err
}

// poll waits for events, and returns how many there are. It panics where the system does not
// know the instance: nobody would be heard any more, and nothing would tell.
func (p *shard) poll() int {
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events)), pollBatch, ^uintptr(0), 0, 0)
	switch errno {
	case 0:
		return int(n)
	case unix.EINTR: // a signal came
		return 0
	}
	panic(fmt.Sprintf("media: epoll_pwait: %v", errno))
}

// add has s read by the shard. mu is held.
func (p *shard) add(s *pollSocket) error {
	events := uint32(unix.EPOLLIN)
	if s.receiver == nil {
		events = unix.EPOLLET // of next to nothing, until it has one
	}
	if err := p.control(unix.EPOLL_CTL_ADD, s, events); err != nil {
		return err
	}
	if s.fd >= len(p.sockets) {
		p.sockets = append(p.sockets, make([]*pollSocket, s.fd+1-len(p.sockets))...)
	}
	p.sockets[s.fd] = s
	return nil
}

// remove ends that. mu is held.
func (p *shard) remove(s *pollSocket) {
	_ = p.control(unix.EPOLL_CTL_DEL, s, 0) // fails only if it was not added
	p.sockets[s.fd] = nil
}

// control changes what the shard is told of s.
func (p *shard) control(operation int, s *pollSocket, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(s.fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, operation, s.fd, &event))
}
