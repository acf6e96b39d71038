package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// eachNetwork runs a test on every way to read sockets, over IPv4 and IPv6.
func eachNetwork(t *testing.T, test func(t *testing.T, n network, at netip.AddrPort)) {
	for name, open := range networks {
		for _, ip := range []netip.Addr{loopback, netip.IPv6Loopback()} {
			t.Run(name+"/"+ip.String(), func(t *testing.T) {
				n, err := open()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(n.close)
				test(t, n, netip.AddrPortFrom(ip, 0))
			})
		}
	}
}

func openSocket(t testing.TB, n network, at netip.AddrPort) socket {
	t.Helper()
	s, err := n.open(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// datagram is one as a receiver got it.
type datagram struct {
	b    []byte
	from netip.AddrPort
	at   time.Time
}

// inbox keeps what comes.
type inbox chan datagram

func (c inbox) receive(b []byte, from netip.AddrPort, at time.Time, _ departures) {
	c <- datagram{bytes.Clone(b), from, at}
	clear(b) // a receiver may
}

func (c inbox) approach() uintptr { return 0 }

func serve(s socket) inbox {
	c := make(inbox, 4096)
	s.Serve(c)
	return c
}

func write(t testing.TB, s socket, to netip.AddrPort, b []byte) {
	t.Helper()
	if err := s.WriteTo(b, to); err != nil {
		t.Fatal(err)
	}
}

func TestSocketDelivers(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		a, b := openSocket(t, n, at), openSocket(t, n, at)
		if a.LocalAddr().Addr() != at.Addr() || a.LocalAddr().Port() == 0 {
			t.Fatalf("bound to %v", a.LocalAddr())
		}
		sent := [][]byte{[]byte("early"), {}, bytes.Repeat([]byte{7}, maxDatagram), bytes.Repeat([]byte{8}, maxDatagram+100), []byte("late")}
		begun := time.Now()
		write(t, a, b.LocalAddr(), sent[0]) // before anyone listens
		c := serve(b)
		for _, d := range sent[1:] {
			write(t, a, b.LocalAddr(), d)
		}
		for i, want := range sent {
			got := await(t, "a datagram", c)
			want = want[:min(len(want), maxDatagram+1)]
			if !bytes.Equal(got.b, want) || got.from != a.LocalAddr() {
				t.Errorf("datagram %d: %d octets from %v; want %d from %v", i, len(got.b), got.from, len(want), a.LocalAddr())
			}
			if got.at.Before(begun) || got.at.After(time.Now()) {
				t.Errorf("datagram %d arrived at %v, %v after the first was sent", i, got.at, got.at.Sub(begun))
			}
		}
	})
}

func TestSocketCannotSend(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		a := openSocket(t, n, at)
		c := serve(a)
		other := netip.AddrPortFrom(netip.IPv6Loopback(), 9)
		if at.Addr().Is6() {
			other = netip.AddrPortFrom(loopback, 9)
		}
		for what, err := range map[string]error{
			"to the other family": a.WriteTo([]byte("x"), other),
			"too much":            a.WriteTo(make([]byte, 1<<16), a.LocalAddr()),
			"to no address":       a.WriteTo([]byte("x"), netip.AddrPort{}),
		} {
			if err == nil {
				t.Errorf("sent %s", what)
			}
		}
		write(t, a, a.LocalAddr(), []byte("after"))
		if got := await(t, "what was sent after errors", c); string(got.b) != "after" {
			t.Errorf("got %q", got.b)
		}
		if _, err := n.open(a.LocalAddr()); err == nil || !strings.Contains(err.Error(), a.LocalAddr().String()) {
			t.Errorf("a port in use: %v", err)
		}
	})
}

