package sip

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"ringpace/sip/wire/wiretest"
)

// browser is a phone in a web page.
type browser struct {
	*peer
	conn    net.Conn
	ping    chan struct{} // each ping of the server
	deaf    chan struct{} // close it, and pings are not answered any more
	pong    chan string   // each pong of the server
	closing chan struct{} // closed when the server is gone
}

// browse opens a WebSocket as a page of desk.example does.
func browse(t *testing.T, e *Endpoint, transport string) *browser {
	t.Helper()
	dialer := ws.Dialer{
		Protocols: []string{"sip"}, TLSConfig: &tls.Config{InsecureSkipVerify: true},
		Header: ws.HandshakeHeaderHTTP(http.Header{"Origin": {"https://desk.example"}}),
	}
	conn, early, shake, err := dialer.Dial(t.Context(), transport+"://"+addrOf(t, e, transport))
	if err != nil || shake.Protocol != "sip" {
		t.Fatal(shake, err)
	}
	if early != nil {
		t.Fatal("the server spoke first")
	}
	t.Cleanup(func() { _ = conn.Close() })
	b := &browser{
		peer: &peer{t: t, addr: "df7jal23ls0d.invalid", in: make(chan *message, 4096), seen: map[string]bool{}},
		conn: conn, ping: make(chan struct{}, 100), pong: make(chan string, 100), deaf: make(chan struct{}), closing: make(chan struct{}),
	}
	b.writer = func(raw string) { b.frames(ws.NewTextFrame([]byte(b.said(raw)))) }
	go func() {
		defer close(b.closing)
		for {
			f, err := ws.ReadFrame(conn)
			if err != nil {
				return
			}
			switch f.Header.OpCode {
			case ws.OpPing:
				b.ping <- struct{}{}
				select {
				case <-b.deaf:
				default:
					_ = ws.WriteFrame(conn, ws.MaskFrame(ws.NewPongFrame(f.Payload)))
				}
			case ws.OpPong:
				b.pong <- string(f.Payload)
			case ws.OpText:
				if string(f.Payload) == "\r\n" {
					b.pong <- "\r\n"
					continue
				}
				m, err := read(bufio.NewReader(strings.NewReader(string(f.Payload))))
				if err != nil {
					t.Errorf("%v in %q", err, f.Payload)
					return
				}
				b.in <- m
			}
		}
	}()
	return b
}

// said is what a peer's message looks like over a WebSocket.
func (b *browser) said(raw string) string {
	raw = strings.ReplaceAll(raw, "<sip:peer@"+b.addr+">", "<sip:abc123@"+b.addr+";transport=ws>")
	return strings.Replace(raw, "SIP/2.0/UDP", "SIP/2.0/WS", 1)
}

func (b *browser) frames(frames ...ws.Frame) {
	for _, f := range frames {
		if err := ws.WriteFrame(b.conn, ws.MaskFrame(f)); err != nil {
			b.t.Error(err)
		}
	}
}

// newWebDesk is a desk that browsers connect to.
func newWebDesk(t *testing.T, cfg Config) (*Endpoint, *Local, func(user string) int) {
	t.Helper()
	cfg.CertFile, cfg.KeyFile = wiretest.NewAuthority(t, t.TempDir()).Certify(t.TempDir(), time.Hour, "desk.example")
	cfg.Origins = []string{"https://desk.example"}
	for _, transport := range []string{"ws", "wss"} {
		cfg.Listen = append(cfg.Listen, Listen{Transport: transport, Addr: netip.AddrPortFrom(loopback, 0)})
	}
	r, e, l := newDesk(t, cfg)
	return e, l, func(user string) int { return len(r.Contacts(user)) }
}

// A phone in a browser registers, is called, and calls, over ws and wss (RFC 7118
// section 8). Nothing is ever sent to the address that it names.
func TestBrowserPhone(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"ws", "wss"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			incoming := make(chan *Incoming, 1)
			e, l, _ := newWebDesk(t, Config{Invite: func(in *Incoming) { incoming <- in }})
			b := browse(t, e, transport)
			other := browse(t, e, transport) // connected last: sipgo files it under our address too
			other.nothing()
			const contact = "<sip:abc123@df7jal23ls0d.invalid;transport=ws>"
			b.enrol(contact+";reg-id=1;+sip.instance=\"<urn:uuid:1>\"", "Supported: path, outbound")

			call := ring100(t, l)
			invite := b.expect("INVITE")
			if invite.uri() != strings.Trim(contact, "<>") || !strings.HasPrefix(invite.get("Via"), "SIP/2.0/"+strings.ToUpper(transport)+" ") ||
				!strings.Contains(invite.get("Contact"), ";transport=ws>") {
				t.Errorf("%s", invite)
			}
			b.respond(invite, "180 Ringing", "a", "", "Contact: "+contact)
			b.respond(invite, "200 OK", "a", testAnswer, "Contact: "+contact)
			b.expect("ACK")
			skipTo[Answered](t, call)
			call.Hangup(CauseNormal)
			b.respond(b.expect("BYE"), "200 OK", "", "")
			next[Ended](t, call)

			b.send(b.newRequest("INVITE", "sip:200@desk.example", "call1", "f", "", 1, testOffer))
			in := receive(t, incoming, "INVITE")
			if in.Transport() != transport {
				t.Errorf("over %s", in.Transport())
			}
			second := accept(t, in, testAnswer)
			answer := b.takeKind("200")
			b.send(b.newRequest("ACK", "sip:ringpace@desk.example", "call1", "f", answer.param("To", "tag"), 1))
			second.Hangup(CauseNormal)
			b.respond(b.takeKind("BYE"), "200 OK", "", "")
			next[Ended](t, second)
			other.nothing()
		})
	}
}

// A browser that is gone without a word is noticed, and so its contact goes; while it
// is there, pings keep the way open.
func TestWebSocketKeepAlive(t *testing.T) {
	t.Parallel()
	e, l, contacts := newWebDesk(t, Config{webSocketPing: 500 * time.Millisecond})
	b := browse(t, e, "ws")
	b.enrol("<sip:abc123@df7jal23ls0d.invalid;transport=ws>")
	for range 5 {
		receive(t, b.ping, "ping")
	}
	if contacts("100") != 1 {
		t.Fatal("no contact, although the phone has answered")
	}
	close(b.deaf)
	receive(t, b.closing, "end of the connection")
	eventually(t, "contact gone", func() bool { return contacts("100") == 0 })
	if _, err := l.Invite(context.Background(), Invite{To: "100", RingTimeout: patience}); err == nil {
		t.Error("called")
	}
}
