package sip

import (
	"fmt"
	"strings"
	"testing"
)

func TestRetransmittedAnswer(t *testing.T) {
	t.Parallel()
	trunk, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	for range 3 {
		p.respond(invite, "200 OK", "a", testAnswer)
		if m := p.takeKind("ACK"); m.seq() != invite.seq() || m.param("To", "tag") != "a" {
			t.Fatalf("got %s", m)
		}
	}
	if s := trunk.e.Stats(); s.Retransmitted != 3 || s.Strays != 0 || s.CallsUp != 1 {
		t.Errorf("%+v", s)
	}
	call.Hangup(CauseNormal)
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}

// ACK carries the INVITE's CSeq number and the route set, not the PRACK's.
func TestACKAfterPRACK(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	routes := "Record-Route: <sip:10.255.0.1;lr;n=1>, <sip:" + p.addr + ";lr;n=2>"
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 501", routes)
	prack := p.expect("PRACK")
	if prack.get("RAck") != fmt.Sprintf("501 %d INVITE", invite.seq()) || prack.seq() != invite.seq()+1 {
		t.Fatalf("PRACK %s", prack)
	}
	p.respond(prack, "200 OK", "", "")
	next[Progress](t, call)
	// The same again, as if the PRACK had been lost, and one out of order: neither counts.
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 501", routes)
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 503", routes)
	p.respond(invite, "180 Ringing", "a", "", "Require: 100rel", "RSeq: 502", routes)
	prack = p.expect("PRACK")
	p.respond(prack, "200 OK", "", "")
	if ev := next[Progress](t, call); ev.Status != 180 {
		t.Fatalf("%+v", ev)
	}

	first, second := "<sip:10.255.0.1;lr;n=1>", "<sip:"+p.addr+";lr;n=2>"
	// The last hop of the response's list is our first: make it the peer.
	routes = "Record-Route: " + first + "\r\nRecord-Route: " + second
	p.respond(invite, "200 OK", "a", testAnswer, routes, "Contact: <sip:callee@192.0.2.7:5090;x=y>")
	ack := p.expect("ACK")
	if ack.seq() != invite.seq() || !strings.HasSuffix(ack.get("CSeq"), "ACK") {
		t.Errorf("ACK has CSeq %q, INVITE %d", ack.get("CSeq"), invite.seq())
	}
	if got := ack.all("Route"); len(got) != 2 || got[0] != second || got[1] != first {
		t.Errorf("ACK routes %q", got)
	}
	if ack.uri() != "sip:callee@192.0.2.7:5090;x=y" {
		t.Errorf("ACK to %s", ack.uri())
	}
	if ack.param("Via", "branch") == invite.param("Via", "branch") {
		t.Error("ACK to a 2xx needs a branch of its own")
	}
	next[Answered](t, call)
	bye, _ := p.respondAndEnd(call)
	if bye.seq() <= prack.seq() || len(bye.all("Route")) != 2 {
		t.Errorf("BYE %s after PRACK %d", bye, prack.seq())
	}
}

// A first hop without ;lr is a strict router: its URI is the Request-URI.
func TestStrictRouter(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "200 OK", "a", testAnswer, "Record-Route: <sip:"+p.addr+">")
	ack := p.expect("ACK")
	if ack.uri() != "sip:"+p.addr || ack.get("Route") != "<sip:peer@"+p.addr+">" {
		t.Errorf("ACK %s", ack)
	}
	next[Answered](t, call)
	p.respondAndEnd(call)
}
