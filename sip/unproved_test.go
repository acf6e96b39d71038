package sip

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// A call that came in is confirmed by its ACK, and by nothing before.
func TestCallIsConfirmedByItsACK(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "c1", "f", "", 1, testOffer))
	call := accept(t, receive(t, incoming, "INVITE"), testAnswer)
	ok := p.takeKind("200")
	forged := p.newRequest("ACK", "sip:100@127.0.0.1", "c1", "f", "guessed", 1)
	p.send(forged)
	p.send(p.newRequest("OPTIONS", "sip:x@127.0.0.1", "probe", "probe", "", 1))
	for p.takeKind("200").get("Call-ID") != "probe" {
	}
	select {
	case <-call.Confirmed():
		t.Fatal("confirmed without its ACK")
	default:
	}
	p.send(p.ack(ok))
	receive(t, call.Confirmed(), "confirmation")
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}

// crowd is a trunk over which as many calls came as it may have un-ACKed.
type crowd struct {
	t       *testing.T
	e       *Endpoint
	p       *peer
	calls   chan *Call
	answers []*message
}

// crowded makes such a trunk, whose calls may lose their places after grace.
func crowded(t *testing.T, grace time.Duration) *crowd {
	t.Helper()
	c := &crowd{t: t, calls: make(chan *Call, 4*maxUnproved)}
	c.e = newEndpoint(t, Config{Invite: func(in *Incoming) {
		if call, err := in.Answer([]byte(testAnswer), nil); err == nil {
			c.calls <- call
		}
	}})
	c.p = newPeer(t, addrOf(t, c.e, "udp"))
	newTrunk(t, c.e, TrunkConfig{Server: c.p.addr}).unproved.grace = grace
	// The first is the oldest; the others come at once, so that all are there before any
	// ends for want of its ACK.
	c.answers = make([]*message, maxUnproved)
	c.answers[0] = c.invite(c.p, "c0")
	index := map[string]int{}
	for i := 1; i < maxUnproved; i++ {
		id := fmt.Sprintf("c%d", i)
		index[id] = i
		c.p.send(c.p.newRequest("INVITE", "sip:100@127.0.0.1", id, "f", "", 1, testOffer))
	}
	for len(index) > 0 {
		m := c.p.takeKinds("200", "503")
		if i, awaited := index[m.get("Call-ID")]; awaited {
			c.answers[i] = m
			delete(index, m.get("Call-ID"))
		}
	}
	for i, m := range c.answers {
		if m.kind() != "200" {
			t.Fatalf("call %d: %s", i, m)
		}
	}
	return c
}

// invite calls, and returns the answer.
func (c *crowd) invite(p *peer, id string) *message {
	c.t.Helper()
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", id, "f", "", 1, testOffer))
	for {
		if m := p.takeKinds("200", "503"); m.get("Call-ID") == id {
			return m
		}
	}
}

// Calls that are answered and that nobody ACKs are as many as one trunk may have; while
// none of them has waited for long, the next are refused until one of them is ACKed, the
// first of them not too late.
func TestUnACKedCallsOfATrunkAreBounded(t *testing.T) {
	t.Parallel()
	c := crowded(t, time.Hour)
	if m := c.invite(c.p, "next"); m.kind() != "503" {
		t.Fatalf("one too many: %s", m)
	}
	c.p.send(c.p.ack(c.answers[0]))
	receive(t, receive(t, c.calls, "call").Confirmed(), "confirmation")
	if m := c.invite(c.p, "another"); m.kind() != "200" {
		t.Fatalf("a place is free: %s", m)
	}
}

// Where an un-ACKed call has waited for long, the next takes its place: the old one ends
// as one that is never ACKed does, the next is a call like any other.
func TestUnACKedCallGivesWay(t *testing.T) {
	t.Parallel()
	c := crowded(t, 1)
	answer := c.invite(c.p, "next")
	if answer.kind() != "200" {
		t.Fatalf("the oldest does not give way: %s", answer)
	}
	if ev := next[Ended](t, receive(t, c.calls, "call")); !errors.Is(ev.Err, ErrNoACK) || !ev.ByUs {
		t.Errorf("the oldest ends with %+v", ev)
	}
	bye := c.p.takeKind("BYE")
	if bye.get("Call-ID") != "c0" {
		t.Errorf("a BYE to %s", bye.get("Call-ID"))
	}
	c.p.respond(bye, "200 OK", "", "")
	for _, honest := range []*message{c.answers[1], answer} { // slow, and at once
		c.p.send(c.p.ack(honest))
	}
	confirmed := map[string]bool{}
	for range maxUnproved {
		call := receive(t, c.calls, "call")
		if id := call.ID(); id == "c1" || id == "next" {
			receive(t, call.Confirmed(), "confirmation of "+id)
			confirmed[id] = true
		}
	}
	if len(confirmed) != 2 {
		t.Errorf("calls %v", confirmed)
	}
}

// A connection proves where a call comes from: such calls are not refused for the others'
// sake, and take no places.
func TestCallsOverConnectionsNeedNoACKToCount(t *testing.T) {
	t.Parallel()
	c := crowded(t, time.Hour)
	p, _ := newStreamPeer(t, addrOf(t, c.e, "tcp"))
	if m := c.invite(p, "tcp"); m.kind() != "200" {
		t.Fatalf("over TCP: %s", m)
	}
	c.p.send(c.p.ack(c.answers[0]))
	receive(t, receive(t, c.calls, "call").Confirmed(), "confirmation")
	if m := c.invite(c.p, "next"); m.kind() != "200" {
		t.Fatalf("the call over TCP has taken a place: %s", m)
	}
}
