package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"ringpace/sip/defence"
)

// browser is the far side of a WebSocket.
type browser struct {
	t       *testing.T
	conn    net.Conn
	text    chan string   // each text frame of the server
	pong    chan string   // each pong
	closing chan struct{} // closed when the server is gone
}

func browse(t *testing.T, l *Layer) *browser {
	t.Helper()
	dialer := ws.Dialer{Protocols: []string{"sip"}}
	conn, early, shake, err := dialer.Dial(t.Context(), "ws://"+addrOf(l, "ws"))
	if err != nil || early != nil || shake.Protocol != "sip" {
		t.Fatal(shake, early, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	b := &browser{t: t, conn: conn, text: make(chan string, 16), pong: make(chan string, 16), closing: make(chan struct{})}
	go func() {
		defer close(b.closing)
		for {
			f, err := ws.ReadFrame(conn)
			if err != nil {
				return
			}
			switch f.Header.OpCode {
			case ws.OpPong:
				b.pong <- string(f.Payload)
			case ws.OpText:
				b.text <- string(f.Payload)
			}
		}
	}()
	return b
}

func (b *browser) frames(frames ...ws.Frame) {
	for _, f := range frames {
		if err := ws.WriteFrame(b.conn, ws.MaskFrame(f)); err != nil {
			b.t.Error(err)
		}
	}
}

// What sipgo's own reader falls out of step with: pings, fragments, binary frames.
func TestWebSocketFrames(t *testing.T) {
	t.Parallel()
	l := open(t, Config{}, "ws")
	b := browse(t, l)
	asked := 0
	request := func() string {
		asked++
		return strings.Replace(knock("df7jal23ls0d.invalid", fmt.Sprint("o", asked)), "UDP", "WS", 1)
	}
	answered := func() {
		t.Helper()
		if m := receive(t, b.text, "response"); !strings.HasPrefix(m, "SIP/2.0 200") || !strings.Contains(m, fmt.Sprint("Call-ID: o", asked)) {
			t.Errorf("%q", m)
		}
	}
	b.frames(ws.NewPingFrame([]byte("are you there")))
	if got := receive(t, b.pong, "pong"); got != "are you there" {
		t.Errorf("pong %q", got)
	}
	b.frames(ws.NewTextFrame([]byte(request())))
	answered()
	b.frames(ws.NewBinaryFrame([]byte(request())))
	answered()
	text := request()
	b.frames(
		ws.NewFrame(ws.OpText, false, []byte(text[:20])), ws.NewPingFrame([]byte("between")),
		ws.NewFrame(ws.OpContinuation, false, []byte(text[20:50])), ws.NewFrame(ws.OpContinuation, true, []byte(text[50:])),
	)
	answered()
	receive(t, b.pong, "pong")
	b.frames(ws.NewTextFrame([]byte("\r\n\r\n"))) // RFC 5626 section 3.5.1
	if got := receive(t, b.text, "answer"); got != "\r\n" {
		t.Errorf("answer %q", got)
	}
	b.frames(ws.NewTextFrame([]byte(request())))
	answered()
	b.frames(ws.NewFrame(ws.OpContinuation, true, []byte("of nothing")))
	receive(t, b.closing, "end after a protocol error")
	for _, f := range []ws.Frame{ws.NewTextFrame(make([]byte, maxMessage+1)), ws.NewCloseFrame(nil)} {
		b := browse(t, l)
		b.frames(f)
		receive(t, b.closing, "end")
	}
	b = browse(t, l)
	if err := wsutil.WriteServerMessage(b.conn, ws.OpText, []byte("unmasked")); err != nil {
		t.Fatal(err)
	}
	receive(t, b.closing, "end after an unmasked frame")
}

// Only pages that the configuration names may connect, and only those that speak SIP;
// who is slow holds up nobody.
func TestWebSocketOpening(t *testing.T) {
	t.Parallel()
	l := open(t, Config{Origins: []string{"https://desk.example"}}, "ws")
	slow, err := net.Dial("tcp", addrOf(l, "ws"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET / HT"); err != nil {
		t.Fatal(err)
	}
	const usual = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, c := range []struct{ headers, want string }{
		{usual + "Sec-WebSocket-Protocol: sip\r\nOrigin: https://desk.example\r\n", "101"},
		{usual + "Sec-WebSocket-Protocol: chat, SIP\r\n", "101"}, // no browser
		{usual + "Sec-WebSocket-Protocol: sip\r\nOrigin: https://evil.example\r\n", "403"},
		{usual + "Sec-WebSocket-Protocol: sip\r\nOrigin: null\r\n", "403"},
		{usual + "Sec-WebSocket-Protocol: chat\r\n", "400"},
		{usual, "400"},
		{"Sec-WebSocket-Protocol: sip\r\n", "400"},
		{usual + "Sec-WebSocket-Protocol: sip\r\n" + strings.Repeat("X-Y: z\r\n", maxShake/8), ""},
	} {
		conn, err := net.Dial("tcp", addrOf(l, "ws"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: desk\r\n"+c.headers+"\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		_ = conn.Close()
		if c.want == "" {
			if err == nil {
				t.Errorf("an endless request: %s", res.Status)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(res.Status, c.want) || c.want == "101" && res.Header.Get("Sec-WebSocket-Protocol") != "sip" {
			t.Errorf("%q: %v %v, want %s", c.headers, res, err, c.want)
		}
	}
}

// Two sources that connect and say nothing keep no browser out: each has but a few of
// the places for those that are opening a WebSocket.
func TestSilentSourcesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	g := newTestGuard(t, func(c *defence.Config) { c.Connections = 2 * shaking })
	l := open(t, Config{Guard: g}, "ws")
	const each = shaking/2 + 10
	for _, host := range []string{"127.0.0.2", "127.0.0.3"} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
		for range each {
			c, err := dialer.DialContext(t.Context(), "tcp", addrOf(l, "ws"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	}
	browse(t, l)
	if g.Stats().Dropped[defence.Connections] == 0 {
		t.Error("none was refused, or none counted")
	}
	// Their time is over, or they leave: the source may try again.
	dialer := ws.Dialer{Protocols: []string{"sip"}, NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext(ctx, network, addr)
	}}
	eventually(t, "a place for 127.0.0.2 again", func() bool {
		c, _, _, err := dialer.Dial(t.Context(), "ws://"+addrOf(l, "ws"))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}
