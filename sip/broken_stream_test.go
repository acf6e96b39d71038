package sip

import (
	"bufio"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// streamServer is a server over TCP that accepts one connection after the other.
type streamServer struct {
	net.Listener
	t *testing.T
}

// newStreamServer listens, with a receive buffer of that many bytes (0: the usual).
func newStreamServer(t *testing.T, buffer int) *streamServer {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		if buffer == 0 {
			return nil
		}
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer) })
	}}
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &streamServer{l, t}
}

// streamPeer is the server's side of one connection.
type streamPeer struct {
	*peer
	conn net.Conn
	in   *bufio.Reader
}

// accept waits for the next connection.
func (s *streamServer) accept() *streamPeer {
	s.t.Helper()
	p, err := s.acceptWithin(patience)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// acceptWithin waits that long for the next connection.
func (s *streamServer) acceptWithin(d time.Duration) (*streamPeer, error) {
	_ = s.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(d))
	c, err := s.Accept()
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { _ = c.Close() })
	p := &streamPeer{&peer{t: s.t, addr: s.Addr().String()}, c, bufio.NewReader(c)}
	p.writer = func(raw string) { _, _ = c.Write([]byte(raw)) }
	return p, nil
}

// next is the next message of that method.
func (p *streamPeer) next(method string) *message {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		m, err := read(p.in)
		if err != nil {
			p.t.Fatalf("no %s: %v", method, err)
		}
		if m.kind() == method {
			return m
		}
	}
}

// A connection that breaks before there was any response is told to the call, which may
// be tried elsewhere; nobody waits for timer B.
func TestConnectionBreaksBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	s := newStreamServer(t, 0)
	trunk := newTrunk(t, newEndpoint(t, Config{}), TrunkConfig{Server: s.Addr().String(), Transport: "tcp", Policy: Policy{AnswerTimeout: time.Hour}})
	call := place(t, trunk, Invite{RingTimeout: time.Hour})
	p := s.accept()
	p.next("INVITE")
	_ = p.conn.Close()
	if f := next[Failed](t, call); !f.Elsewhere || f.Class != TrunkFailure {
		t.Errorf("%+v", f)
	}
}

// One that breaks while it rings leaves the call up: the answer may come by another
// (RFC 3261 section 18.2.2).
func TestConnectionBreaksWhileItRings(t *testing.T) {
	t.Parallel()
	s := newStreamServer(t, 0)
	e := newEndpoint(t, Config{})
	trunk := newTrunk(t, e, TrunkConfig{Server: s.Addr().String(), Transport: "tcp"})
	call := place(t, trunk, Invite{})
	p := s.accept()
	invite := p.next("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	_ = p.conn.Close()
	c, err := net.Dial("tcp", addrOf(t, e, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte(p.response(invite, "486 Busy Here", "a", "")))
	if f := next[Failed](t, call); f.Status != 486 {
		t.Errorf("%+v", f)
	}
}

// A BYE whose connection breaks unanswered comes again by another one: else the far
// side's call stays up.
func TestConnectionBreaksUnderBYE(t *testing.T) {
	t.Parallel()
	s := newStreamServer(t, 0)
	trunk := newTrunk(t, newEndpoint(t, Config{}), TrunkConfig{Server: s.Addr().String(), Transport: "tcp"})
	call := place(t, trunk, Invite{})
	p := s.accept()
	p.respond(p.next("INVITE"), "200 OK", "a", testAnswer, "Contact: <sip:peer@"+p.addr+";transport=tcp>")
	next[Answered](t, call)
	call.Hangup(CauseNormal)
	first := p.next("BYE")
	_ = p.conn.Close()
	p = s.accept()
	again := p.next("BYE")
	if again.seq() <= first.seq() || again.get("Call-ID") != first.get("Call-ID") {
		t.Errorf("%s after %s", again, first)
	}
	p.respond(again, "200 OK", "a", "")
	next[Ended](t, call)
	over(t, call)
}

// A peer that does not read holds up neither what it sends nor the end of calls; its
// connection is given up, and nothing is ever sent behind half a message.
func TestPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := newStreamServer(t, 8192)
	trunk := newTrunk(t, newEndpoint(t, Config{}), TrunkConfig{Server: s.Addr().String(), Transport: "tcp"})
	busy, rings := place(t, trunk, Invite{ID: "busy"}), place(t, trunk, Invite{ID: "rings"})
	p := s.accept()
	invites := map[string]*message{}
	for range 2 {
		m := p.next("INVITE")
		p.respond(m, "100 Trying", "", "")
		id, _, _ := strings.Cut(m.get("Call-ID"), "@")
		invites[id] = m
	}
	long := testOffer + strings.Repeat("a=x:"+strings.Repeat("y", 90)+"\r\n", 600)
	var stuck []*Call
	for range 150 {
		stuck = append(stuck, place(t, trunk, Invite{Offer: []byte(long), RingTimeout: time.Second}))
	}
	p.respond(invites["busy"], "486 Busy Here", "a", "")
	next[Failed](t, busy)
	p.respond(invites["rings"], "180 Ringing", "b", "")
	next[Progress](t, rings)
	for _, call := range stuck {
		next[Failed](t, call)
	}
	// The next calls go the same way until the connection is given up.
	var again *streamPeer
	for deadline := time.Now().Add(patience); again == nil; {
		call := place(t, trunk, Invite{})
		defer call.Hangup(CauseNormal)
		fresh, err := s.acceptWithin(time.Second)
		if err != nil && time.Now().After(deadline) {
			t.Fatal("the connection is still in use: ", err)
		}
		again = fresh
	}
	again.next("INVITE")
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		m, err := read(p.in)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the connection never ends")
		} else if err != nil {
			break // the end of the connection, which may be amid a message
		}
		if kind := m.kind(); kind != "INVITE" && kind != "ACK" && kind != "CANCEL" {
			t.Fatalf("garbage: %.100q", m.start)
		}
	}
}
