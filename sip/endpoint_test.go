package sip

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/identity"
	"ringpace/sip/wire"
)

func TestListenErrors(t *testing.T) {
	e := newEndpoint(t, Config{})
	for _, c := range []struct {
		name   string
		listen []Listen
		want   string
	}{
		{"nothing", nil, "no address"},
		{"wildcard", []Listen{{Transport: "udp", Addr: mustAddr("0.0.0.0:0")}}, "not a wildcard"},
		{"wildcard v6", []Listen{{Transport: "tcp", Addr: mustAddr("[::]:0")}}, "not a wildcard"},
		{"transport", []Listen{{Transport: "sctp", Addr: mustAddr("127.0.0.1:0")}}, "sctp"},
		{"taken", []Listen{{Transport: "udp", Addr: mustAddr("127.0.0.1:0")}, {Transport: "udp", Addr: mustAddr(addrOf(t, e, "udp"))}}, "address already in use"},
		{"taken tcp", []Listen{{Transport: "tcp", Addr: mustAddr(addrOf(t, e, "tcp"))}}, "address already in use"},
	} {
		_, err := NewEndpoint(Config{Listen: c.listen})
		if !errors.Is(err, ErrListen) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The request leaves from the socket that Via and Contact name, not from another.
func TestSourceAddress(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{ID: "attempt-7"})
	invite := p.expect("INVITE")
	if want := "SIP/2.0/UDP " + addrOf(t, trunk.e, "udp") + ";rport;"; !strings.HasPrefix(invite.get("Via"), want) {
		t.Errorf("Via %s, want %s", invite.get("Via"), want)
	}
	if invite.get("Call-ID") != "attempt-7@127.0.0.1" {
		t.Errorf("Call-ID %s", invite.get("Call-ID"))
	}
	p.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
}

// What is not SIP is counted; one line is logged at most, and all goes on.
func TestMalformed(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	log := logTo(lines)
	e := newEndpoint(t, Config{Logger: log})
	p := newPeer(t, addrOf(t, e, "udp"))
	rubbish := []string{
		"\x00\xff\xfe", "GET / HTTP/1.1\r\n\r\n", "INVITE", "INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n",
		"SIP/2.0 999999 X\r\n\r\n", "INVITE sip:x SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n",
		"INVITE sip:x SIP/2.0\r\nContent-Length: 99\r\n\r\nshort",
		"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP " + p.addr + ";branch=z9hG4bK2\r\nCSeq: 1 BYE\r\nFrom: <sip:a>;tag=1\r\n\r\n",
	}
	for _, r := range rubbish {
		p.send(r)
	}
	eventually(t, "counted", func() bool { return e.Stats().Malformed >= uint64(len(rubbish))-1 })
	for {
		p.send(p.newRequest("OPTIONS", "sip:x", "alive", "f", "", 1))
		if m := p.take(); m.kind() == "200" {
			break
		}
	}
	if n := len(lines); n > 1 {
		t.Errorf("%d lines logged", n)
		for range n {
			t.Log(<-lines)
		}
	}

	// Over TCP the stream cannot be found again: the connection is closed, no more.
	c, err := net.Dial("tcp", addrOf(t, e, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("rubbish without end\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("connection stays open: %v", err)
	}
}

// tcpPeer is a scripted far side over TCP that accepts one connection at a time.
func newTCPPeer(t *testing.T) (p *peer, accepted <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan net.Conn, 8)
	p = &peer{t: t, addr: l.Addr().String(), in: make(chan *message, 100), seen: map[string]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
			go func() {
				r := bufio.NewReader(c)
				for {
					m, err := read(r)
					if err != nil {
						return
					}
					p.in <- m
				}
			}()
		}
	}()
	return p, conns
}

// One connection serves all calls; messages that come in pieces or together are
// told apart by Content-Length; when it breaks, the next call opens another.
func TestTCP(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	p, accepted := newTCPPeer(t)
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr, Transport: "tcp"})

	call := place(t, trunk, Invite{})
	c := receive(t, accepted, "connection")
	p.writer = func(raw string) { _, _ = c.Write([]byte(raw)) }
	invite := p.expect("INVITE")
	if !strings.Contains(invite.get("Contact"), ";transport=tcp>") || !strings.HasPrefix(invite.get("Via"), "SIP/2.0/TCP ") {
		t.Errorf("%s", invite)
	}
	both := p.response(invite, "180 Ringing", "a", "") + p.response(invite, "200 OK", "a", testAnswer, "Contact: <sip:"+p.addr+";transport=tcp>")
	p.send("\r\n\r\n" + both[:100])
	p.send(both[100:])
	p.expect("ACK")
	next[Progress](t, call)
	next[Answered](t, call)

	second := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "486 Busy Here", "b", "")
	p.expect("ACK")
	next[Failed](t, second)
	if len(accepted) != 0 {
		t.Error("a second connection")
	}

	_ = c.Close()
	eventually(t, "connection dropped", func() bool { return !e.wire.Connected("tcp", mustAddr(p.addr)) })
	call.Hangup(CauseNormal)
	c2 := receive(t, accepted, "second connection")
	p.writer = func(raw string) { _, _ = c2.Write([]byte(raw)) }
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, call)
	over(t, call)
	_ = c2.Close()
}

