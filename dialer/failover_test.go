package dialer_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
	"ringpace/sip"
)

// refuser is a carrier that answers each INVITE as it is told, by number; no status
// is silence. It counts the calls.
type refuser struct {
	endpoint *sip.Endpoint
	answer   func(in *sip.Incoming)

	mu    sync.Mutex
	calls map[string][]string // Call-IDs by number
}

func refuse(t *testing.T, answer func(in *sip.Incoming)) *refuser {
	t.Helper()
	r := &refuser{answer: answer, calls: map[string][]string{}}
	var err error
	r.endpoint, err = sip.NewEndpoint(sip.Config{
		Listen: []sip.Listen{{Transport: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Invite: func(in *sip.Incoming) {
			r.mu.Lock()
			r.calls[in.To()] = append(r.calls[in.To()], in.Header("Call-ID"))
			r.mu.Unlock()
			r.answer(in)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.endpoint.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

// seen are the Call-IDs with which a number was called.
func (r *refuser) seen(number string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[number]
}

// trunk is the refuser as a trunk that is used before the lab's carrier.
func (r *refuser) trunk(name string) string {
	addr, _ := r.endpoint.Addr("udp")
	return fmt.Sprintf("  - {name: %s, server: %q, caller_ids: [%q], calls: {answer_timeout: 500ms}, health_interval: 0, channels: 400, calls_per_second: 200}\n",
		name, addr.String(), official)
}

// later is the lab's carrier as the trunk after all others.
func (p plan) later(t *testing.T, h *house) plan {
	t.Helper()
	p.Trunk = fmt.Sprintf("server: %q\n    domain: carrier.example\n    register: true\n    username: bank\n    password: vault\n    priority: 9", h.carrier.Addr().String())
	return p
}

// buildWith makes a house whose campaign has the lab's carrier as its last resort, and
// waits until that is registered.
func buildWith(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	h.openLab(p)
	h.configure(p.later(t, h))
	h.start(p)
	h.await("the registration", h.carrier.Registered)
	return h
}

// TestFailover holds, for each way in which a first trunk may not carry a call, whether
// the call goes on over the second: only where nothing has rung and the fault is the
// trunk's.
func TestFailover(t *testing.T) {
	t.Parallel()
	reject := func(status int, phrase string) func(*sip.Incoming) {
		return func(in *sip.Incoming) { in.Reject(status, phrase) }
	}
	cases := []struct {
		name    string
		answer  func(in *sip.Incoming)
		second  bool
		outcome cdr.Outcome
		status  int // of the first trunk
	}{
		{"503", reject(503, "Service Unavailable"), true, cdr.Person, 503},
		{"500", reject(500, "Server Internal Error"), true, cdr.Person, 500},
		{"403", reject(403, "Forbidden"), true, cdr.Person, 403},
		{"ringing then 503", func(in *sip.Incoming) {
			_ = in.Ring(180, nil)
			in.Reject(503, "Service Unavailable")
		}, false, cdr.Congestion, 503},
		{"404", reject(404, "Not Found"), false, cdr.InvalidNumber, 404},
		{"486", reject(486, "Busy Here"), false, cdr.Busy, 486},
		{"480", reject(480, "Temporarily Unavailable"), false, cdr.Unreachable, 480},
		{"600", reject(600, "Busy Everywhere"), false, cdr.Busy, 600},
		{"603", reject(603, "Decline"), false, cdr.Rejected, 603},
		// The last, since it slows the trunk down and calls after it go elsewhere.
		{"rate", reject(503, "CPS limit exceeded"), true, cdr.Person, 503},
	}
	byNumber := map[string]func(*sip.Incoming){}
	for i, c := range cases {
		byNumber[number(i)] = c.answer
	}
	first := refuse(t, func(in *sip.Incoming) { byNumber[in.To()](in) })
	h := buildWith(t, plan{
		Agents: len(cases), AgentSet: "wrap_up: 0s", Trunks: first.trunk("first"), Talk: 200 * time.Millisecond,
		Campaign: "max_attempts: 1\n    trunks: [carrier, first]",
	})
	h.load(0, len(cases))
	byCallee := map[string]cdr.Record{}
	for _, r := range h.awaitRecords(len(cases)) {
		byCallee[r.Number] = r
	}
	dialed := map[string]int{}
	for _, c := range h.carrier.Calls() {
		dialed[c.Number]++
	}
	for i, c := range cases {
		r, n := byCallee[number(i)], number(i)
		if r.Outcome != c.outcome {
			t.Errorf("%s: outcome %s (%d %s), want %s", c.name, r.Outcome, r.SIPStatus, r.SIPReason, c.outcome)
		}
		if ids := first.seen(n); len(ids) != 1 || !strings.HasPrefix(ids[0], r.ID+"@") {
			t.Errorf("%s: the first trunk saw the calls %v of attempt %s", c.name, ids, r.ID)
		}
		if !c.second {
			if dialed[n] != 0 || r.Trunk != "first" || len(r.Tries) != 0 || r.SIPStatus != c.status {
				t.Errorf("%s: %d calls over the second trunk, record %+v", c.name, dialed[n], r)
			}
			continue
		}
		if dialed[n] != 1 || r.Trunk != "carrier" || r.SIPStatus != 200 || len(r.Tries) != 2 {
			t.Errorf("%s: %d calls over the second trunk, record %+v", c.name, dialed[n], r)
			continue
		}
		one, two := r.Tries[0], r.Tries[1]
		if one.Trunk != "first" || one.SIPStatus != c.status || one.SIPReason == "" || one.CallerID != official || one.Ended.Before(one.Invite) ||
			two.Trunk != "carrier" || two.SIPStatus != 200 || two.Invite.Before(one.Ended) {
			t.Errorf("%s: tries %+v", c.name, r.Tries)
		}
	}
	h.awaitFreeChannels()
}

// awaitFreeChannels holds that every channel was given back.
func (h *house) awaitFreeChannels() {
	h.t.Helper()
	h.await("free channels", func() bool {
		list, err := h.daemon.Trunks(h.t.Context())
		for _, s := range list {
			if s.ChannelsUsed != 0 {
				return false
			}
		}
		return err == nil
	})
}

// TestFailoverFromTheDead has first trunks that do not answer at all: a UDP port where
// nobody speaks, a TCP port where nobody listens. The call passes both.
func TestFailoverFromTheDead(t *testing.T) {
	t.Parallel()
	mute, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	held, err := net.Dial("tcp", closed.Addr().String()) // whose own port nobody listens on, nor can
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	_ = closed.Close()
	trunk := func(name, transport string, addr net.Addr, priority int) string {
		return fmt.Sprintf("  - {name: %s, server: %q, transport: %s, caller_ids: [%q], priority: %d, calls: {answer_timeout: 500ms}, health_interval: 0}\n",
			name, addr, transport, official, priority)
	}
	h := buildWith(t, plan{
		Agents: 1, Listen: `, "tcp://127.0.0.1:0"`, Trunks: trunk("mute", "udp", mute.LocalAddr(), 1) + trunk("closed", "tcp", held.LocalAddr(), 2),
		Campaign: "max_attempts: 1\n    trunks: [mute, closed, carrier]", Talk: 200 * time.Millisecond,
	})
	h.load(0, 1)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Person || r.Trunk != "carrier" || len(r.Tries) != 3 || r.Tries[0].Trunk != "mute" || r.Tries[1].Trunk != "closed" {
		t.Errorf("record %+v", r)
	}
	for _, try := range r.Tries[:2] {
		if try.SIPStatus != 0 || try.SIPReason == "" {
			t.Errorf("try %+v", try)
		}
	}
	if n := len(h.carrier.Calls()); n != 1 {
		t.Errorf("%d calls at the carrier", n)
	}
}

// over are the settings of the house's own trunk where a refuser is its carrier.
func (r *refuser) over() string {
	addr, _ := r.endpoint.Addr("udp")
	return fmt.Sprintf("server: %q\n    priority: 9\n    health_interval: 0", addr.String())
}

// TestFailoverEnds holds that an attempt whose trunks all fail ends in one record, with
// the last failure, and that each was tried once.
func TestFailoverEnds(t *testing.T) {
	t.Parallel()
	first := refuse(t, func(in *sip.Incoming) { in.Reject(503, "Service Unavailable") })
	last := refuse(t, func(in *sip.Incoming) { in.Reject(500, "Broken") })
	h := build(t, plan{Agents: 1, Trunk: last.over(), Trunks: first.trunk("first"), Campaign: "max_attempts: 1\n    trunks: [carrier, first]"})
	h.load(0, 1)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.TrunkFailure || r.SIPStatus != 500 || r.Trunk != "carrier" || len(r.Tries) != 2 || r.Tries[1].SIPReason != "Broken" {
		t.Errorf("record %+v", r)
	}
	one, two := first.seen(number(0)), last.seen(number(0))
	if len(one) != 1 || len(two) != 1 || one[0] == two[0] || !strings.HasPrefix(two[0], r.ID+"-2@") {
		t.Errorf("Call-IDs %v and %v of attempt %s", one, two, r.ID)
	}
	h.awaitFreeChannels()
	trace, err := h.daemon.Trace(t.Context(), r.ID)
	if text := fmt.Sprint(trace); err != nil || !strings.Contains(text, "on over trunk carrier") || !strings.Contains(text, r.ID+"-2@") {
		t.Errorf("trace %s, %v", text, err)
	}
}

// TestRetryAfter has a carrier that says 503 with Retry-After: it gets no call for that
// time, is shown as slowed and not as down, and then gets calls again.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	carrier := peers.SIPp(t, peers.Plan{Numbers: map[string]peers.Behaviour{number(0): peers.Congestion}, Default: peers.HangUp, Talk: 200 * time.Millisecond})
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Campaign: "max_attempts: 1", Trunk: fmt.Sprintf("server: %q", carrier.Addr().String()),
	})
	h.load(0, 2)
	h.await("the trunk slowed", func() bool {
		list, err := h.daemon.Trunks(t.Context())
		return err == nil && list[0].Usable && strings.Contains(list[0].SlowedBy, "503") && !list[0].SlowedUntil.IsZero()
	})
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || !strings.Contains(fmt.Sprint(x.Facts), "slowed down") {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if s, err := h.daemon.Status(t.Context()); err != nil || len(s.Alarms) != 0 {
		t.Errorf("alarms %v, %v", s.Alarms, err)
	}
	recs := h.awaitRecords(2)
	if recs[0].Outcome != cdr.Congestion || recs[1].Outcome != cdr.Person {
		t.Errorf("outcomes %s, %s", recs[0].Outcome, recs[1].Outcome)
	}
	const retryAfter = 5 * time.Second // of SIPp's scenario
	if gap := recs[1].Marks.Invite.Sub(recs[0].Marks.Invite); gap < retryAfter {
		t.Errorf("called again after %v, though told to wait %v", gap, retryAfter)
	}
	carrier.Finish(t, 2)
}

// TestKilledInFailover kills the daemon while a call rings on its second trunk. The
// attempt ends in one record, which names that trunk.
func TestKilledInFailover(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	defer close(done)
	first := refuse(t, func(in *sip.Incoming) { in.Reject(503, "Service Unavailable") })
	second := refuse(t, func(in *sip.Incoming) {
		_ = in.Ring(180, nil)
		select {
		case <-in.Cancelled():
		case <-done:
		}
	})
	p := plan{
		Agents: 1, Trunk: second.over(), Trunks: first.trunk("first"), Redis: peers.Redis(t).URL(), RingTimeout: time.Minute,
		Campaign: "max_attempts: 1\n    trunks: [carrier, first]",
	}
	h, child := toBeKilled(t, &p)
	h.await("the call over the second trunk", func() bool { return len(second.seen(number(0))) > 0 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	h.start(p)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Interrupted || r.Trunk != "carrier" || len(r.Tries) != 1 || r.Tries[0].Trunk != "first" || r.Tries[0].SIPStatus != 503 {
		t.Errorf("record %+v", r)
	}
	if n := len(first.seen(number(0))) + len(second.seen(number(0))); n != 2 {
		t.Errorf("%d INVITEs, want one over each trunk", n)
	}
}

// TestFailingTrunkIsLeftOut holds that a trunk on which call after call fails gets no
// more, and is told to be down.
func TestFailingTrunkIsLeftOut(t *testing.T) {
	t.Parallel()
	const leads = 12
	first := refuse(t, func(in *sip.Incoming) { in.Reject(500, "Broken") })
	h := buildWith(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Trunks: first.trunk("first"), Talk: 100 * time.Millisecond,
		Campaign: "max_attempts: 1\n    trunks: [carrier, first]",
	})
	h.load(0, leads)
	for _, r := range h.awaitRecords(leads) {
		if r.Outcome != cdr.Person || r.Trunk != "carrier" {
			t.Errorf("record %+v", r)
		}
	}
	n := 0
	for i := range leads {
		n += len(first.seen(number(i)))
	}
	if n == 0 || n >= leads {
		t.Errorf("%d of %d calls were tried over a trunk on which all fail", n, leads)
	}
	h.await("the alarm", func() bool { return h.alarm("trunk_down:first") })
	if h.alarm("trunks_down:test") {
		t.Error("the campaign has another trunk")
	}
}

// TestFailoverWaitsForItsTurn holds that calls which go on over another trunk keep to
// its calls per second.
func TestFailoverWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	const leads, cps = 3, 2
	first := refuse(t, func(in *sip.Incoming) { in.Reject(503, "Service Unavailable") })
	second := refuse(t, func(in *sip.Incoming) { in.Reject(486, "Busy Here") })
	slow := strings.Replace(second.trunk("second"), "calls_per_second: 200", fmt.Sprintf("calls_per_second: %d, priority: 2", cps), 1)
	h := build(t, plan{
		Agents: leads, Trunks: first.trunk("first") + slow, Campaign: "max_attempts: 1\n    trunks: [first, second]",
	})
	h.load(0, leads)
	var starts []time.Time
	for _, r := range h.awaitRecords(leads) {
		if r.Outcome != cdr.Busy || r.Trunk != "second" || len(r.Tries) != 2 {
			t.Fatalf("record %+v", r)
		}
		starts = append(starts, r.Tries[1].Invite)
	}
	slices.SortFunc(starts, time.Time.Compare)
	for i := range leads - 1 {
		if gap := starts[i+1].Sub(starts[i]); gap < time.Second/cps-100*time.Millisecond {
			t.Errorf("call %d came %v after the one before", i+1, gap)
		}
	}
}
