package sip

import (
	"fmt"
	"testing"
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

// Calls that are answered and that nobody ACKs are as many as one trunk may have; the
// next are refused until one of them is ACKed.
func TestUnACKedCallsOfATrunkAreBounded(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{Invite: func(in *Incoming) { _, _ = in.Answer([]byte(testAnswer), nil) }})
	p := newPeer(t, addrOf(t, e, "udp"))
	newTrunk(t, e, TrunkConfig{Server: p.addr})
	invite := func(i int) *message {
		id := fmt.Sprintf("c%d", i)
		p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", id, "f", "", 1, testOffer))
		for {
			if m := p.takeKinds("200", "503"); m.get("Call-ID") == id {
				return m
			}
		}
	}
	var answer *message
	for i := range maxUnproved {
		if answer = invite(i); answer.kind() != "200" {
			t.Fatalf("call %d: %s", i, answer)
		}
	}
	if m := invite(maxUnproved); m.kind() != "503" {
		t.Fatalf("one too many: %s", m)
	}
	p.send(p.ack(answer))
	i := maxUnproved
	eventually(t, "a call is taken again", func() bool { i++; return invite(i).kind() == "200" })
}
