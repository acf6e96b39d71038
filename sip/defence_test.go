package sip

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/sip/defence"
	"ringpace/sip/trace"
)

func newTestGuard(t *testing.T, change func(*defence.Config)) *defence.Guard {
	t.Helper()
	cfg := defence.Default()
	if change != nil {
		change(&cfg)
	}
	g, err := defence.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// knock is an OPTIONS of a stranger at that address.
func knock(from, callID string) string {
	return "OPTIONS sip:ringpace SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bK" + callID + ";rport\r\n" +
		"From: <sip:x@example.com>;tag=1\r\nTo: <sip:ringpace>\r\nCall-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\n" +
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
}

func TestTrunksServerIsTrustedOnceFound(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Silence, c.Burst = true, 1 })
	e := newEndpoint(t, Config{Defence: g})
	p := newPeer(t, addrOf(t, e, "udp"))
	p.send(knock(p.addr, "a"))
	eventually(t, "silence for a stranger", func() bool { return g.Stats().Dropped[defence.Stranger] == 1 })
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr})
	c := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "1", "")
	p.expect("ACK")
	skipTo[Failed](t, c)
	for i := range 5 {
		p.send(knock(p.addr, fmt.Sprint("b", i)))
		p.expect("200")
	}
}

func dialTCP(t *testing.T, e *Endpoint) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addrOf(t, e, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

// closed waits until the far side closes the connection.
func closed(t *testing.T, c net.Conn, what string) {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%s: not closed: %v", what, err)
	}
	if len(b) > 0 {
		t.Errorf("%s: answered %q", what, b)
	}
}

func TestSlowAndBrokenConnectionsAreClosed(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Whole, c.Idle = 300*time.Millisecond, 600*time.Millisecond })
	e := newEndpoint(t, Config{Defence: g})
	closed(t, dialTCP(t, e), "says nothing")

	half := dialTCP(t, e)
	_, _ = io.WriteString(half, knock("127.0.0.1:9;transport=tcp", "h")[:50])
	closed(t, half, "half a message")

	drip := dialTCP(t, e)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // a letter now and then, for ever
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for _, c := range knock("127.0.0.1:9", "d") {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			if _, err := fmt.Fprintf(drip, "%c", c); err != nil {
				return
			}
		}
	}()
	closed(t, drip, "letter by letter")
	close(stop)
	<-done

	idle := dialTCP(t, e)
	_, _ = io.WriteString(idle, strings.Replace(knock("127.0.0.1:9", "i"), "UDP", "TCP", 1))
	b := make([]byte, 2048)
	if n, err := idle.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200") {
		t.Fatalf("%q, %v", b[:n], err)
	}
	closed(t, idle, "says nothing more")
	eventually(t, "count of slow ones", func() bool { return g.Stats().Dropped[defence.Slow] == 4 })

	long := dialTCP(t, e)
	_, _ = io.WriteString(long, "INVITE sip:a@b SIP/2.0\r\n")
	for range 30 {
		if _, err := io.WriteString(long, strings.Repeat("X-Long: x\r\n", 256)); err != nil {
			break
		}
	}
	closed(t, long, "longer than any message")
	junk := dialTCP(t, e)
	_, _ = io.WriteString(junk, "GET / HTTP/1.1\r\n\r\n")
	closed(t, junk, "HTTP")
	if d := g.Stats().Dropped; d[defence.Oversize] != 1 || d[defence.Junk] != 1 {
		t.Errorf("dropped %v", d)
	}
	eventually(t, "no connection left", func() bool { return g.Stats().Connections == 0 })

	// Who has proved itself may be silent: phones register once an hour.
	g.Proved(loopback)
	phone := dialTCP(t, e)
	_, _ = io.WriteString(phone, strings.Replace(knock("127.0.0.1:9", "p"), "UDP", "TCP", 1))
	if n, err := phone.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200") {
		t.Fatalf("%q, %v", b[:n], err)
	}
	_ = phone.SetReadDeadline(time.Now().Add(time.Second))
	if _, err := phone.Read(b); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection of a phone: %v", err)
	}
}

func TestConnectionsOfOneSourceAreLimited(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Connections = 2 })
	e := newEndpoint(t, Config{Defence: g})
	a, b := dialTCP(t, e), dialTCP(t, e)
	if c, err := net.Dial("tcp", addrOf(t, e, "tcp")); err == nil { // else it was reset at once
		_ = c.SetReadDeadline(time.Now().Add(patience))
		closed(t, c, "one too many")
		_ = c.Close()
	}
	_ = a.Close()
	eventually(t, "a free place", func() bool { return g.Stats().Connections == 1 })
	for _, c := range []net.Conn{b, dialTCP(t, e)} {
		_, _ = io.WriteString(c, strings.Replace(knock("127.0.0.1:9", "c"+c.LocalAddr().String()[10:]), "UDP", "TCP", 1))
		buf := make([]byte, 2048)
		if n, err := c.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
	if n := g.Stats().Dropped[defence.Connections]; n != 1 {
		t.Errorf("%d connections refused, want 1", n)
	}
}

func TestMessagesOfAStreamAreJudged(t *testing.T) {
	g := newTestGuard(t, nil)
	e := newEndpoint(t, Config{Defence: g})
	c := dialTCP(t, e)
	good := strings.Replace(knock("127.0.0.1:9", "good"), "UDP", "TCP", 1)
	bad := strings.Replace(good, "Max-Forwards", "User-Agent: sipvicious\r\nMax-Forwards", 1)
	_, _ = io.WriteString(c, bad+good)
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil || strings.Count(string(b[:n]), "SIP/2.0 200") != 1 {
		t.Errorf("%q, %v", b[:n], err)
	}
	if n := g.Stats().Dropped[defence.Scanner]; n != 1 {
		t.Errorf("%d scanner messages dropped, want 1", n)
	}
}

