package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// invited sends an INVITE to the endpoint and returns it as sent and as seen.
func invited(t *testing.T, p *peer, incoming <-chan *Incoming, extra ...string) (*message, *Incoming) {
	t.Helper()
	raw := p.newRequest("INVITE", "sip:100@127.0.0.1", "in-"+random(4), "f", "", 1, extra...)
	p.send(raw)
	in := receive(t, incoming, "INVITE")
	p.expect("100")
	return parseMessage(raw), in
}

// rung is a call of the peer that wants 100rel and has got a reliable 183 with the answer.
func rung(t *testing.T) (p *peer, invite *message, in *Incoming, first *message) {
	t.Helper()
	_, p, incoming := callee(t)
	invite, in = invited(t, p, incoming, "Require: 100rel", testOffer)
	ring(t, in, 183, testAnswer)
	return p, invite, in, p.expect("183")
}

// within builds a request of the peer inside the dialog that a response to its INVITE
// made.
func (p *peer) within(res *message, method string, seq int, extra ...string) string {
	return p.newRequest(method, "sip:100@127.0.0.1", res.get("Call-ID"), "f", res.param("To", "tag"), seq, extra...)
}

func rack(res *message) string { return "RAck: " + res.get("RSeq") + " 1 INVITE" }

func TestReliableHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy             Reliability
		supported, require string
	}{
		{"", "100rel, replaces, norefersub", ""},
		{ReliableOff, "replaces, norefersub", ""},
		{ReliableRequired, "100rel, replaces, norefersub", "100rel"},
	} {
		trunk, p := script(t, TrunkConfig{Policy: Policy{Reliable: c.policy}})
		call := place(t, trunk, Invite{})
		invite := p.expect("INVITE")
		if invite.get("Supported") != c.supported || invite.get("Require") != c.require {
			t.Errorf("%q: %s", c.policy, invite)
		}
		p.respond(invite, "420 Bad Extension", "a", "", "Unsupported: 100rel")
		if f := next[Failed](t, call); f.Status != 420 || !f.Elsewhere {
			t.Errorf("%q: %+v", c.policy, f)
		}
	}
}

// The answer comes in a reliable 183, the 200 has none: it stands. Every To tag counts
// its RSeq for itself.
func TestAnswerInReliableProvisional(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "b", "", "Require: 100rel", "RSeq: 9")
	if prack := p.expect("PRACK"); prack.get("RAck") != fmt.Sprintf("9 %d INVITE", invite.seq()) || prack.param("To", "tag") != "b" {
		t.Errorf("PRACK %s", prack)
	}
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 1")
	prack := p.expect("PRACK")
	if prack.get("RAck") != fmt.Sprintf("1 %d INVITE", invite.seq()) || prack.param("To", "tag") != "a" || prack.body != "" {
		t.Errorf("PRACK %s", prack)
	}
	p.respond(prack, "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
	again := p.expect("PRACK")
	if again.seq() != prack.seq()+1 || !strings.Contains(again.get("Proxy-Authorization"), `nonce="n"`) || again.get("RAck") != prack.get("RAck") {
		t.Errorf("PRACK %s", again)
	}
	p.respond(again, "200 OK", "", "")
	p.respond(invite, "200 OK", "a", "")
	ack := p.expect("ACK")
	if ack.seq() != invite.seq() {
		t.Errorf("ACK %s", ack)
	}
	if a := skipTo[Answered](t, call); string(a.Body) != testAnswer {
		t.Errorf("answer %q", a.Body)
	}
	if bye, _ := p.respondAndEnd(call); bye.seq() <= again.seq() {
		t.Errorf("BYE %d after PRACK %d", bye.seq(), again.seq())
	}
}

