package sip

import (
	"context"
	"errors"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// groups is a trunk whose targets are scripted peers: a number for each group, how
// many it has.
func groups(t *testing.T, policy Policy, sizes ...int) (call func(Invite) *Call, peers [][]*peer) {
	t.Helper()
	e := newEndpoint(t, Config{})
	at := addrOf(t, e, "udp")
	var places [][]target
	for _, n := range sizes {
		var group []*peer
		var targets []target
		for range n {
			p := newPeer(t, at)
			group = append(group, p)
			targets = append(targets, target{
				uri:  sipgo.Uri{Scheme: "sip", User: "callee", Host: "127.0.0.1", Port: int(mustAddr(p.addr).Port())},
				path: path{transport: "udp", local: mustAddr(at), fallback: mustAddr(p.addr)}, addr: mustAddr(p.addr),
			})
		}
		peers, places = append(peers, group), append(places, targets)
	}
	trunk := newTrunk(t, e, TrunkConfig{Server: peers[0][0].addr, Policy: policy})
	o := trunk.outlet()
	o.targets = func(context.Context, sipgo.Uri) ([][]target, error) { return places, nil }
	return func(inv Invite) *Call {
		inv.To, inv.CallerID, inv.Offer = "+4930123456", "+4930999", []byte(testOffer)
		if inv.RingTimeout == 0 {
			inv.RingTimeout = patience
		}
		c, err := e.place(t.Context(), o, inv)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}, peers
}

// The members of a group ring at once; the first 2xx wins, the others are cancelled.
func TestTargetsInParallel(t *testing.T) {
	t.Parallel()
	place, peers := groups(t, Policy{}, 3)
	a, b, c := peers[0][0], peers[0][1], peers[0][2]
	call := place(Invite{})
	first, second, third := a.expect("INVITE"), b.expect("INVITE"), c.expect("INVITE")
	if first.get("Call-ID") != second.get("Call-ID") || first.get("From") != second.get("From") || first.seq() != second.seq() {
		t.Errorf("not the same request: %s and %s", first, second)
	}
	if first.param("Via", "branch") == second.param("Via", "branch") || first.uri() == second.uri() {
		t.Errorf("not two branches: %s and %s", first, second)
	}
	a.respond(first, "180 Ringing", "a", "")
	next[Progress](t, call)
	b.respond(second, "486 Busy Here", "b", "") // is not the end of the others
	b.expect("ACK")
	a.respond(first, "183 Session Progress", "a", "")
	next[Progress](t, call)
	c.respond(third, "200 OK", "c", testAnswer)
	if ack := c.expect("ACK"); ack.uri() != "sip:peer@"+c.addr || ack.param("To", "tag") != "c" {
		t.Errorf("ACK %s", ack)
	}
	next[Answered](t, call)
	cancel := a.expect("CANCEL")
	if cancel.get("Reason") != completedElsewhere || cancel.get("Via") != first.get("Via") {
		t.Errorf("CANCEL %s", cancel)
	}
	// The loser answers all the same: its call is ended.
	a.respond(cancel, "200 OK", "a", "")
	a.respond(first, "200 OK", "a", testAnswer)
	a.expect("ACK")
	bye := a.expect("BYE")
	a.respond(bye, "200 OK", "", "")
	b.nothing()
	c.respondAndEnd(call)
}

// A loser that has not said a word yet cannot be cancelled before it does (RFC 3261
// section 9.1), and is then, even when the call is long over.
func TestSilentLoserIsCancelled(t *testing.T) {
	t.Parallel()
	place, peers := groups(t, Policy{}, 2)
	a, b := peers[0][0], peers[0][1]
	call := place(Invite{})
	first, second := a.expect("INVITE"), b.expect("INVITE")
	b.respond(second, "200 OK", "b", testAnswer)
	b.expect("ACK")
	next[Answered](t, call)
	b.respondAndEnd(call)
	over(t, call)
	a.nothing()
	a.respond(first, "180 Ringing", "a", "")
	cancel := a.expect("CANCEL")
	a.respond(cancel, "200 OK", "a", "")
	a.respond(first, "487 Request Terminated", "a", "")
	a.expect("ACK")
}

func TestNextTargets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, status string
		rings        bool
		next         bool
	}{
		{"overloaded", "503 Service Unavailable", false, true},
		{"broken", "500 Server Internal Error", false, true},
		{"silent", "", false, true},
		{"busy", "486 Busy Here", false, false},
		{"broken after ringing", "500 Server Internal Error", true, false},
		{"declined everywhere", "603 Decline", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			place, peers := groups(t, Policy{AnswerTimeout: 300 * time.Millisecond}, 1, 1)
			a, b := peers[0][0], peers[1][0]
			call := place(Invite{})
			invite := a.expect("INVITE")
			if c.rings {
				a.respond(invite, "180 Ringing", "a", "")
				next[Progress](t, call)
			}
			if c.status != "" {
				a.respond(invite, c.status, "a", "")
				a.expect("ACK")
			}
			if !c.next {
				if f := next[Failed](t, call); f.Elsewhere || f.Status == 0 {
					t.Errorf("%+v", f)
				}
				b.nothing()
				return
			}
			again := b.expect("INVITE")
			if again.get("Call-ID") != invite.get("Call-ID") || again.seq() != invite.seq()+1 {
				t.Errorf("%s after %s", again, invite)
			}
			b.respond(again, "200 OK", "b", testAnswer)
			b.expect("ACK")
			next[Answered](t, call)
			if c.status == "" {
				// The first one wakes up: its phone must not go on ringing.
				a.respond(invite, "180 Ringing", "a", "")
				a.takeKind("CANCEL")
			}
			b.respondAndEnd(call)
		})
	}
}