// Close hangs up what is answered, cancels what rings, and refuses what waits.
func TestClose(t *testing.T) {
	t.Parallel()
	in := make(chan *Incoming, 4)
	carrier := newEndpoint(t, Config{Invite: func(i *Incoming) { in <- i }})
	e := newEndpoint(t, Config{})
	trunk := newTrunk(t, e, TrunkConfig{Server: addrOf(t, carrier, "udp")})

	up := place(t, trunk, Invite{})
	far := accept(t, receive(t, in, "INVITE"), testAnswer)
	next[Answered](t, up)
	ringing := place(t, trunk, Invite{})
	waiting := receive(t, in, "INVITE")
	ring(t, waiting, 180, "")
	next[Progress](t, ringing)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Error(err)
	}
	if ev := next[Ended](t, up); !ev.ByUs || ev.Q850 != int(CauseShutdown) {
		t.Errorf("%v", ev)
	}
	if ev := next[Ended](t, far); ev.Q850 != int(CauseShutdown) {
		t.Errorf("%v", ev)
	}
	if ev := skipTo[Failed](t, ringing); ev.Class != Cancelled {
		t.Errorf("%v", ev)
	}
	receive(t, waiting.Cancelled(), "CANCEL")
	if _, err := trunk.Invite(t.Context(), Invite{To: "1", CallerID: "2", RingTimeout: time.Second}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := e.Close(ctx); err != nil {
		t.Error("second Close:", err)
	}
	// The carrier with a waiting INVITE refuses it.
	other := newEndpoint(t, Config{})
	call := place(t, newTrunk(t, other, TrunkConfig{Server: addrOf(t, carrier, "udp")}), Invite{})
	receive(t, in, "INVITE")
	if err := carrier.Close(ctx); err != nil {
		t.Error(err)
	}
	if f := next[Failed](t, call); f.Class != Congestion || f.Status != 503 {
		t.Errorf("%v", f)
	}
}

// With a far side that never answers, Close gives up when its time is over.
func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "180 Ringing", "a", "")
	next[Progress](t, call)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := trunk.e.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	next[Failed](t, call)
	over(t, call)
}