// INVITE without offer: the far side's comes in a reliable 183, the answer in PRACK.
func TestLateOfferInProvisional(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{LateOffer: true}})
	offers := make(chan string, 2)
	call := place(t, trunk, Invite{OnLateOffer: func(offer []byte) ([]byte, error) {
		offers <- string(offer)
		return []byte(testAnswer), nil
	}})
	invite := p.expect("INVITE")
	if invite.body != "" {
		t.Errorf("offer %q", invite.body)
	}
	p.respond(invite, "183 Session Progress", "a", testOffer, "Require: 100rel", "RSeq: 1")
	prack := p.expect("PRACK")
	if prack.body != testAnswer || prack.get("Content-Type") != sdpType {
		t.Errorf("PRACK %s", prack)
	}
	p.respond(prack, "200 OK", "", "")
	if ev := next[Progress](t, call); ev.Body != nil {
		t.Errorf("%+v", ev)
	}
	p.respond(invite, "200 OK", "a", "")
	if ack := p.expect("ACK"); ack.body != "" {
		t.Errorf("ACK %s", ack)
	}
	if a := next[Answered](t, call); string(a.Body) != testOffer {
		t.Errorf("%+v", a)
	}
	if n := len(offers); n != 1 {
		t.Errorf("asked for %d answers", n)
	}
	p.respondAndEnd(call)
}

func TestLateOfferInAnswer(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{LateOffer: true}})
	if _, err := trunk.Invite(t.Context(), Invite{To: "1", CallerID: "2", RingTimeout: patience}); !errors.Is(err, ErrConfig) {
		t.Errorf("nobody answers late offers: %v", err)
	}
	for _, answer := range []string{testAnswer, ""} {
		call := place(t, trunk, Invite{OnLateOffer: func([]byte) ([]byte, error) {
			if answer == "" {
				return nil, errors.New("no common codec")
			}
			return []byte(answer), nil
		}})
		invite := p.expect("INVITE")
		p.respond(invite, "200 OK", "a", testOffer)
		if ack := p.expect("ACK"); ack.body != answer {
			t.Errorf("ACK %s", ack)
		}
		if a := next[Answered](t, call); string(a.Body) != testOffer {
			t.Errorf("%+v", a)
		}
		if answer == "" { // RFC 3261 section 13.2.2.4: ACK, then BYE
			p.respond(p.expect("BYE"), "200 OK", "", "")
			next[Ended](t, call)
			continue
		}
		p.respond(invite, "200 OK", "a", testOffer)
		if ack := p.takeKind("ACK"); ack.body != answer {
			t.Errorf("second ACK %s", ack)
		}
		p.respondAndEnd(call)
	}
}

// An early dialog whose session is agreed is changed by UPDATE, both ways.
func TestUpdateInEarlyDialog(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{OnOffer: func(offer []byte) ([]byte, error) { return []byte(testAnswer + "a=x\r\n"), nil }})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 1", "Allow: INVITE, UPDATE")
	p.respond(p.expect("PRACK"), "200 OK", "", "")
	next[Progress](t, call)

	change, results := changing(t, call, testOffer+"a=y\r\n")
	change()
	update := p.expect("UPDATE")
	if update.body != testOffer+"a=y\r\n" || update.get("Contact") == "" || update.get("Allow") != allow {
		t.Errorf("UPDATE %s", update)
	}
	// Theirs meets ours (RFC 3311 section 5.2).
	p.send(p.inside(invite, "a", "UPDATE", 1, testOffer))
	p.expect("491")
	p.respond(update, "200 OK", "", testAnswer+"a=z\r\n")
	if r := receive(t, results, "answer"); r.err != nil || r.answer != testAnswer+"a=z\r\n" {
		t.Errorf("%+v", r)
	}
	p.send(p.inside(invite, "a", "UPDATE", 2, testOffer))
	if res := p.expect("200"); res.body != testAnswer+"a=x\r\n" {
		t.Errorf("%s", res)
	}
	change()
	p.respond(p.expect("UPDATE"), "488 Not Acceptable Here", "", "")
	if r := receive(t, results, "refusal"); !errors.Is(r.err, ErrRefused) {
		t.Errorf("%+v", r)
	}
	p.respond(invite, "200 OK", "a", "")
	p.expect("ACK")
	if a := next[Answered](t, call); string(a.Body) != testOffer {
		t.Errorf("%+v", a) // what was agreed last: their offer
	}
	p.respondAndEnd(call)
}