// A 6xx of one branch ends all (RFC 3261 section 16.7, step 5).
func TestDeclinedEverywhere(t *testing.T) {
	t.Parallel()
	place, peers := groups(t, Policy{}, 2, 1)
	a, b := peers[0][0], peers[0][1]
	call := place(Invite{})
	first, second := a.expect("INVITE"), b.expect("INVITE")
	a.respond(first, "180 Ringing", "a", "")
	next[Progress](t, call)
	b.respond(second, "600 Busy Everywhere", "b", "")
	cancel := a.expect("CANCEL")
	a.respond(cancel, "200 OK", "a", "")
	a.respond(first, "487 Request Terminated", "a", "")
	if f := next[Failed](t, call); f.Status != 600 || f.Class != Busy || f.Elsewhere {
		t.Errorf("%+v", f)
	}
	peers[1][0].nothing()
}

// What no place does better is told by the most telling failure.
func TestAllTargetsFail(t *testing.T) {
	t.Parallel()
	place, peers := groups(t, Policy{}, 2, 1)
	call := place(Invite{})
	peers[0][0].respond(peers[0][0].expect("INVITE"), "404 Not Found", "a", "")
	peers[0][1].respond(peers[0][1].expect("INVITE"), "503 Service Unavailable", "b", "", "Retry-After: 7")
	if f := next[Failed](t, call); f.Status != 404 || f.Elsewhere {
		t.Errorf("%+v", f)
	}
	peers[1][0].nothing()
}

func TestCancelledBeforeAnythingWasSent(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	p := newPeer(t, addrOf(t, e, "udp"))
	o := newTrunk(t, e, TrunkConfig{Server: p.addr}).outlet()
	o.near = false
	o.targets = func(ctx context.Context, _ sipgo.Uri) ([][]target, error) {
		<-ctx.Done() // a name service that does not answer
		return nil, ctx.Err()
	}
	call, err := e.place(t.Context(), o, Invite{To: "100", CallerID: "200", RingTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	call.Hangup(CauseNormal)
	if f := next[Failed](t, call); f.Class != Cancelled {
		t.Errorf("%+v", f)
	}
	p.nothing()
}

func TestElsewhere(t *testing.T) {
	for _, c := range []struct {
		f    Failure
		rang bool
		want bool
	}{
		{Failure{Class: Congestion, Status: 503}, false, true},
		{Failure{Class: Congestion, Status: 503}, true, false},
		{Failure{Class: TrunkFailure, Status: 403}, false, true},
		{Failure{Class: TrunkFailure, Status: 401, Err: ErrCredentials}, false, true},
		{Failure{Class: TrunkFailure, Err: ErrTimeout}, false, true},
		{Failure{Class: TrunkFailure, Err: ErrClosed}, false, false},
		{Failure{Class: InvalidNumber, Status: 404}, false, false},
		{Failure{Class: InvalidNumber, Status: 404, Q850: 3}, false, true},
		{Failure{Class: Busy, Status: 486}, false, false},
		{Failure{Class: Unreachable, Status: 302, Err: ErrRedirect}, false, false},
		{Failure{Class: TrunkFailure, Status: 606}, false, false},
	} {
		if got := elsewhere(c.f, c.rang); got != c.want {
			t.Errorf("%v, rang %t: %t", c.f, c.rang, got)
		}
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, p := range []Policy{
		{Reliable: "maybe"},
		{SessionMin: time.Second},
		{SessionExpires: time.Minute},
		{SessionExpires: 100 * time.Second, SessionMin: 2 * time.Minute},
		{Refresher: "me"},
		{Redirect: "yes"},
		{RedirectHosts: []string{"a b"}},
		{AnswerTimeout: -1},
	} {
		if _, err := NewTrunk(newEndpoint(t, Config{}), TrunkConfig{Server: "127.0.0.1", Policy: p}); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
