package wire

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/defence"
)

// sipgo keeps an entry for every address that ever sent it a datagram (trap row
// "connection pool"). Ours sees no stranger that the guard refuses, and of the others
// a bounded number at a time, while every answer leaves from the right socket.
func TestPoolOfUDPSourcesIsBounded(t *testing.T) {
	const sources, most = 150, 20
	flood := func(to netip.AddrPort, answered bool, sent func()) {
		t.Helper()
		for i := range sources {
			c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write([]byte(knock(c.LocalAddr().String(), fmt.Sprint("k", i))))
			if answered {
				_ = c.SetReadDeadline(time.Now().Add(patience))
				b := make([]byte, 2048)
				if n, err := c.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200") {
					t.Fatalf("source %d: %q, %v", i, b[:n], err)
				}
			}
			_ = c.Close()
			sent()
		}
	}

	// sipgo alone.
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	layer := sipgo.NewTransportLayer(net.DefaultResolver, sipgo.NewParser(), nil)
	seen := make(chan struct{}, sources)
	layer.OnMessage(func(sipgo.Message) { seen <- struct{}{} })
	ended := make(chan struct{})
	go func() { _ = layer.ServeUDP(socket); close(ended) }()
	flood(AddrPort(socket.LocalAddr()), false, func() { receive(t, seen, "message") })
	if n := layer.Pool("udp").Size(); n < sources/2 { // some had the same port
		t.Errorf("sipgo keeps %d entries only: our bound is no longer needed", n)
	}
	_ = socket.Close()
	<-ended

	// Ours, each reader made to serve few sources.
	l := open(t, Config{}, "udp")
	small, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	first := l.newUDPSocket(small, gone)
	first.most, first.park = most, 2*time.Second
	l.serving.Go(func() { _ = l.tpl.ServeUDP(first) })
	at := Listen{"udp", AddrPort(small.LocalAddr())}
	l.listeners = append(l.listeners, listener{Listen: at, close: func() error { close(gone); return small.Close() }})
	<-first.reading
	flood(at.Addr, true, func() {})
	eventually(t, "few entries in the pool", func() bool { return l.tpl.Pool("udp").Size() <= 2*most+4 })

	// And none at all for those who are not heard.
	guard := newTestGuard(t, func(c *defence.Config) { c.Silence = true })
	guarded := open(t, Config{Guard: guard}, "udp")
	before := guarded.tpl.Pool("udp").Size()
	var judged uint64
	flood(guarded.listeners[0].Addr, false, func() {
		judged++
		eventually(t, "every message judged", func() bool { return guard.Stats().Dropped[defence.Stranger] == judged })
	})
	if n := guarded.tpl.Pool("udp").Size(); n != before {
		t.Errorf("%d entries for strangers that were not heard", n-before)
	}
}

// A request leaves from the socket that it names, not from another one that sipgo opens.
func TestRequestLeavesFromTheListener(t *testing.T) {
	l := open(t, Config{}, "udp")
	far, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	at := l.listeners[0].Addr
	msg, err := sipgo.NewParser().ParseSIP([]byte(knock(at.String(), "leaves")))
	if err != nil {
		t.Fatal(err)
	}
	req := msg.(*sipgo.Request)
	req.SetTransport("UDP")
	req.SetDestination(far.LocalAddr().String())
	req.Laddr = sipgo.Addr{IP: at.Addr().AsSlice(), Port: int(at.Port())}
	if err := l.Send(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	_ = far.SetReadDeadline(time.Now().Add(patience))
	_, from, err := far.ReadFromUDPAddrPort(make([]byte, 2048))
	if err != nil || from != at {
		t.Errorf("from %s, %v, want %s", from, err, at)
	}
	if n := l.tpl.Pool("udp").Size(); n > 2 { // the listener, and under the peer's address
		t.Errorf("%d sockets", n)
	}
}