// As callee: a reliable 183 comes again until its PRACK, the next waits for that, and so
// does the 200.
func TestReliableRing(t *testing.T) {
	t.Parallel()
	p, _, in, first := rung(t)
	if first.get("Require") != "100rel" || first.get("RSeq") == "" || first.body != testAnswer {
		t.Fatalf("%s", first)
	}
	for range 2 {
		if again := p.take(); again.kind() != "183" || again.get("RSeq") != first.get("RSeq") {
			t.Fatalf("%s", again)
		}
	}
	ring(t, in, 180, "")
	p.send(p.within(first, "PRACK", 2, "RAck: 1 1 INVITE"))
	p.expect("481")
	p.send(p.within(first, "PRACK", 3, "RAck: x"))
	p.expect("400")
	p.send(p.within(first, "PRACK", 4, rack(first)))
	p.expect("200")
	second := p.expect("180")
	var a, b uint32
	_, _ = fmt.Sscan(first.get("RSeq"), &a)
	_, _ = fmt.Sscan(second.get("RSeq"), &b)
	if b != a+1 || second.body != "" || second.get("Require") != "100rel" {
		t.Errorf("%s", second)
	}
	if _, err := in.Answer([]byte("v=0 other"), nil); !errors.Is(err, ErrConfig) {
		t.Errorf("another session: %v", err)
	}
	call := accept(t, in, testAnswer) // the 180 has no description: it need not wait
	ok := p.expect("200")
	if ok.body != "" {
		t.Errorf("%s", ok)
	}
	p.send(p.within(second, "PRACK", 5, rack(second)))
	p.expect("200")
	p.send(p.within(second, "PRACK", 6, rack(second)))
	p.expect("481")
	p.send(p.within(ok, "ACK", 1))
	call.Hangup(CauseNormal)
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, call)
	over(t, call)
}

func TestAnswerWaitsForPRACK(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	_, in := invited(t, p, incoming, "Supported: 100rel", testOffer)
	ring(t, in, 180, "")
	if res := p.expect("180"); res.get("Require") != "" {
		t.Errorf("a 180 without need is reliable: %s", res)
	}
	ring(t, in, 183, testAnswer)
	first := p.expect("183")
	call := accept(t, in, testAnswer)
	p.nothing() // no 200
	p.send(p.within(first, "PRACK", 2, rack(first)))
	if res := p.expect("200"); !strings.HasSuffix(res.get("CSeq"), "PRACK") {
		t.Fatalf("%s", res)
	}
	ok := p.expect("200")
	if !strings.HasSuffix(ok.get("CSeq"), "INVITE") {
		t.Fatalf("%s", ok)
	}
	p.send(p.within(ok, "ACK", 1))
	p.send(p.within(ok, "BYE", 3))
	p.expect("200")
	next[Ended](t, call)
}

func TestNoPRACK(t *testing.T) {
	t.Parallel()
	p, _, in, _ := rung(t)
	call := accept(t, in, testAnswer)
	p.expect("504")
	if ev := next[Ended](t, call); !errors.Is(ev.Err, ErrNoPRACK) {
		t.Errorf("%+v", ev)
	}
	over(t, call)
}

func TestCancelWhileAnswerWaits(t *testing.T) {
	t.Parallel()
	p, invite, in, _ := rung(t)
	call := accept(t, in, testAnswer)
	p.send(cancelOf(invite, `Reason: SIP;cause=200;text="Call completed elsewhere"`))
	p.expect("200")
	p.expect("487")
	if ev := next[Ended](t, call); ev.Class != Cancelled || ev.Phrase != "Call completed elsewhere" {
		t.Errorf("%+v", ev)
	}
	over(t, call)
	if f := in.Cause(); f.Phrase != "Call completed elsewhere" {
		t.Errorf("%+v", f)
	}
}

// cancelOf builds the CANCEL of an INVITE of the peer.
func cancelOf(invite *message, extra string) string {
	return fmt.Sprintf("CANCEL %s SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d CANCEL\r\n%s\r\nContent-Length: 0\r\n\r\n",
		invite.uri(), invite.get("Via"), invite.get("From"), invite.get("To"), invite.get("Call-ID"), invite.seq(), extra)
}

