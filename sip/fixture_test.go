package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"
)

// patience bounds every wait of the tests; it is only reached when they fail.
const patience = 20 * time.Second

var loopback = netip.MustParseAddr("127.0.0.1")

const (
	testOffer  = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
	testAnswer = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n"
)

// testLog is a logger into the test's output.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// newEndpoint opens an endpoint on loopback, UDP and TCP, for the time of the test.
func newEndpoint(t *testing.T, cfg Config) *Endpoint {
	t.Helper()
	for _, transport := range []string{"udp", "tcp"} {
		cfg.Listen = append(cfg.Listen, Listen{Transport: transport, Addr: netip.AddrPortFrom(loopback, 0)})
	}
	if cfg.Logger == nil {
		cfg.Logger = testLog(t)
	}
	e, err := NewEndpoint(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = e.Close(ctx) // some tests leave calls up
	})
	return e
}

func newTrunk(t *testing.T, e *Endpoint, cfg TrunkConfig) *Trunk {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "carrier"
	}
	trunk, err := NewTrunk(e, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return trunk
}

func place(t *testing.T, trunk *Trunk, inv Invite) *Call {
	t.Helper()
	if inv.To == "" {
		inv.To = "+4930123456"
	}
	if inv.CallerID == "" {
		inv.CallerID = "+4930999"
	}
	if inv.Offer == nil {
		inv.Offer = []byte(testOffer)
	}
	if inv.RingTimeout == 0 {
		inv.RingTimeout = patience
	}
	c, err := trunk.Invite(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ring tells a caller that it rings, with a description unless that is "".
func ring(t *testing.T, in *Incoming, status int, description string) {
	t.Helper()
	var body []byte
	if description != "" {
		body = []byte(description)
	}
	if err := in.Ring(status, body); err != nil {
		t.Fatal(err)
	}
}

// accept answers a caller.
func accept(t *testing.T, in *Incoming, description string) *Call {
	t.Helper()
	call, err := in.Answer([]byte(description), nil)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// next returns the call's next event, which must be of that type.
func next[E Event](t *testing.T, c *Call) E {
	t.Helper()
	select {
	case ev, ok := <-c.Events():
		if !ok {
			t.Fatalf("events closed, want %T", *new(E))
		}
		want, ok := ev.(E)
		if !ok {
			t.Fatalf("event %T %+v, want %T", ev, ev, *new(E))
		}
		return want
	case <-time.After(patience):
		t.Fatalf("no event, want %T", *new(E))
	}
	panic("unreachable")
}

// progress returns the next Progress of that status. A 180 may come twice, when a
// slow machine made the INVITE come twice.
func progress(t *testing.T, c *Call, status int) Progress {
	t.Helper()
	for {
		if p := next[Progress](t, c); p.Status == status {
			return p
		}
	}
}

// skipTo returns the next event of that type, passing over Progress.
func skipTo[E Event](t *testing.T, c *Call) E {
	t.Helper()
	for {
		select {
		case ev, ok := <-c.Events():
			if !ok {
				t.Fatalf("events closed, want %T", *new(E))
			}
			if want, ok := ev.(E); ok {
				return want
			}
			if _, ok := ev.(Progress); !ok {
				t.Fatalf("event %T %+v, want %T", ev, ev, *new(E))
			}
		case <-time.After(patience):
			t.Fatalf("no event, want %T", *new(E))
		}
	}
}

// over waits for the end of the events.
func over(t *testing.T, c *Call) {
	t.Helper()
	select {
	case ev, ok := <-c.Events():
		if ok {
			t.Fatalf("event %T %+v after the last", ev, ev)
		}
	case <-time.After(patience):
		t.Fatal("events are not closed")
	}
}

// receive returns a value from a channel.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	panic("unreachable")
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func addrOf(t *testing.T, e *Endpoint, transport string) string {
	t.Helper()
	a, ok := e.Addr(transport)
	if !ok {
		t.Fatalf("no %s address", transport)
	}
	return a.String()
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// logTo is a logger into a channel, for tests that count lines.
func logTo(lines chan<- string) *slog.Logger {
	return slog.New(slog.NewTextHandler(writerFunc(func(b []byte) { lines <- string(b) }), nil))
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
