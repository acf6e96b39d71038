package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringpace/dialer/lab/roles"
	"ringpace/media/srtptest"
)

// legs are the addresses of one call's ends: the customer's, the agent's.
type legs [2]netip.AddrPort

// farEnds are the telephones of all calls.
type farEnds struct {
	Ends     []legs           // of each call
	Keys     []string         // what each agent's end encrypts with (RFC 4568 section 6.1); none: plain
	Monitors []netip.AddrPort // who listen to the first calls, one to each
}

// nearEnds are where they are to send.
type nearEnds struct {
	Ports []legs
	Keys  []string // what each agent's end is sent is encrypted with
}

// traffic is what a generator is told, one thing at a time.
type traffic struct {
	Open    *setup        // open far ends
	Send    *nearEnds     // begin to send
	Measure time.Duration // find out about so long
	PID     int           // of the process that is measured
	Around  []stretch     // tell what was found last apart by these
	Stop    bool          // send no more
}

// setup is what far ends are to be opened.
type setup struct {
	Calls    int
	Tick     time.Duration // streams send at multiples of it
	Secure   bool          // agents' ends speak SRTP
	Monitors int
}

// told is what it answers.
type told struct {
	Far      farEnds
	Findings findings
	Around   collected
}

// beGenerator is the process that plays all telephones of the calls.
func beGenerator() error {
	// No collection comes in between: what is needed is there before the start.
	debug.SetGCPercent(-1)
	// The loop that sends and the orders have a thread each, on the one core.
	runtime.GOMAXPROCS(2)
	var g *generator
	var last findings
	err := roles.Obey(func(t traffic) (answer told, err error) {
		switch {
		case t.Open != nil:
			if g, err = newGenerator(*t.Open); err == nil {
				answer.Far = g.far
			}
		case g == nil:
			err = errors.New("no far ends are open")
		case t.Send != nil:
			err = g.start(*t.Send)
		case t.Stop:
			g.stop()
		case t.Around != nil:
			answer.Around = last.around(t.Around)
		default:
			last, err = g.measure(t.Measure, t.PID)
			answer.Findings = last
		}
		return answer, err
	})
	if g != nil {
		err = errors.Join(err, g.close())
	}
	return err
}

// generator sends both streams of all calls, a packet each 20 ms, each at a tick
// of its own within them, and listens at both ends. One goroutine does both; it owns
// all but what comes through its channels.
type generator struct {
	far      farEnds
	rtcp     []int // open, for who sends reports there; nobody reads them
	parties  []*party
	monitors []*monitor
	order    []int // parties by their instants
	epoll    int
	reader   stamped

	quit    atomic.Bool
	loop    sync.WaitGroup
	failure chan error
	asked   atomic.Pointer[question]

	// The loop's own.
	begin    int64 // of period 0, ns of the wall clock
	question *question
	window   window
	late     int64
}

// party is the far end of one leg.
type party struct {
	fd     int
	source *source
	phase  int64 // ns into each period
	ear    ear
	secret *srtptest.End // nil: packets are plain
}

// question asks the loop for a window of some periods.
type question struct {
	periods  uint32
	pid      int
	from, to time.Duration // CPU times
	err      error
	answer   chan findings
}

func newGenerator(s setup) (*generator, error) {
	g := &generator{failure: make(chan error, 1)}
	var err error
	if g.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(3, 4))
	for call := range s.Calls {
		var ends legs
		for leg := range ends {
			rtp, rtcp, addr, err := bindPair()
			if err != nil {
				return nil, errors.Join(err, g.close())
			}
			p := &party{fd: rtp, source: newSource(streamOf(call, leg), random), phase: int64(time.Duration(random.Int64N(int64(packetTime))).Truncate(s.Tick))}
			p.ear.stream = streamOf(call, 1-leg)
			ends[leg] = addr
			g.parties, g.rtcp = append(g.parties, p), append(g.rtcp, rtcp)
			if err := stamping(rtp); err != nil {
				return nil, errors.Join(err, g.close())
			}
		}
		g.far.Ends = append(g.far.Ends, ends)
		if s.Secure {
			g.far.Keys = append(g.far.Keys, srtptest.NewKey())
		}
	}
	for range s.Monitors {
		m, rtcp, addr, err := newMonitor()
		if err != nil {
			return nil, errors.Join(err, g.close())
		}
		g.monitors, g.rtcp, g.far.Monitors = append(g.monitors, m), append(g.rtcp, rtcp), append(g.far.Monitors, addr)
	}
	for i := range g.parties {
		g.order = append(g.order, i)
	}
	slices.SortFunc(g.order, func(a, b int) int { return int(g.parties[a].phase - g.parties[b].phase) })
	return g, nil
}

// stop ends all streams, and hears no more.
func (g *generator) stop() {
	g.quit.Store(true)
	g.loop.Wait()
}