// An INVITE without offer: ours goes into a reliable 183, the answer comes in PRACK. A
// PRACK may bring a new offer as well.
func TestOfferInReliableRing(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	_, in := invited(t, p, incoming, "Supported: 100rel")
	in.OnOffer(func(offer []byte) ([]byte, error) { return []byte(testAnswer + "a=x\r\n"), nil })
	ring(t, in, 183, testOffer)
	first := p.expect("183")
	p.send(p.within(first, "UPDATE", 2, testOffer))
	p.expect("500") // ours has no answer yet
	p.send(p.within(first, "PRACK", 3, rack(first), testAnswer))
	p.expect("200")
	p.send(p.within(first, "UPDATE", 4, testOffer))
	if res := p.expect("200"); res.body != testAnswer+"a=x\r\n" {
		t.Errorf("%s", res)
	}
	ring(t, in, 183, "")
	p.expect("183")
	call := accept(t, in, testOffer)
	ok := p.expect("200")
	if ok.body != "" {
		t.Errorf("%s", ok)
	}
	p.send(p.within(ok, "ACK", 1))
	if ev := next[SessionAnswer](t, call); string(ev.Body) != testAnswer {
		t.Errorf("%+v", ev)
	}
	p.send(p.within(ok, "BYE", 5))
	p.expect("200")
	next[Ended](t, call)
}

func TestOfferInPRACK(t *testing.T) {
	t.Parallel()
	p, _, in, first := rung(t)
	in.OnOffer(func(offer []byte) ([]byte, error) { return []byte(testAnswer + "a=x\r\n"), nil })
	p.send(p.within(first, "PRACK", 2, rack(first), testOffer))
	if res := p.expect("200"); res.body != testAnswer+"a=x\r\n" {
		t.Errorf("%s", res)
	}
	// We change it ourselves by UPDATE now.
	p.send(p.within(first, "UPDATE", 3, "Allow: UPDATE"))
	p.expect("200")
	go func() { _, _ = in.Reinvite(context.WithoutCancel(t.Context()), []byte(testOffer)) }()
	p.respond(p.expect("UPDATE"), "200 OK", "", testAnswer)
	p.send(p.within(first, "BYE", 4)) // RFC 3261 section 15.1.2
	if kind := p.takeKinds("200", "487").kind() + " " + p.takeKinds("200", "487").kind(); kind != "200 487" && kind != "487 200" {
		t.Errorf("BYE gets %s", kind)
	}
	receive(t, in.Cancelled(), "end")
	if _, err := in.Answer([]byte(testAnswer), nil); !errors.Is(err, ErrCancelled) {
		t.Errorf("%v", err)
	}
}

func TestReliableRequired(t *testing.T) {
	t.Parallel()
	_, p, incoming := calleeWith(t, Policy{Reliable: ReliableRequired})
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "plain", "f", "", 1, testOffer))
	if res := p.expect("421"); res.get("Require") != "100rel" {
		t.Errorf("%s", res)
	}
	_, in := invited(t, p, incoming, "Supported: 100rel", testOffer)
	ring(t, in, 180, "")
	if res := p.expect("180"); res.get("Require") != "100rel" {
		t.Errorf("%s", res)
	}
	in.Reject(486, "")
	p.expect("486")

	_, p, _ = calleeWith(t, Policy{Reliable: ReliableOff})
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "off", "f", "", 1, "Require: 100rel", testOffer))
	if res := p.expect("420"); res.get("Unsupported") != "100rel" {
		t.Errorf("%s", res)
	}
}

// Copies of one INVITE that came by several ways are one call (RFC 3261 section 8.2.2.2).
func TestMergedRequest(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	invite, in := invited(t, p, incoming, testOffer)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", invite.get("Call-ID"), "f", "", 1, testOffer))
	p.expect("482")
	in.Reject(486, "")
	p.expect("486")
}

// Two endpoints of ours, everything reliable.
func TestReliableCall(t *testing.T) {
	t.Parallel()
	in := make(chan *Incoming, 1)
	carrier := newEndpoint(t, Config{Policy: Policy{Reliable: ReliableRequired}, Invite: func(i *Incoming) { in <- i }})
	trunk := newTrunk(t, newEndpoint(t, Config{}), TrunkConfig{Server: addrOf(t, carrier, "udp"), Policy: Policy{Reliable: ReliableRequired}})
	call := place(t, trunk, Invite{})
	i := receive(t, in, "INVITE")
	for _, status := range []int{180, 183, 180} {
		ring(t, i, status, testAnswer)
	}
	callee := accept(t, i, testAnswer)
	if a := skipTo[Answered](t, call); string(a.Body) != testAnswer {
		t.Errorf("%+v", a)
	}
	call.Hangup(CauseNormal)
	next[Ended](t, call)
	next[Ended](t, callee)
}