// TestSocketOutlivesRefusal sends to a port that nobody has, of which ICMP tells.
func TestSocketOutlivesRefusal(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		a, b := openSocket(t, n, at), openSocket(t, n, at)
		c := serve(a)
		nobody := b.LocalAddr()
		b.Close()
		for range 10 {
			a.WriteTo([]byte("anybody?"), nobody)
		}
		write(t, a, a.LocalAddr(), []byte("well"))
		if got := await(t, "a datagram after a refusal", c); string(got.b) != "well" {
			t.Errorf("got %q", got.b)
		}
	})
}

// TestSocketOneAtATime floods a socket that is moved about between those who read.
func TestSocketOneAtATime(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		s := openSocket(t, n, at)
		var others []socket
		for range 3 {
			others = append(others, openSocket(t, n, at))
		}
		var inside atomic.Int32
		calls := 0 // the race detector sees two at a time
		enough := make(chan struct{})
		s.Serve(receiverFunc(func([]byte, netip.AddrPort, time.Time) {
			if inside.Add(1) != 1 {
				t.Error("two at a time")
			}
			if calls++; calls == 300 {
				close(enough)
			}
			inside.Add(-1)
		}))
		var busy sync.WaitGroup
		for _, from := range others {
			busy.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-enough:
						return
					default:
					}
					s.ReadWith(from)
					from.ReadWith(others[i%len(others)])
					from.WriteTo([]byte("x"), s.LocalAddr())
				}
			})
		}
		await(t, "datagrams amid moves", enough)
		busy.Wait()
	})
}

// TestSocketCloseEndsDelivery closes sockets under a flood, whose descriptors and ports
// are used anew at once.
func TestSocketCloseEndsDelivery(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		source := openSocket(t, n, at)
		for range 50 {
			s, err := n.open(at)
			if err != nil {
				t.Fatal(err)
			}
			var closed atomic.Bool
			called := make(chan struct{}, 1)
			s.Serve(receiverFunc(func([]byte, netip.AddrPort, time.Time) {
				if closed.Load() {
					t.Error("called after Close")
				}
				select {
				case called <- struct{}{}:
				default:
				}
			}))
			stop := make(chan struct{})
			var flood sync.WaitGroup
			flood.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						source.WriteTo([]byte("x"), s.LocalAddr())
					}
				}
			})
			await(t, "the flood", called)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			closed.Store(true)
			again, err := n.open(s.LocalAddr())
			if err != nil {
				t.Errorf("the port is not free: %v", err)
			} else {
				await(t, "the flood at the next socket", serve(again))
				again.Close()
			}
			close(stop)
			flood.Wait()
			if err := s.WriteTo([]byte("x"), source.LocalAddr()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("sending after Close: %v", err)
			}
			if err := s.Close(); err == nil {
				t.Error("closed twice")
			}
		}
	})
}

// TestSocketWritesAsItself has sockets closed while others send from them, and opened
// with the same descriptors: no datagram may leave from a socket that is not its own.
func TestSocketWritesAsItself(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		target := openSocket(t, n, at)
		var heard atomic.Int32
		target.Serve(receiverFunc(func(b []byte, from netip.AddrPort, _ time.Time) {
			heard.Add(1)
			if port := binary.BigEndian.Uint16(b); port != from.Port() {
				t.Errorf("a datagram of port %d came from %d", port, from.Port())
			}
		}))
		var busy sync.WaitGroup
		for range 3 {
			busy.Go(func() {
				for range 15 {
					s, err := n.open(at)
					if err != nil {
						t.Error(err)
						return
					}
					var begun, sending sync.WaitGroup
					for range 2 {
						begun.Add(1)
						sending.Go(func() {
							b := binary.BigEndian.AppendUint16(nil, s.LocalAddr().Port())
							err := s.WriteTo(b, target.LocalAddr())
							begun.Done()
							for err == nil {
								err = s.WriteTo(b, target.LocalAddr())
							}
						})
					}
					begun.Wait()
					s.Close()
					sending.Wait()
				}
			})
		}
		busy.Wait()
		if heard.Load() == 0 {
			t.Error("nothing was heard")
		}
	})
}

