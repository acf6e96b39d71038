package dialer_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
	"ringpace/pacing/ledger"
)

// line is the way to a carrier by UDP, which can be cut: requests are then answered by 503.
// Within a call its two sides find each other without it.
type line struct {
	addr netip.AddrPort // instead of the carrier's
	down atomic.Bool
}

func newLine(t *testing.T, carrier netip.AddrPort) *line {
	t.Helper()
	near, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(carrier))
	if err != nil {
		t.Fatal(err)
	}
	l := &line{addr: near.LocalAddr().(*net.UDPAddr).AddrPort()}
	var caller atomic.Pointer[netip.AddrPort] // the one that there is
	var running sync.WaitGroup
	carry := func(read func([]byte) (int, error), write func([]byte)) {
		running.Go(func() {
			for b := make([]byte, 1<<16); ; {
				n, err := read(b)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err == nil {
					write(b[:n])
				}
			}
		})
	}
	carry(func(b []byte) (int, error) {
		n, from, err := near.ReadFromUDPAddrPort(b)
		if err == nil {
			caller.Store(&from)
		}
		return n, err
	}, func(b []byte) {
		if !l.down.Load() {
			_, _ = far.Write(b)
		} else if no := unavailable(string(b)); no != "" {
			_, _ = near.WriteToUDPAddrPort([]byte(no), *caller.Load())
		}
	})
	carry(far.Read, func(b []byte) {
		if at := caller.Load(); at != nil {
			_, _ = near.WriteToUDPAddrPort(b, *at)
		}
	})
	t.Cleanup(func() {
		_, _ = near.Close(), far.Close()
		running.Wait()
	})
	return l
}

// unavailable is what answers a request where there is no service; "" for an ACK.
func unavailable(request string) string {
	if strings.HasPrefix(request, "ACK ") {
		return ""
	}
	answer := "SIP/2.0 503 Service Unavailable\r\n"
	head, _, _ := strings.Cut(request, "\r\n\r\n")
	for _, field := range strings.Split(head, "\r\n")[1:] {
		switch name, _, _ := strings.Cut(field, ":"); name {
		case "Via", "From", "To", "Call-ID", "CSeq":
			answer += field + "\r\n"
		}
	}
	return answer + "Content-Length: 0\r\n\r\n"
}

// spend has a campaign's counts begin with so many who answered, of whom so many were
// abandoned. The campaign is not dialed yet.
func spend(t *testing.T, s *store.Store, answered, abandoned int) {
	t.Helper()
	var entries []ledger.Entry
	for i := range answered {
		e := ledger.Entry{Campaign: "test", Attempt: ulid.Make().String(), Verdict: ledger.Reached}
		if i < abandoned {
			e.Verdict = ledger.Abandoned
		}
		entries = append(entries, e)
	}
	for _, err := range s.Ledger().Settle(t.Context(), entries...) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestOutages has Redis and then the only trunk go and come back in mode predictive, with
// more abandoned than the ceiling bears from the start: nothing is dialed meanwhile, which
// the explanation says, calls go on, and afterwards dialing goes on by itself, with the
// credit known and binding as before.
func TestOutages(t *testing.T) {
	t.Parallel()
	const answered, abandoned = 200, 8
	redis := peers.Redis(t)
	p := plan{
		Agents: 2, AgentSet: "wrap_up: 0s", Redis: redis.URL(), Behave: func(string) lab.Behaviour { return lab.Person },
		Campaign: "mode: predictive\n    max_attempts: 100\n    max_attempts_per_day: 100",
	}
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	h.openLab(p)
	way := newLine(t, h.carrier.Addr())
	p.Trunk = fmt.Sprintf("server: %q\n    domain: carrier.example\n    register: true\n    username: bank\n    password: vault\n    health_interval: 1s", way.addr.String())
	h.configure(p)
	books, err := store.Open(t.Context(), store.Config{URL: redis.URL(), Node: "books", JournalDir: t.TempDir(), Timeout: patience, Campaign: dialer.Windows(h.cfg)})
	if err != nil {
		t.Fatal(err)
	}
	spend(t, books, answered, abandoned)
	if err := books.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.start(p)
	h.load(0, 40)

	talking := func(id string) func() bool { return func() bool { return h.state(id) == api.AgentTalking } }
	// Both agents talk, more leads wait, and every call so far is in the counts.
	bound := func(calls int) {
		t.Helper()
		h.await("the first agent's call", talking("a1001"))
		h.await("the second agent's call", talking("a1002"))
		h.await("the credit to bind", func() bool {
			x := h.explain()
			p := x.Decision.Predictive
			return x.Limit == "credit" && strings.Contains(x.Summary, "The credit binds") && p != nil && p.Credit < 0 && len(p.Windows) == 2 &&
				p.Windows[1].Answered == answered+calls && p.Windows[1].Abandoned == abandoned
		})
		if n := h.carrier.Report().Calls; n != calls {
			t.Errorf("%d calls, want %d: one for each agent who was free", n, calls)
		}
	}
	hangUp := func(id string) {
		t.Helper()
		if _, err := h.daemon.Hangup(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	stopped := func(why string) func() bool {
		return func() bool {
			x := h.explain()
			return x.Limit == "stopped" && x.Decision.Dial == 0 && strings.Contains(x.Summary, why)
		}
	}
	bound(2)

	redis.Kill()
	h.await("the alarm", func() bool { return h.alarm("redis_down") })
	h.await("the reason", stopped("Redis is away"))
	hangUp("a1001")
	h.awaitAgent("a1001", api.AgentReady)
	if n := h.carrier.Report().Calls; n != 2 || h.state("a1002") != api.AgentTalking {
		t.Errorf("%d calls without Redis, want the two before; the second agent is %s", n, h.state("a1002"))
	}
	redis.Start(t)
	bound(3)

	way.down.Store(true)
	h.await("the alarm of the trunk", func() bool { return h.alarm("trunks_down:test") })
	h.await("the reason", stopped("carrier"))
	hangUp("a1002")
	h.awaitAgent("a1002", api.AgentReady)
	h.await("the reason", stopped("carrier"))
	if s := h.state("a1001"); s != api.AgentTalking {
		t.Errorf("the first agent is %s", s)
	}
	way.down.Store(false)
	bound(4)

	hangUp("a1001")
	h.await("the records of calls that have ended", func() bool { return len(h.records()) >= 3 })
	for _, r := range h.records() {
		if r.Outcome == cdr.Abandoned {
			t.Errorf("%s was abandoned", r.Number)
		}
	}
}
