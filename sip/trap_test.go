package sip

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// What sipgo's dialog helpers do wrong, each over a real socket with a scripted far side.
// More of it: ack_test.go, bye_test.go, cancel_test.go, stray_test.go; what the helpers
// do themselves: control_test.go.

// sipgo's WaitAnswer fails at the eleventh response.
func TestManyProvisionals(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	for i := range 30 {
		p.respond(invite, fmt.Sprintf("180 Ringing %d", i), "a", "")
		if ev := next[Progress](t, call); ev.Phrase != fmt.Sprintf("Ringing %d", i) {
			t.Fatalf("%+v", ev)
		}
	}
	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	next[Answered](t, call)
	if _, ok := p.respondAndEnd(call); !ok {
		t.Error("no BYE")
	}
}

// sipgo handles every message on a goroutine of its own: without our order a
// burst of provisionals and the 200 come mixed up.
func TestProvisionalOrder(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	for range 20 {
		call := place(t, trunk, Invite{})
		invite := p.expect("INVITE")
		const burst = 30
		for i := range burst {
			p.respond(invite, fmt.Sprintf("183 %d", i), "a", testAnswer)
		}
		p.respond(invite, "200 OK", "a", testAnswer)
		for i := range burst {
			if ev := next[Progress](t, call); ev.Phrase != fmt.Sprint(i) || string(ev.Body) != testAnswer {
				t.Fatalf("got %q in place %d", ev.Phrase, i)
			}
		}
		next[Answered](t, call)
		p.expect("ACK")
		p.respondAndEnd(call)
	}
}

// The failure that follows provisionals at once does not overtake them either.
func TestFailureOrder(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	for range 20 {
		call := place(t, trunk, Invite{})
		invite := p.expect("INVITE")
		for i := range 10 {
			p.respond(invite, fmt.Sprintf("180 %d", i), "a", "")
		}
		p.respond(invite, "480 Temporarily Unavailable", "a", "")
		p.expect("ACK")
		for i := range 10 {
			if ev := next[Progress](t, call); ev.Phrase != fmt.Sprint(i) {
				t.Fatalf("got %q in place %d", ev.Phrase, i)
			}
		}
		if f := next[Failed](t, call); f.Class != NoAnswer { // it rang
			t.Fatalf("%v", f)
		}
	}
}

// sipgo hands every response over with the transaction's lock held: one that
// nobody takes holds up the transaction, and a goroutine, for ever. Of ours nothing is
// left when a call is over, and no INVITE for 32 s.
func TestNoTransactionStaysBehind(t *testing.T) {
	for range 10 {
		trunk, p, call, _ := answered(t, TrunkConfig{}, Invite{})
		p.respondAndEnd(call)
		over(t, call)
		eventually(t, "all transactions over", func() bool { return trunk.e.wire.Stats().Open == 0 })
	}
	stacks := make([]byte, 1<<20)
	eventually(t, "all responses taken", func() bool {
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "fsmPassUp")
	})
}

func TestNoResponse(t *testing.T) {
	t.Parallel()
	trunk, _ := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	if f := next[Failed](t, call); f.Class != TrunkFailure || !errors.Is(f.Err, ErrTimeout) {
		t.Errorf("%v", f)
	}
	over(t, call)
}

// A message over sipgo's 1300 bytes goes out; one that no datagram carries fails.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	long := testOffer + "a=x:" + strings.Repeat("y", 1500) + "\r\n"
	call := place(t, trunk, Invite{Offer: []byte(long)})
	if invite := p.expect("INVITE"); invite.body != long {
		t.Errorf("body of %d bytes", len(invite.body))
	} else {
		p.respond(invite, "486 Busy Here", "a", "")
	}
	next[Failed](t, call)
	call = place(t, trunk, Invite{Offer: []byte(testOffer + strings.Repeat("y", 2*4096))})
	if f := next[Failed](t, call); f.Class != TrunkFailure || !errors.Is(f.Err, ErrTooLong) {
		t.Errorf("%v", f)
	}
}
