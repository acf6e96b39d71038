package wire

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ringpace/sip/defence"
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

func dialTCP(t *testing.T, l *Layer) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addrOf(l, "tcp"))
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
	l := open(t, Config{Guard: g}, "udp", "tcp")
	closed(t, dialTCP(t, l), "says nothing")

	half := dialTCP(t, l)
	_, _ = io.WriteString(half, knock("127.0.0.1:9;transport=tcp", "h")[:50])
	closed(t, half, "half a message")

	drip := dialTCP(t, l)
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

	idle := dialTCP(t, l)
	_, _ = io.WriteString(idle, strings.Replace(knock("127.0.0.1:9", "i"), "UDP", "TCP", 1))
	b := make([]byte, 2048)
	if n, err := idle.Read(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200") {
		t.Fatalf("%q, %v", b[:n], err)
	}
	closed(t, idle, "says nothing more")
	eventually(t, "count of slow ones", func() bool { return g.Stats().Dropped[defence.Slow] == 4 })

	long := dialTCP(t, l)
	_, _ = io.WriteString(long, "INVITE sip:a@b SIP/2.0\r\n")
	for range 30 {
		if _, err := io.WriteString(long, strings.Repeat("X-Long: x\r\n", 256)); err != nil {
			break
		}
	}
	closed(t, long, "longer than any message")
	junk := dialTCP(t, l)
	_, _ = io.WriteString(junk, "GET / HTTP/1.1\r\n\r\n")
	closed(t, junk, "HTTP")
	if d := g.Stats().Dropped; d[defence.Oversize] != 1 || d[defence.Junk] != 1 {
		t.Errorf("dropped %v", d)
	}
	eventually(t, "no connection left", func() bool { return g.Stats().Connections == 0 })

	// Who has proved itself may be silent: phones register once an hour.
	g.Proved(loopback)
	phone := dialTCP(t, l)
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
	l := open(t, Config{Guard: g}, "udp", "tcp")
	a, b := dialTCP(t, l), dialTCP(t, l)
	if c, err := net.Dial("tcp", addrOf(l, "tcp")); err == nil { // else it was reset at once
		_ = c.SetReadDeadline(time.Now().Add(patience))
		closed(t, c, "one too many")
		_ = c.Close()
	}
	_ = a.Close()
	eventually(t, "a free place", func() bool { return g.Stats().Connections == 1 })
	for _, c := range []net.Conn{b, dialTCP(t, l)} {
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
	l := open(t, Config{Guard: g}, "udp", "tcp")
	c := dialTCP(t, l)
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
