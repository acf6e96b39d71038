package media

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The benchmark runs each relay in a process of its own, which is this test binary
// with relayEnv set; what it is told and says goes through its standard input and
// output, a line of JSON each.
const relayEnv = "RINGPACE_TEST_RELAY"

// init turns the process into a relay if it is asked to be one.
func init() {
	kind := os.Getenv(relayEnv)
	if kind == "" {
		return
	}
	if err := relayMain(kind); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// benchCalls is how many calls are relayed; each is 100 packets a second.
const benchCalls = 250

// relayUsage is what a relay spent so far.
type relayUsage struct {
	CPU     time.Duration
	Mallocs uint64
}

// BenchmarkLoopback measures the processor time that a relayed packet costs, in the
// kernel too, by the usage of the relaying process, and the time that packets take from
// the sender through the relay to the receiver. The relays: sessions in bridges; the
// same beside a heap of 30 MB that is collected each 100 ms, whose garbage is made as fast;
// a goroutine per socket that sends on what it reads; one thread with epoll that does.
// The test binary should run on one core, the first (taskset -c 0).
func BenchmarkLoopback(b *testing.B) {
	for _, kind := range []string{"bridge", "bridge_collecting", "go_relay", "epoll_relay"} {
		b.Run(kind, func(b *testing.B) { benchLoopback(b, kind) })
	}
}

func benchLoopback(b *testing.B, kind string) {
	g := newGenerator(b, benchCalls)
	relay := startRelay(b, kind, g.ports())
	g.to = relay.ports
	g.run(benchCalls * 100) // a second to warm up
	g.delays = g.delays[:0]
	before, sentBefore, lostBefore := relay.usage(), g.sent, g.sent-g.heard.Load()
	for b.Loop() {
		g.run(1)
	}
	g.settle()
	after := relay.usage()
	packets := float64(g.sent - sentBefore)
	b.ReportMetric(float64(after.CPU-before.CPU)/1e3/packets, "us/packet")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/packets, "mallocs/packet")
	b.ReportMetric(float64(int64(g.sent-g.heard.Load()-lostBefore)), "lost")
	slices.Sort(g.delays)
	for _, p := range []float64{0.5, 0.99, 0.999} {
		b.ReportMetric(float64(g.delays[int(p*float64(len(g.delays)-1))])/1e3, fmt.Sprintf("us-p%g", p*100))
	}
}

// generator sends RTP from a socket for each party and hears what comes back.
type generator struct {
	b       *testing.B
	fds     []int
	to      []uint16
	begun   time.Time
	next    time.Duration // when the next slot is due
	turn    int           // whose packet is next
	packet  [headerSize + 160]byte
	numbers []uint16
	sent    uint64
	heard   atomic.Uint64
	mu      sync.Mutex
	delays  []time.Duration
}

func newGenerator(b *testing.B, calls int) *generator {
	g := &generator{b: b, begun: time.Now(), numbers: make([]uint16, 2*calls)}
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		b.Fatal(err)
	}
	for range 2 * calls {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK, 0)
		if err == nil {
			err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback.As4()})
		}
		if err == nil {
			err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
		}
		if err != nil {
			b.Fatal(err)
		}
		g.fds = append(g.fds, fd)
	}
	var stop atomic.Bool
	var hearing sync.WaitGroup
	hearing.Go(func() { g.hear(poll, &stop) })
	b.Cleanup(func() {
		stop.Store(true)
		hearing.Wait()
		syscall.Close(poll)
		for _, fd := range g.fds {
			syscall.Close(fd)
		}
	})
	return g
}

func (g *generator) ports() []uint16 {
	var ports []uint16
	for _, fd := range g.fds {
		addr, err := syscall.Getsockname(fd)
		if err != nil {
			g.b.Fatal(err)
		}
		ports = append(ports, uint16(addr.(*syscall.SockaddrInet4).Port))
	}
	return ports
}

// run sends n packets at the pace of the calls, in bursts of those due each millisecond.
func (g *generator) run(n int) {
	gap := 20 * time.Millisecond / time.Duration(len(g.fds))
	for range n {
		g.next += gap
		if ahead := g.next - time.Since(g.begun); ahead > 0 {
			time.Sleep(max(ahead, time.Millisecond))
		} else if ahead < -100*time.Millisecond {
			g.next = time.Since(g.begun) // held up, or between runs
		}
		i := g.turn
		g.turn = (g.turn + 1) % len(g.fds)
		header{payloadType: payloadPCMA, sequence: g.numbers[i], timestamp: uint32(g.numbers[i]) * 160, ssrc: uint32(i)}.put(g.packet[:])
		g.numbers[i]++
		binary.BigEndian.PutUint64(g.packet[headerSize:], uint64(time.Since(g.begun)))
		if err := syscall.Sendto(g.fds[i], g.packet[:], 0, &syscall.SockaddrInet4{Addr: loopback.As4(), Port: int(g.to[i])}); err == nil {
			g.sent++
		}
	}
}

