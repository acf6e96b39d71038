//go:build amd64 || arm64

package media

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/pion/rtp"
	"golang.org/x/sys/unix"
)

// networks are the ways to read sockets.
var networks = map[string]func() (network, error){
	"goroutines":   func() (network, error) { return goroutines{}, nil },
	"one shard":    func() (network, error) { return newPoller(1) },
	"three shards": func() (network, error) { return newPoller(3) },
}

func newTestPoller(t *testing.T, shards int) *poller {
	t.Helper()
	p, err := newPoller(shards)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// TestNoShardWithoutRoom: shards leave room for other goroutines, and where there is none
// there are no shards.
func TestNoShardWithoutRoom(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs := 1; procs <= 4; procs++ {
		runtime.GOMAXPROCS(procs)
		n, err := newNetwork()
		if err != nil {
			t.Fatal(err)
		}
		defer n.close()
		shards := 0
		if p, ok := n.(*poller); ok {
			shards = len(p.shards)
		}
		if want := min(procs-1, runtime.NumCPU()); shards != want {
			t.Errorf("%d shards where %d goroutines may run at once, want %d", shards, procs, want)
		}
	}
}

// TestWaitThatFails: a signal ends a wait, and does no harm. A wait that cannot be is not
// taken for one.
func TestWaitThatFails(t *testing.T) {
	s := newTestPoller(t, 1).shards[0]
	waiting, over := make(chan int), make(chan int)
	go onThread(func() {
		waiting <- unix.Gettid()
		over <- (&shard{epoll: s.epoll}).poll()
	})
	thread := <-waiting
	for done := false; !done; runtime.Gosched() { // it may not wait yet
		_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGURG) // as Go's own signals
		select {
		case n := <-over:
			done = true
			if n != 0 {
				t.Errorf("%d events of a signal", n)
			}
		default:
		}
	}
	defer func() {
		if said := recover(); said == nil || !strings.Contains(fmt.Sprint(said), "bad file descriptor") {
			t.Errorf("without an instance: %v", said)
		}
	}()
	(&shard{epoll: -1}).poll()
}

var anyPort = netip.AddrPortFrom(loopback, 0)