func (g *generator) close() error {
	g.stop()
	errs := []error{unix.Close(g.epoll)}
	for _, p := range g.parties {
		errs = append(errs, unix.Close(p.fd))
	}
	for _, m := range g.monitors {
		errs = append(errs, unix.Close(m.fd))
	}
	for _, fd := range g.rtcp {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}

// start connects each far end to its address and begins to send.
func (g *generator) start(near nearEnds) error {
	if len(near.Ports) != len(g.far.Ends) || len(near.Keys) != len(g.far.Keys) {
		return fmt.Errorf("%d calls with %d keys, and addresses for %d with %d", len(g.far.Ends), len(g.far.Keys), len(near.Ports), len(near.Keys))
	}
	for call, key := range near.Keys {
		var err error
		if g.parties[2*call+1].secret, err = srtptest.New(g.far.Keys[call], key); err != nil {
			return err
		}
	}
	var fds []int
	for i, p := range g.parties {
		if err := unix.Connect(p.fd, sockaddr(near.Ports[i/2][i%2])); err != nil {
			return err
		}
		fds = append(fds, p.fd)
	}
	for _, m := range g.monitors {
		fds = append(fds, m.fd)
	}
	for i, fd := range fds {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return err
		}
	}
	g.loop.Go(g.run)
	return nil
}

// settle is how many periods the last packets of a window may take to arrive.
const settle = 25

// measure lets the loop look at a stretch of time.
func (g *generator) measure(d time.Duration, pid int) (findings, error) {
	q := &question{periods: uint32(d / packetTime), pid: pid, answer: make(chan findings, 1)}
	g.asked.Store(q)
	select {
	case f := <-q.answer:
		if q.err != nil {
			return f, q.err
		}
		f.percentiles()
		return f, nil
	case err := <-g.failure:
		return findings{}, err
	}
}

// idle is how long the loop sleeps at most.
const idle = 5 * time.Millisecond

// run sends what is due and takes what has come, until it is told to quit.
func (g *generator) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Timers may be late by 50 µs otherwise (prctl(2), PR_SET_TIMERSLACK).
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		g.failure <- err
		return
	}
	g.begin = time.Now().Add(packetTime).UnixNano()
	events := make([]unix.EpollEvent, 256)
	next, number := 0, uint32(0)
	due := g.begin + g.parties[g.order[0]].phase
	for !g.quit.Load() {
		now := time.Now().UnixNano()
		if now >= due {
			g.late = max(g.late, now-due)
			p := g.parties[g.order[next]]
			packet := p.secret.Seal(p.source.next(number))
			// The sender's history is kept where it is looked up: at the other end.
			other := g.parties[g.order[next]^1]
			other.ear.sentAt[number%history] = now
			_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(p.fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet))) // a packet that was not sent is missed
			if next++; next == len(g.order) {
				next = 0
				number++
				if number == longest {
					g.failure <- errors.New("the run is too long")
					return
				}
				g.period(number)
			}
			due = g.begin + int64(number)*int64(packetTime) + g.parties[g.order[next]].phase
		}
		wait := unix.NsecToTimespec(max(0, min(due-time.Now().UnixNano(), int64(idle))))
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(g.epoll), uintptr(unsafe.Pointer(&events[0])),
			uintptr(len(events)), uintptr(unsafe.Pointer(&wait)), 0, 0)
		if errno != 0 && errno != unix.EINTR {
			g.failure <- fmt.Errorf("epoll_pwait2: %w", errno)
			return
		}
		if errno != 0 {
			continue
		}
		for _, event := range events[:n] {
			if i := int(event.Fd) - len(g.parties); i >= 0 {
				g.overhear(g.monitors[i], number)
				continue
			}
			p := g.parties[event.Fd]
			if b, at, ok := g.reader.read(p.fd); ok {
				g.take(p, p.secret.Open(b), at, number)
			}
		}
	}
}

func (g *generator) take(p *party, b []byte, at int64, number uint32) {
	p.ear.hear(&g.window, b, at, g.question != nil && g.window.holds(number))
}

// overhear takes what a monitor is sent.
func (g *generator) overhear(m *monitor, number uint32) {
	b, _, ok := g.reader.read(m.fd)
	if !ok {
		return
	}
	follows := m.follows(b)
	if g.question == nil || !g.window.holds(number) {
		return
	}
	g.window.Monitored++
	if !follows {
		g.window.Unfollowed++
	}
}

// period begins the period of that number: a window may begin, end, or be settled.
func (g *generator) period(number uint32) {
	if g.question == nil {
		if g.question = g.asked.Swap(nil); g.question == nil {
			return
		}
		// From the period after this one.
		g.window = window{From: number + 1, To: number + 1 + g.question.periods}
		g.window.delays = make([]delay, 0, len(g.parties)*int(g.question.periods))
		return
	}
	q := g.question
	var err error
	switch number {
	case g.window.From:
		g.late = 0
		q.from, err = cpuOf(q.pid)
	case g.window.To:
		q.to, err = cpuOf(q.pid)
	case g.window.To + settle:
		g.question = nil
		q.answer <- findings{
			window: g.window, Sent: len(g.parties) * int(q.periods), CPU: q.to - q.from,
			Took: time.Duration(q.periods) * packetTime, Late: time.Duration(g.late),
		}
		g.window.To = 0
		return
	}
	q.err = errors.Join(q.err, err)
}