// Both directions, each retransmission, datagrams and streams.
func TestTraceSeesTheWire(t *testing.T) {
	r := trace.New(trace.Config{})
	e := newEndpoint(t, Config{Trace: r})
	p := newPeer(t, addrOf(t, e, "udp"))
	p.send(knock(p.addr, "u@x"))
	p.send(knock(p.addr, "u@x"))
	p.take()
	p.take()
	c := dialTCP(t, e)
	_, _ = io.WriteString(c, strings.Replace(knock("127.0.0.1:9", "t@x"), "UDP", "TCP", 1))
	_, _ = c.Read(make([]byte, 4096))
	for id, want := range map[string]string{
		"u": "udp in OPTIONS|udp in OPTIONS|udp out SIP/2.0 200|udp out SIP/2.0 200",
		"t": "tcp in OPTIONS|tcp out SIP/2.0 200",
	} {
		var got string
		eventually(t, "messages of "+id, func() bool {
			var list []string
			for _, out := range []bool{false, true} { // the two directions may overtake each other
				for _, m := range r.Messages(id) {
					if m.Out != out {
						continue
					}
					words := strings.Fields(string(m.Data))
					line := words[0]
					if m.Out {
						line = "out " + words[0] + " " + words[1]
					} else {
						line = "in " + line
					}
					list = append(list, m.Transport+" "+line)
				}
			}
			got = strings.Join(list, "|")
			return len(list) >= strings.Count(want, "|")+1
		})
		if got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	for _, m := range r.Messages("u") {
		if m.Remote.String() != p.addr || m.Local.String() != addrOf(t, e, "udp") {
			t.Errorf("from %s to %s", m.Remote, m.Local)
		}
	}
}

// Somebody who tries one number after the other is refused each time, and soon not
// even heard.
func TestProbesLeadToABan(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Refusals = 5 })
	e := newEndpoint(t, Config{Defence: g, Invite: func(in *Incoming) { in.Reject(403, "Forbidden") }})
	p := newPeer(t, addrOf(t, e, "udp"))
	for i := range 5 {
		if _, banned := g.Banned(loopback); banned {
			t.Fatalf("banned after %d", i)
		}
		p.send(p.newRequest("INVITE", "sip:0044"+fmt.Sprint(i)+"@127.0.0.1", fmt.Sprint("probe", i), "t", "", 1,
			"Contact: <sip:x@"+p.addr+">"))
		for m := p.take(); m.kind() != "403" || m.get("Call-ID") != fmt.Sprint("probe", i); m = p.take() {
		}
	}
	if b, _ := g.Banned(loopback); b.Reason != defence.Refused {
		t.Errorf("ban %+v", b)
	}
	p.send(knock(p.addr, "after"))
	eventually(t, "silence", func() bool { return g.Stats().Dropped[defence.Banned] > 0 })
	if !g.Lift(loopback) {
		t.Error("not lifted")
	}
	p.send(knock(p.addr, "again"))
	for m := p.take(); m.kind() != "200"; m = p.take() {
	}
}

// A request that asks to be passed on, by its Request-URI or by Route, goes nowhere.
func TestNothingIsRelayed(t *testing.T) {
	e := newEndpoint(t, Config{Defence: newTestGuard(t, nil), Invite: func(in *Incoming) { in.Reject(404, "Not Found") }})
	elsewhere := newPeer(t, addrOf(t, e, "udp"))
	p := newPeer(t, addrOf(t, e, "udp"))
	for i, method := range []string{"INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "BYE", "REFER"} {
		extra := []string{"Route: <sip:" + elsewhere.addr + ";lr>", "Contact: <sip:x@" + p.addr + ">", "Refer-To: <sip:y@" + elsewhere.addr + ">"}
		p.send(p.newRequest(method, "sip:+44900@"+elsewhere.addr, fmt.Sprint("relay", i), "t", "", 1, extra...))
	}
	answered := map[string]bool{}
	for len(answered) < 7 {
		if m := p.take(); !strings.HasPrefix(m.kind(), "1") {
			answered[m.get("Call-ID")] = true
			if m.kind() == "200" && !strings.HasSuffix(m.get("CSeq"), "OPTIONS") {
				t.Errorf("%s was accepted", m.get("CSeq"))
			}
		}
	}
	select {
	case m := <-elsewhere.in:
		t.Errorf("passed on: %s", m)
	default:
	}
}

// BenchmarkDrop is the cost of a datagram that is dropped, with its way through the
// system: what 20,000 of them a second take from a core.
func BenchmarkDrop(b *testing.B) {
	cfg := defence.Default()
	g, err := defence.New(cfg, nil)
	if err != nil {
		b.Fatal(err)
	}
	g.Ban(loopback, time.Hour)
	e, err := NewEndpoint(Config{Listen: []Listen{{Transport: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}, Defence: g})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close(b.Context()) }()
	to, _ := e.Addr("udp")
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	junk := []byte(knock("198.51.100.7", "flood"))
	b.ReportAllocs()
	for i := range b.N {
		if _, err := c.Write(junk); err != nil {
			b.Fatal(err)
		}
		if i%200 != 0 {
			continue
		}
		for uint64(i)-min(uint64(i), g.Bans()[0].Drops+e.Stats().Lost) > 400 { // not faster than it reads
			time.Sleep(100 * time.Microsecond)
		}
	}
}
