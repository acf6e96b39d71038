package sip

import (
	"errors"
	"testing"
)

// pair is two endpoints: calls go from the trunk to incoming.
func pair(t *testing.T, transport string) (trunk *Trunk, incoming <-chan *Incoming) {
	t.Helper()
	in := make(chan *Incoming, 1)
	carrier := newEndpoint(t, Config{Invite: func(i *Incoming) { in <- i }})
	e := newEndpoint(t, Config{})
	return newTrunk(t, e, TrunkConfig{Server: addrOf(t, carrier, transport), Transport: transport}), in
}

func TestCall(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			trunk, incoming := pair(t, transport)
			call := place(t, trunk, Invite{ID: "attempt-1", Headers: []Header{{Name: "X-Attempt", Value: "1"}}})
			in := receive(t, incoming, "INVITE")
			if in.From() != "+4930999" || in.To() != "+4930123456" || string(in.Offer()) != testOffer || in.Header("x-attempt") != "1" {
				t.Fatalf("from %q to %q offer %q", in.From(), in.To(), in.Offer())
			}
			ring(t, in, 180, "")
			if p := progress(t, call, 180); p.Body != nil {
				t.Fatalf("%+v", p)
			}
			ring(t, in, 183, testAnswer)
			if p := progress(t, call, 183); string(p.Body) != testAnswer {
				t.Fatalf("%+v", p)
			}
			callee := accept(t, in, testAnswer)
			if a := skipTo[Answered](t, call); string(a.Body) != testAnswer {
				t.Fatalf("%+v", a)
			}
			call.Hangup(CauseNormal)
			if ev := next[Ended](t, callee); ev.ByUs || ev.Q850 != 16 {
				t.Fatalf("%+v", ev)
			}
			if ev := next[Ended](t, call); !ev.ByUs || ev.Q850 != 16 {
				t.Fatalf("%+v", ev)
			}
			over(t, call)
			over(t, callee)
		})
	}
}

func TestCalleeHangsUp(t *testing.T) {
	trunk, incoming := pair(t, "udp")
	call := place(t, trunk, Invite{})
	callee := accept(t, receive(t, incoming, "INVITE"), testAnswer)
	next[Answered](t, call)
	callee.Hangup(CauseBusy)
	if ev := next[Ended](t, call); ev.ByUs || ev.Q850 != 17 {
		t.Fatalf("%+v", ev)
	}
	next[Ended](t, callee)
	over(t, call)
}

func TestReject(t *testing.T) {
	trunk, incoming := pair(t, "udp")
	call := place(t, trunk, Invite{})
	receive(t, incoming, "INVITE").Reject(486, "Busy Here", Header{Name: "Reason", Value: `Q.850;cause=17;text="busy"`})
	if ev := next[Failed](t, call); ev.Class != Busy || ev.Status != 486 || ev.Q850 != 17 || ev.Phrase != "Busy Here" {
		t.Fatalf("%+v", ev)
	}
	over(t, call)
}

func TestCancel(t *testing.T) {
	trunk, incoming := pair(t, "udp")
	call := place(t, trunk, Invite{})
	in := receive(t, incoming, "INVITE")
	ring(t, in, 180, "")
	next[Progress](t, call)
	call.Hangup(CauseNormal)
	receive(t, in.Cancelled(), "CANCEL")
	if ev := skipTo[Failed](t, call); ev.Class != Cancelled || ev.Status != 487 {
		t.Fatalf("%+v", ev)
	}
	over(t, call)
	if _, err := in.Answer([]byte(testAnswer), nil); !errors.Is(err, ErrCancelled) {
		t.Fatal(err)
	}
}