// TestThousandsOfSockets has each send back what it hears, before and after half of
// them are closed.
func TestThousandsOfSockets(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		asker := openSocket(t, n, at)
		answers := serve(asker)
		open := make([]socket, 2000)
		for i := range open {
			s := openSocket(t, n, at)
			open[i] = s
			s.Serve(receiverFunc(func(b []byte, from netip.AddrPort, _ time.Time) { s.WriteTo(b, from) }))
		}
		ask := func() {
			t.Helper()
			for some := range slices.Chunk(open, 50) { // what fits the buffers
				awaited := make(map[netip.AddrPort]bool)
				for _, s := range some {
					awaited[s.LocalAddr()] = true
					write(t, asker, s.LocalAddr(), []byte("there?"))
				}
				for len(awaited) > 0 {
					delete(awaited, await(t, "all answers", answers).from)
				}
			}
		}
		ask()
		for _, s := range open[1000:] {
			s.Close()
		}
		open = open[:1000]
		ask()
	})
}

// TestSocketAllocatesNothing sends a datagram there and back.
func TestSocketAllocatesNothing(t *testing.T) {
	eachNetwork(t, func(t *testing.T, n network, at netip.AddrPort) {
		a, b := openSocket(t, n, at), openSocket(t, n, at)
		back := make(chan struct{}, 1)
		a.Serve(receiverFunc(func([]byte, netip.AddrPort, time.Time) { back <- struct{}{} }))
		b.Serve(receiverFunc(func(p []byte, from netip.AddrPort, _ time.Time) { b.WriteTo(p, from) }))
		packet := make([]byte, headerSize+160)
		to := b.LocalAddr()
		if allocated := testing.AllocsPerRun(500, func() {
			write(t, a, to, packet)
			<-back
		}); allocated != 0 {
			t.Errorf("%v allocations", allocated)
		}
	})
}

// TestBridgeAllocatesNothing relays over real sockets, with a tap at either end.
func TestBridgeAllocatesNothing(t *testing.T) {
	e := newTestEngine(t)
	customer, agent := newTestSession(t, e), newTestSession(t, e)
	for _, s := range []*Session{customer, agent} {
		s.AddTap(&nullTap{})
	}
	from, to := plainConn(t), plainConn(t)
	for s, conn := range map[*Session]*net.UDPConn{agent: from, customer: to} {
		port := conn.LocalAddr().(*net.UDPAddr).Port
		if err := s.Accept([]byte(strings.ReplaceAll("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio PORT RTP/AVP 8\r\n", "PORT", strconv.Itoa(port)))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	packet, heard := make([]byte, headerSize+160), make([]byte, maxDatagram)
	h := header{payloadType: payloadPCMA, ssrc: 5}
	to.SetReadDeadline(time.Now().Add(patience))
	if allocated := testing.AllocsPerRun(500, func() {
		h.put(packet)
		h.sequence++
		h.timestamp += 160
		packet[headerSize] = 0x17
		if _, err := from.WriteToUDPAddrPort(packet, agent.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		for heard[headerSize] = 0; heard[headerSize] != 0x17; { // not the clock's silence
			if _, _, err := to.ReadFromUDPAddrPort(heard); err != nil {
				t.Fatal(err)
			}
		}
	}); allocated != 0 {
		t.Errorf("%v allocations a packet", allocated)
	}
}

func plainConn(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestEngineClosesWhileSessionsOpen closes an engine that others open sessions on.
func TestEngineClosesWhileSessionsOpen(t *testing.T) {
	for range 20 {
		e, err := NewEngine(Config{Addr: loopback})
		if err != nil {
			t.Fatal(err)
		}
		var opening sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range cap(begun) {
			opening.Go(func() {
				for first := true; ; first = false {
					s, err := e.NewSession(SessionConfig{})
					if first {
						begun <- struct{}{}
					}
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
				}
			})
		}
		for range cap(begun) {
			await(t, "a session", begun)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		opening.Wait()
		if n := e.Stats().Sessions; n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	}
}
