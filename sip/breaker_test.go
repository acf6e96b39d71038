package sip

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var b breaker
	check := func(what string, share float64, room int) {
		t.Helper()
		if b.share(now) != share || b.room(now) != room {
			t.Errorf("%s: share %v room %d, want %v %d", what, b.share(now), b.room(now), share, room)
		}
	}
	check("new", 1, math.MaxInt)
	for range callsDown - 1 {
		b.failed(now, "503")
	}
	b.good()
	for range callsDown - 1 {
		b.failed(now, "503")
	}
	check("failures, but not enough in a row", 1, math.MaxInt)
	b.failed(now, "503 Service Unavailable")
	check("enough", 0, 0)
	if words := b.words(now); !strings.Contains(words, "5 calls in a row failed, and no calls are sent until") {
		t.Error(words)
	}
	first := b.until.Sub(now)
	if first < outFirst/2 || first > outFirst {
		t.Errorf("out for %s", first)
	}
	b.failed(now, "503") // one that was on its way
	if b.until.Sub(now) != first {
		t.Error("calls that were on their way make it longer")
	}
	now = b.until
	check("half-open", 1.0/32, 1)
	b.open++
	check("one on its way", 1.0/32, 0)
	b.open--
	b.failed(now, "503")
	check("out again after one", 0, 0)
	if again := b.until.Sub(now); again < outFirst || again > 2*outFirst {
		t.Errorf("out again for %s", again)
	}
	now = b.until
	for limit := 1; limit <= halfOpenMost; limit *= 2 {
		check("coming back", float64(limit)/32, limit)
		b.good()
	}
	check("back", 1, math.MaxInt)
	if b.words(now) != "" || b.outs != 0 {
		t.Errorf("%+v", b)
	}
	b.halfOpen() // after the pings
	check("back for the pings", 1.0/32, 1)
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f              Failure
		faulty, slower bool
	}{
		{Failure{Err: ErrTimeout, Class: TrunkFailure}, true, false},
		{Failure{Err: ErrNoRoute, Class: TrunkFailure}, true, false},
		{Failure{Status: 401, Err: ErrCredentials, Class: TrunkFailure}, true, false},
		{Failure{Status: 500, Class: TrunkFailure}, true, false},
		{Failure{Status: 503, Class: Congestion}, true, false},
		{Failure{Status: 503, Class: Congestion, RetryAfter: time.Second}, false, true},
		{Failure{Status: 503, Class: Congestion, Phrase: "CPS limit reached"}, false, true},
		{Failure{Status: 503, Class: Congestion, Q850: 34}, false, true},
		{Failure{Status: 500, Class: Busy, Q850: 17}, false, false},
		{Failure{Status: 486, Class: Busy}, false, false},
		{Failure{Status: 404, Class: InvalidNumber}, false, false},
	} {
		if faulty(c.f) != c.faulty || slowDown(c.f) != c.slower {
			t.Errorf("%v: faulty %v slower %v", c.f, faulty(c.f), slowDown(c.f))
		}
	}
}

// Calls that fail take the trunk out; it comes back call by call.
func TestCallsTakeTheTrunkOut(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	run(t, trunk)
	fail := func(status string) {
		t.Helper()
		call := place(t, trunk, Invite{})
		p.respond(p.expect("INVITE"), status, "a", "")
		p.expect("ACK")
		next[Failed](t, call)
	}
	for range callsDown {
		if s := trunk.Status(); !s.Usable || s.Share != 1 || s.Room != math.MaxInt || s.State != StateUp {
			t.Fatalf("%+v", s)
		}
		fail("500 Server Internal Error")
	}
	s := trunk.Status()
	if s.Usable || s.Share != 0 || s.Room != 0 || s.State != StateDown || time.Until(s.Until) <= 0 || !strings.Contains(s.Reason, "500 Server Internal Error") {
		t.Fatalf("%+v", s)
	}
	receive(t, trunk.Changed(), "nudge")
	trunk.update(func() { trunk.calls.until = time.Now().Add(-time.Second) })
	if s := trunk.Status(); !s.Usable || s.Room != 1 || s.State != StateUp || !strings.Contains(s.Reason, "slowly") {
		t.Fatalf("%+v", s)
	}
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	eventually(t, "no room beside the first call", func() bool { return trunk.Status().Room == 0 })
	p.respond(invite, "180 Ringing", "a", "")
	progress(t, call, 180)
	if s := trunk.Status(); s.Room != 2 { // it rings: the trunk works
		t.Fatalf("%+v", s)
	}
	p.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
	p.expect("ACK")
	for range 4 {
		fail("486 Busy Here") // the callee's fault, a good result for the trunk
	}
	if s := trunk.Status(); s.Share != 1 || s.Room != math.MaxInt || trunk.calls.open != 0 {
		t.Fatalf("%+v", s)
	}
}