func TestInviteContext(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	call, err := trunk.Invite(ctx, Invite{To: "100", CallerID: "200", RingTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	cancel()
	p.respond(p.expect("CANCEL"), "200 OK", "", "")
	p.respond(invite, "487 Request Terminated", "a", "")
	if f := next[Failed](t, call); f.Class != Cancelled {
		t.Errorf("%v", f)
	}
}

// Events that nobody reads never hold up the call.
func TestUnreadEvents(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	for range 3 * eventBuffer {
		p.respond(invite, "180 Ringing", "a", "")
	}
	for acked := false; !acked; { // the flood may have cost the 200
		p.respond(invite, "200 OK", "a", testAnswer)
		select {
		case m := <-p.in:
			acked = m.kind() == "ACK"
		case <-time.After(200 * time.Millisecond):
		}
	}
	p.send(p.inside(invite, "a", "BYE", 1))
	p.expectSkipping("200", "ACK")
	skipTo[Answered](t, call)
	next[Ended](t, call)
	over(t, call)
}

func TestConfigErrors(t *testing.T) {
	e := newEndpoint(t, Config{})
	for _, c := range []struct {
		cfg  TrunkConfig
		want string
	}{
		{TrunkConfig{Server: ""}, "server"},
		{TrunkConfig{Server: "a b"}, "server"},
		{TrunkConfig{Server: "host:99999"}, "port"},
		{TrunkConfig{Server: "x\r\nEvil: 1"}, "server"},
		{TrunkConfig{Server: "h", Transport: "sctp"}, "sctp"},
		{TrunkConfig{Server: "h", Transport: "tls", TLS: TrunkTLS{CAFile: "/nowhere"}}, "CA file"},
		{TrunkConfig{Server: "h", Transport: "tls", TLS: TrunkTLS{CAFile: "/etc/hosts"}}, "no certificate"},
		{TrunkConfig{Server: "h", Transport: "tls", TLS: TrunkTLS{CertFile: "x"}}, "key"},
		{TrunkConfig{Server: "h", Transport: "tls", TLS: TrunkTLS{CertFile: "/nowhere", KeyFile: "/nowhere"}}, "client certificate"},
		{TrunkConfig{Server: "h", Transport: "tls", TLS: TrunkTLS{ServerName: "a b"}}, "server name"},
		{TrunkConfig{Server: "h", OutboundProxy: "a b"}, "outbound proxy"},
		{TrunkConfig{Server: "h", Domain: "d;x"}, "domain"},
		{TrunkConfig{Server: "h", Register: true}, "username"},
		{TrunkConfig{Server: "h", Username: "a@b"}, "username"},
		{TrunkConfig{Server: "h", Expires: time.Second}, "expiry"},
		{TrunkConfig{Server: "h", HealthInterval: time.Millisecond}, "health"},
		{TrunkConfig{Server: "h", Identity: Identity{CallerIDs: []string{"030"}}}, "E.164"},
		{TrunkConfig{Server: "h", Identity: Identity{Format: "x"}}, "format"},
		{TrunkConfig{Server: "h", Identity: Identity{Format: identity.FormatNational}}, "country code"},
		{TrunkConfig{Server: "h", Identity: Identity{Format: identity.FormatNational, CountryCode: "49", CallerIDs: []string{"+441"}}}, "national"},
		{TrunkConfig{Server: "h", Identity: Identity{Privacy: "full"}}, "privacy"},
		{TrunkConfig{Server: "h", Identity: Identity{Privacy: "id;"}}, "privacy"},
		{TrunkConfig{Server: "h", Identity: Identity{From: "me"}}, "from"},
		{TrunkConfig{Server: "h", Identity: Identity{From: identity.FromAccount}}, "username"},
		{TrunkConfig{Server: "h", Identity: Identity{Diversion: "+4930"}}, "diversion"},
		{TrunkConfig{Server: "h", Identity: Identity{TelURI: true, Format: identity.FormatPlain}}, "tel"},
		{TrunkConfig{Server: "h", Identity: Identity{DisplayName: "a\r\nb"}}, "display"},
	} {
		if _, err := NewTrunk(e, c.cfg); !errors.Is(err, ErrConfig) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

// FuzzReceive feeds the code that sees every message with whatever sipgo parses.
func FuzzReceive(f *testing.F) {
	p := &peer{addr: "192.0.2.1:5060"}
	f.Add([]byte(p.newRequest("INVITE", "sip:1@x", "c", "f", "", 1, "Require: 100rel", testOffer)))
	f.Add([]byte(p.newRequest("BYE", "sip:1@x", "c", "f", "t", 1, `Reason: Q.850;cause=16;text="x"`)))
	invite := parseMessage(p.newRequest("INVITE", "sip:1@x", "c", "f", "", 1))
	f.Add([]byte(p.response(invite, "200 OK", "a", testAnswer, "Record-Route: <sip:a;lr>, <sip:b>")))
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nTo: <sip:x> ; tag = y\r\nVia: SIP/2.0/UDP x\r\n\r\n"))
	e := &Endpoint{calls: map[dialogKey]*Call{}, userAgent: "x", wire: &wire.Layer{}}
	path := path{transport: "udp", local: netip.MustParseAddrPort("127.0.0.1:5060")}
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, err := sipgo.NewParser().ParseSIP(data)
		if err != nil {
			return
		}
		msg.SetSource("192.0.2.1:5060")
		e.receive(msg)
		_, _ = session(msg)
		reasons(msg)
		switch msg := msg.(type) {
		case *sipgo.Request:
			if incomplete(msg) == "" {
				_ = e.opensDialog(msg)
				if d, err := e.newUASDialog(msg, sipgo.Uri{Scheme: "sip", Host: "x"}, path); err == nil {
					_ = d.request(e, sipgo.BYE, d.nextSeq()).String()
				}
				_ = e.options(msg, &e.policy).String()
			}
		case *sipgo.Response:
			if msg.CSeq() == nil || msg.CallID() == nil || msg.From() == nil {
				return
			}
			invite := sipgo.NewRequest(sipgo.INVITE, sipgo.Uri{Scheme: "sip", Host: "x"})
			for _, h := range []string{"From", "To", "Call-ID", "CSeq"} {
				sipgo.CopyHeaders(h, msg, invite)
			}
			if d, err := e.newUACDialog(invite, msg, path); err == nil {
				_ = d.newACK(e, invite, nil).String()
			}
		}
	})
}

// The whole way over IPv6.
func TestIPv6(t *testing.T) {
	t.Parallel()
	in := make(chan *Incoming, 1)
	listen := func(cfg Config) *Endpoint {
		cfg.Listen = []Listen{{Transport: "udp", Addr: mustAddr("[::1]:0")}}
		return newEndpoint(t, cfg)
	}
	carrier := listen(Config{Invite: func(i *Incoming) { in <- i }})
	trunk := newTrunk(t, listen(Config{}), TrunkConfig{Server: addrOf(t, carrier, "udp")})
	call := place(t, trunk, Invite{})
	up := accept(t, receive(t, in, "INVITE"), testAnswer)
	next[Answered](t, call)
	call.Hangup(CauseNormal)
	next[Ended](t, up)
	over(t, up)
}

// A Contact that asks for TCP gets its requests over TCP, one that cannot be
// reached gets them where its messages come from.
func TestNextHop(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	tcp, accepted := newTCPPeer(t)
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "200 OK", "a", testAnswer, "Contact: <sip:x@"+tcp.addr+";transport=tcp>")
	c := receive(t, accepted, "connection")
	tcp.writer = func(raw string) { _, _ = c.Write([]byte(raw)) }
	if ack := tcp.expect("ACK"); !strings.HasPrefix(ack.get("Via"), "SIP/2.0/TCP ") {
		t.Errorf("%s", ack)
	}
	next[Answered](t, call)
	tcp.respondAndEnd(call)
	_ = c.Close()

	call = place(t, trunk, Invite{})
	invite = p.expect("INVITE")
	p.respond(invite, "200 OK", "b", testAnswer, "Contact: <sip:x@no-such-host.invalid>")
	p.expect("ACK")
	next[Answered](t, call)
	p.respondAndEnd(call)
}
