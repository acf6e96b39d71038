package wire

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// patience bounds every wait of the tests; it is only reached when they fail.
const patience = 20 * time.Second

var loopback = netip.MustParseAddr("127.0.0.1")

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// open opens a layer on loopback for the time of the test. It answers 200 to every
// request, unless the configuration says otherwise.
func open(t testing.TB, cfg Config, transports ...string) *Layer {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = testLog(t)
	}
	if cfg.Received == nil {
		cfg.Received = func(sipgo.Message) {}
	}
	if cfg.Requested == nil {
		cfg.Requested = func(req *sipgo.Request, tx *sipgo.ServerTx) {
			_ = tx.Respond(sipgo.NewResponseFromRequest(req, 200, "OK", nil))
		}
	}
	if cfg.Closed == nil {
		cfg.Closed = func(string, netip.AddrPort) {}
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listen := make([]Listen, len(transports))
	for i, transport := range transports {
		listen[i] = Listen{transport, netip.AddrPortFrom(loopback, 0)}
	}
	if err := l.Open(listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.EndTransactions()
		_ = l.Close()
	})
	return l
}

// addrOf is the address of a listener.
func addrOf(l *Layer, transport string) string {
	for _, at := range l.listeners {
		if at.Transport == transport {
			return at.Addr.String()
		}
	}
	return ""
}

// knock is an OPTIONS from that address.
func knock(from, callID string) string {
	return "OPTIONS sip:ringpace SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bK" + callID + ";rport\r\n" +
		"From: <sip:x@example.com>;tag=1\r\nTo: <sip:ringpace>\r\nCall-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\n" +
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
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

// logTo is a logger into a channel, for tests that count lines.
func logTo(lines chan<- string) *slog.Logger {
	return slog.New(slog.NewTextHandler(writerFunc(func(b []byte) { lines <- string(b) }), nil))
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