// TestRefusalTold connects a socket, so that the system reports to it what ICMP says.
func TestRefusalTold(t *testing.T) {
	p := newTestPoller(t, 1)
	a, b := openSocket(t, p, anyPort).(*pollSocket), openSocket(t, p, anyPort)
	c := serve(a)
	if err := unix.Connect(a.fd, &unix.SockaddrInet4{Addr: loopback.As4(), Port: int(b.LocalAddr().Port())}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	for range 10 {
		if err := a.WriteTo([]byte("anybody?"), b.LocalAddr()); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	b, err := p.open(b.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	write(t, b, a.LocalAddr(), []byte("here"))
	if got := await(t, "a datagram after a refusal", c); string(got.b) != "here" {
		t.Errorf("got %q", got.b)
	}
}

// TestUnreadableSocket has a descriptor that is always ready and cannot be read: the
// other sockets of its shard are read all the same, and the shard comes to rest.
func TestUnreadableSocket(t *testing.T) {
	p := newTestPoller(t, 1)
	broken, whole := openSocket(t, p, anyPort).(*pollSocket), openSocket(t, p, anyPort)
	c := serve(whole)
	event, err := unix.Eventfd(1, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC) // ready, but no socket
	if err != nil {
		t.Fatal(err)
	}
	home := broken.home()
	home.remove(broken)
	if err := unix.Dup3(event, broken.fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(event)
	err = home.add(broken)
	home.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(serve(broken)); n != 0 {
		t.Errorf("%d datagrams", n)
	}
	for range 3 {
		write(t, whole, whole.LocalAddr(), []byte("x"))
		await(t, "a datagram beside", c)
	}
	var events [1]unix.EpollEvent
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		n, err := unix.EpollWait(home.epoll, events[:], 0)
		if err == nil && n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d events, %v, though nothing comes", n, err)
		}
	}
}

// TestReadsOnAfterAFailure has a socket of which the system tells a failure once, with
// datagrams behind it: they are delivered, though nothing comes after them.
func TestReadsOnAfterAFailure(t *testing.T) {
	p := newTestPoller(t, 1)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far := pair[0], pair[1]
	defer unix.Close(far)
	const backlog = 3
	for range backlog {
		if _, err := unix.Write(far, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	// Who is parted from a peer that has not read all learns of it by ECONNRESET.
	if _, err := unix.Write(near, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(far), uintptr(unsafe.Pointer(&unix.RawSockaddrUnix{Family: unix.AF_UNSPEC})), unix.SizeofSockaddrUnix); errno != 0 {
		t.Fatal(errno)
	}
	s := openSocket(t, p, anyPort).(*pollSocket)
	home := s.home()
	home.remove(s)
	if err := unix.Dup3(near, s.fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(near)
	err = home.add(s)
	home.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	c := serve(s)
	for range backlog {
		await(t, "a datagram behind a failure", c)
	}
	defer s.home().mu.Unlock()
	if s.failing {
		t.Error("it counts as failing")
	}
}

// TestPollerClosesLast has a poller read on until the last socket is closed, though it
// opens no more.
func TestPollerClosesLast(t *testing.T) {
	p := newTestPoller(t, 1)
	s := openSocket(t, p, anyPort)
	c := serve(s)
	var closing sync.WaitGroup
	closing.Go(p.close)
	for end := time.Now().Add(patience); ; {
		more, err := p.open(anyPort)
		if errors.Is(err, ErrClosed) {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("it opens sockets on and on: %v", err)
		}
		more.Close()
	}
	for range 1000 {
		write(t, s, s.LocalAddr(), []byte("x"))
		await(t, "a datagram", c)
	}
	s.Close()
	closing.Wait()
}

func TestSocketsSpreadOverShards(t *testing.T) {
	p := newTestPoller(t, 3)
	loads := func() (n [3]int) {
		for i, s := range p.shards {
			n[i] = s.load
		}
		return n
	}
	var open []socket
	for range 9 {
		open = append(open, openSocket(t, p, anyPort))
	}
	if got := loads(); got != [3]int{3, 3, 3} {
		t.Errorf("sockets of the shards: %v", got)
	}
	open[1].ReadWith(open[0])
	open[1].ReadWith(open[0]) // is there
	open[2].ReadWith(&fakeSocket{})
	if got := loads(); got != [3]int{4, 2, 3} {
		t.Errorf("after a move: %v", got)
	}
	open[1].Close()
	open[1].ReadWith(open[2])
	if got := loads(); got != [3]int{3, 2, 3} {
		t.Errorf("after closing: %v", got)
	}
}

// TestBridgeOnOneShard finds all sockets of a bridge with the agent's shard.
func TestBridgeOnOneShard(t *testing.T) {
	p := newTestPoller(t, 3)
	e := bareEngine()
	e.ports.open = p.open
	e.network = p
	home := func(s socket) *shard { return s.(*pollSocket).shard.Load() }
	customer, agent := newTestSession(t, e), newTestSession(t, e)
	if home(customer.pair.rtp) != home(customer.pair.rtcp) || home(agent.pair.rtp) == home(customer.pair.rtp) {
		t.Error("the sockets of a session are spread, or two sessions share a shard")
	}
	was := home(agent.pair.rtp)
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	for _, s := range []socket{customer.pair.rtp, customer.pair.rtcp, agent.pair.rtp, agent.pair.rtcp} {
		if home(s) != was {
			t.Error("a socket of the bridge is not with the agent's shard")
		}
	}
	heard := newPhone(t, customer)
	speaking := newPhone(t, agent)
	if err := customer.Accept(heard.sdp("8")); err != nil {
		t.Fatal(err)
	}
	if err := agent.Accept(speaking.sdp("8")); err != nil {
		t.Fatal(err)
	}
	speaking.send(filled(9))
	heard.wait(0, holds(9))
}

// gate is a tap that holds up the shard at each packet until it is let go on.
type gate struct{ at, pass chan struct{} }

func (g gate) Tap(*Packet) {
	g.at <- struct{}{}
	<-g.pass
}

// TestHeldUpShard holds up the goroutine that reads a bridge for longer than a party may
// be silent, while the clock ticks: what came meanwhile goes on as if nothing had been.
func TestHeldUpShard(t *testing.T) {
	e := newTestEngine(t)
	var phones [3]*phone
	var sessions [3]*Session
	for i := range sessions {
		sessions[i] = newTestSession(t, e)
		phones[i] = newPhone(t, sessions[i])
		if err := sessions[i].Accept(phones[i].sdp("8")); err != nil {
			t.Fatal(err)
		}
	}
	customer, speaking, idle := phones[0], phones[1], phones[2]
	if _, err := e.Bridge(sessions[0], sessions[1]); err != nil {
		t.Fatal(err)
	}
	speaking.send(filled(1))
	_, from := customer.wait(0, holds(1))
	g := gate{make(chan struct{}), make(chan struct{})}
	remove := sessions[1].AddTap(g)
	const last = 20
	for i := byte(2); i <= last; i++ {
		speaking.send(filled(i))
	}
	await(t, "a packet at the gate", g.at)
	remove()
	before := len(idle.heard())
	for n := before; n < before+int(2*fillAfter/clockPeriod); n++ {
		idle.wait(n, func(rtp.Packet) bool { return true })
	}
	close(g.pass)
	_, to := customer.wait(from, holds(last))
	heard := customer.heard()[from-1 : to]
	if len(heard) != last {
		t.Errorf("%d packets for %d", len(heard), last)
	}
	for i, p := range heard[1:] {
		if before := heard[i]; p.Marker || p.SequenceNumber != before.SequenceNumber+1 || p.Timestamp != before.Timestamp+160 {
			t.Fatalf("%v after %v", p.Header, before.Header)
		}
	}
}
