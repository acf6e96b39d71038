package sip

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"ringpace/sip/registrar"
)

// newDesk returns a registrar whose users have the password pw-USER, the endpoint
// that it serves, and the way to its users.
func newDesk(t *testing.T, cfg Config) (*registrar.Registrar, *Endpoint, *Local) {
	t.Helper()
	r, err := registrar.New(registrar.Config{
		Realm: "lab", Credentials: func(user string) (string, bool) { return "pw-" + user, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	cfg.Registrar = r
	e := newEndpoint(t, cfg)
	l, err := NewLocal(e, LocalConfig{Name: "registrar", Registrar: r, Domain: "desk.example"})
	if err != nil {
		t.Fatal(err)
	}
	return r, e, l
}

// enrol registers user 100 with that Contact, and what else is to be said.
func (p *peer) enrol(contact string, extra ...string) {
	p.t.Helper()
	callID := random(4)
	build := func(seq int, extra ...string) string {
		raw := p.newRequest("REGISTER", "sip:desk.example", callID, "f", "", seq, append(extra, "Contact: "+contact)...)
		return strings.Replace(raw, "<sip:callee@", "<sip:100@", 1)
	}
	p.send(build(1, extra...))
	chal, err := digest.ParseChallenge(p.expect("401").get("WWW-Authenticate"))
	if err != nil {
		p.t.Fatal(err)
	}
	cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:desk.example", Username: "100", Password: "pw-100"})
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(build(2, append(extra, "Authorization: "+cred.String())...))
	p.expect("200")
}

// newStreamPeer is a peer on a TCP connection.
func newStreamPeer(t *testing.T, to string) (*peer, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, addr: conn.LocalAddr().String(), in: make(chan *message, 4096), seen: map[string]bool{}}
	p.writer = func(raw string) {
		if _, err := conn.Write([]byte(strings.Replace(raw, "SIP/2.0/UDP", "SIP/2.0/TCP", 1))); err != nil {
			t.Error(err)
		}
	}
	go func() {
		r := bufio.NewReader(conn)
		for {
			m, err := read(r)
			if err != nil {
				return
			}
			p.in <- m
		}
	}()
	return p, conn
}

func ring100(t *testing.T, l *Local) *Call {
	t.Helper()
	c, err := l.Invite(t.Context(), Invite{To: "100", Offer: []byte(testOffer), RingTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// All contacts of the highest q ring at once; the first that answers has the call.
func TestLocalRingsAll(t *testing.T) {
	t.Parallel()
	_, e, l := newDesk(t, Config{})
	a, b, c := newPeer(t, addrOf(t, e, "udp")), newPeer(t, addrOf(t, e, "udp")), newPeer(t, addrOf(t, e, "udp"))
	a.enrol("<sip:a@" + a.addr + ">")
	b.enrol("<sip:b@" + b.addr + ">")
	c.enrol("<sip:c@" + c.addr + ">;q=0.5")
	call := ring100(t, l)
	first, second := a.expect("INVITE"), b.expect("INVITE")
	if first.uri() != "sip:a@"+a.addr || second.uri() != "sip:b@"+b.addr || first.get("Call-ID") != second.get("Call-ID") ||
		!strings.HasPrefix(first.get("To"), "<sip:100@desk.example>") {
		t.Errorf("%s\n%s", first, second)
	}
	a.respond(first, "180 Ringing", "a", "")
	b.respond(second, "200 OK", "b", testAnswer)
	b.expect("ACK")
	a.respond(a.expect("CANCEL"), "200 OK", "", "")
	a.respond(first, "487 Request Terminated", "a", "")
	a.expect("ACK")
	skipTo[Answered](t, call)
	call.Hangup(CauseNormal)
	b.respond(b.expect("BYE"), "200 OK", "", "")
	skipTo[Ended](t, call)
	c.nothing()
}

// The contact of lower q is called when those before it cannot be.
func TestLocalGoesOn(t *testing.T) {
	t.Parallel()
	_, e, l := newDesk(t, Config{})
	a, b := newPeer(t, addrOf(t, e, "udp")), newPeer(t, addrOf(t, e, "udp"))
	a.enrol("<sip:a@" + a.addr + ">")
	b.enrol("<sip:b@" + b.addr + ">;q=0.1")
	call := ring100(t, l)
	a.respond(a.expect("INVITE"), "503 Service Unavailable", "a", "")
	b.respond(b.expect("INVITE"), "486 Busy Here", "b", "")
	if f := next[Failed](t, call); f.Class != Busy {
		t.Errorf("%v", f)
	}
}

func TestLocalNobody(t *testing.T) {
	t.Parallel()
	_, _, l := newDesk(t, Config{})
	if _, err := l.Invite(t.Context(), Invite{To: "100", RingTimeout: patience}); !errors.Is(err, ErrNotRegistered) {
		t.Error(err)
	}
}

// A phone behind a NAT names an address that leads nowhere: INVITE, ACK and BYE go
// to where its packets come from, over UDP and over its TCP connection.
func TestLocalThroughNAT(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			_, e, l := newDesk(t, Config{})
			p := newPeer(t, addrOf(t, e, "udp"))
			if transport == "tcp" {
				// Somebody else's connection is newer: sipgo files both under our address.
				p, _ = newStreamPeer(t, addrOf(t, e, "tcp"))
			}
			contact := "<sip:100@127.0.0.99:5060;transport=" + transport + ">"
			p.enrol(contact)
			if transport == "tcp" {
				other, _ := newStreamPeer(t, addrOf(t, e, "tcp"))
				other.nothing()
			}
			call := ring100(t, l)
			invite := p.expect("INVITE")
			if invite.uri() != strings.Trim(contact, "<>") {
				t.Errorf("%s", invite)
			}
			p.respond(invite, "200 OK", "a", testAnswer, "Contact: "+contact)
			p.expect("ACK")
			next[Answered](t, call)
			call.Hangup(CauseNormal)
			p.respond(p.expect("BYE"), "200 OK", "", "")
			next[Ended](t, call)
		})
	}
}

// A connection that is gone takes its contacts along (RFC 5626).
func TestLocalConnectionLost(t *testing.T) {
	t.Parallel()
	r, e, l := newDesk(t, Config{})
	p, conn := newStreamPeer(t, addrOf(t, e, "tcp"))
	p.enrol("<sip:100@127.0.0.99:5060;transport=tcp>")
	if n := len(r.Contacts("100")); n != 1 {
		t.Fatalf("%d contacts", n)
	}
	_ = conn.Close()
	eventually(t, "contact gone", func() bool { return len(r.Contacts("100")) == 0 })
	if _, err := l.Invite(t.Context(), Invite{To: "100", RingTimeout: patience}); !errors.Is(err, ErrNotRegistered) {
		t.Error(err)
	}
}

// One that names an address where it listens keeps its contact, and the next call opens a
// connection to it.
func TestLocalConnectionOpenedAnew(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r, e, l := newDesk(t, Config{})
	p, conn := newStreamPeer(t, addrOf(t, e, "tcp"))
	p.enrol("<sip:100@" + listener.Addr().String() + ";transport=tcp>")
	contacts := r.Contacts("100")
	if len(contacts) != 1 || l.Gone(contacts[0]) {
		t.Fatalf("%+v", contacts)
	}
	_ = conn.Close()
	eventually(t, "connection gone", func() bool { return l.Gone(contacts[0]) })
	if got := r.Contacts("100"); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	call := ring100(t, l)
	again, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	m, err := read(bufio.NewReader(again))
	if err != nil || m.kind() != "INVITE" || l.Gone(contacts[0]) {
		t.Errorf("%v %v", m, err)
	}
	if _, err := again.Write([]byte(strings.Replace(p.response(m, "486 Busy Here", "x", ""), "SIP/2.0/UDP", "SIP/2.0/TCP", 1))); err != nil {
		t.Error(err)
	}
	next[Failed](t, call)
}

// The proxies that the REGISTER came through become the Route (RFC 3327).
func TestLocalPath(t *testing.T) {
	t.Parallel()
	_, e, l := newDesk(t, Config{})
	proxy := newPeer(t, addrOf(t, e, "udp"))
	proxy.enrol("<sip:100@127.0.0.99:5060>", "Path: <sip:edge@"+proxy.addr+";lr>, <sip:inner.example;lr>", "Supported: path")
	call := ring100(t, l)
	invite := proxy.expect("INVITE")
	if invite.uri() != "sip:100@127.0.0.99:5060" || strings.Join(invite.all("Route"), ", ") != "<sip:edge@"+proxy.addr+";lr>, <sip:inner.example;lr>" {
		t.Errorf("%s", invite)
	}
	proxy.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
}

// A registered phone that calls is answered where its packets come from.
func TestCallOfRegisteredPhone(t *testing.T) {
	t.Parallel()
	incoming := make(chan *Incoming, 1)
	_, e, _ := newDesk(t, Config{Invite: func(in *Incoming) { incoming <- in }})
	p := newPeer(t, addrOf(t, e, "udp"))
	p.enrol("<sip:100@127.0.0.99:5060>")
	p.send(p.newRequest("INVITE", "sip:200@desk.example", "call1", "f", "", 1, "Contact: <sip:100@127.0.0.99:5060>", testOffer))
	in := receive(t, incoming, "INVITE")
	call := accept(t, in, testAnswer)
	answer := p.takeKind("200")
	p.send(p.newRequest("ACK", "sip:ringpace@"+addrOf(t, e, "udp"), "call1", "f", answer.param("To", "tag"), 1))
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}