// settle waits until all is heard, or what is not is lost.
func (g *generator) settle() {
	for end := time.Now().Add(time.Second); g.heard.Load() < g.sent && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func (g *generator) hear(poll int, stop *atomic.Bool) {
	var events [256]syscall.EpollEvent
	var buf [maxDatagram]byte
	for !stop.Load() {
		n, _ := syscall.EpollWait(poll, events[:], 100)
		for _, e := range events[:max(n, 0)] {
			size, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(e.Fd), uintptr(bytesAt(buf[:])), uintptr(len(buf)), 0, 0, 0)
			if errno != 0 || size < headerSize+8 {
				continue
			}
			sent := binary.BigEndian.Uint64(buf[headerSize:])
			if sent == 0xD5D5D5D5D5D5D5D5 {
				continue // the clock's silence
			}
			delay := time.Since(g.begun) - time.Duration(sent)
			g.heard.Add(1)
			g.mu.Lock()
			g.delays = append(g.delays, delay)
			g.mu.Unlock()
		}
	}
}

// relayProcess is a relay under test.
type relayProcess struct {
	b     *testing.B
	in    io.WriteCloser
	out   *bufio.Scanner
	ports []uint16 // of it, for each socket of the generator
}

func startRelay(b *testing.B, kind string, ports []uint16) *relayProcess {
	cmd := exec.Command(os.Args[0])
	if exec.Command("taskset", "-c", "1", "true").Run() == nil { // a core of its own
		cmd = exec.Command("taskset", "-c", "1", os.Args[0])
	}
	cmd.Env = append(os.Environ(), relayEnv+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	r := &relayProcess{b: b, in: in, out: bufio.NewScanner(out)}
	r.out.Buffer(nil, 1<<20)
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	r.ask(ports, &r.ports)
	return r
}

func (r *relayProcess) ask(question, answer any) {
	r.b.Helper()
	if err := json.NewEncoder(r.in).Encode(question); err != nil {
		r.b.Fatal(err)
	}
	if !r.out.Scan() {
		r.b.Fatal("the relay ended")
	}
	if err := json.Unmarshal(r.out.Bytes(), answer); err != nil {
		r.b.Fatal(err)
	}
}

func (r *relayProcess) usage() (u relayUsage) {
	r.ask("usage", &u)
	return u
}

// relayMain is the relay's process.
func relayMain(kind string) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var parties []uint16
	if err := in.Decode(&parties); err != nil {
		return err
	}
	relays := map[string]func([]uint16) ([]uint16, error){
		"bridge": bridgeRelay, "bridge_collecting": collectingRelay, "go_relay": goRelay, "epoll_relay": epollRelay,
	}
	ports, err := relays[kind](parties)
	if err != nil {
		return err
	}
	if err := out.Encode(ports); err != nil {
		return err
	}
	for {
		var question string
		if err := in.Decode(&question); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return err
		}
		if err := out.Encode(relayUsage{CPU: time.Duration(u.Utime.Nano() + u.Stime.Nano()), Mallocs: mallocs()}); err != nil {
			return err
		}
	}
}

func bridgeRelay(parties []uint16) ([]uint16, error) {
	e, err := NewEngine(Config{Addr: loopback})
	if err != nil {
		return nil, err
	}
	var ports []uint16
	var last *Session
	for i, party := range parties {
		s, err := e.NewSession(SessionConfig{})
		if err != nil {
			return nil, err
		}
		sdp := strings.Join([]string{"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio " + strconv.Itoa(int(party)) + " RTP/AVP 8", ""}, "\r\n")
		if err := s.Accept([]byte(sdp)); err != nil {
			return nil, err
		}
		if i%2 == 1 {
			if _, err := e.Bridge(last, s); err != nil {
				return nil, err
			}
		}
		last = s
		ports = append(ports, s.LocalAddr().Port())
	}
	return ports, nil
}

// heapNode is what a heap to be collected is made of.
type heapNode struct {
	next *heapNode
	_    [7]uint64
}

func collectingRelay(parties []uint16) ([]uint16, error) {
	ports, err := bridgeRelay(parties)
	go func() {
		grow := func(n int) (list *heapNode) {
			for range n {
				list = &heapNode{next: list}
			}
			return list
		}
		live := make([]*heapNode, 500)
		for i := range live {
			live[i] = grow(1000)
		}
		for at := range time.Tick(100 * time.Millisecond) {
			live[at.UnixMilli()/100%500] = grow(1000)
			runtime.GC()
		}
	}()
	return ports, err
}

func goRelay(parties []uint16) ([]uint16, error) {
	conns := make([]*net.UDPConn, len(parties))
	ports := make([]uint16, len(parties))
	for i := range parties {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			return nil, err
		}
		conns[i], ports[i] = conn, uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	}
	for i, conn := range conns {
		go func() {
			buf := make([]byte, maxDatagram)
			to := netip.AddrPortFrom(loopback, parties[i^1])
			for {
				n, _, err := conn.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				conns[i^1].WriteToUDPAddrPort(buf[:n], to)
			}
		}()
	}
	return ports, nil
}

func epollRelay(parties []uint16) ([]uint16, error) {
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	ports := make([]uint16, len(parties))
	fds := make([]int, len(parties))
	to := make([]syscall.RawSockaddrInet4, len(parties))
	for i, party := range parties {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback.As4()}); err != nil {
			return nil, err
		}
		addr, err := syscall.Getsockname(fd)
		if err != nil {
			return nil, err
		}
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}); err != nil {
			return nil, err
		}
		fds[i], ports[i] = fd, uint16(addr.(*syscall.SockaddrInet4).Port)
		to[i] = syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: party<<8 | party>>8, Addr: loopback.As4()}
	}
	go relayThread(poll, fds, to)
	return ports, nil
}
