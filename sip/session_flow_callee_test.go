package sip

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The flows of RFC 3665 section 3 with us as Bob, who is called. The test is Alice and
// the proxies, as far as they write to Bob. What proxy authentication (3.3), the failure
// of a proxy (3.4) and redirection (3.6) are to the caller, Bob does not see: he takes
// part as in 3.2, in 3.6 without an offer.

// Vias of an INVITE below that of proxy 2, and the routes that both proxies record.
var (
	passed = []string{
		"Via: SIP/2.0/UDP ss1.atlanta.invalid:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111",
		"Via: SIP/2.0/TCP client.atlanta.invalid:5060;branch=z9hG4bK74b43;received=192.0.2.101",
	}
	atlanta = "<sip:ss1.atlanta.invalid;lr>"
)

// bob is a callee behind proxy 2 who has got an INVITE, with a description or without.
func bob(t *testing.T, description ...string) (p *peer, invite *message, in *Incoming) {
	t.Helper()
	_, p, incoming := callee(t)
	routes := []string{"Record-Route: <sip:" + p.addr + ";lr>", "Record-Route: " + atlanta}
	raw := p.newRequest("INVITE", "sip:100@127.0.0.1", "flow", "alice", "", 1, slices.Concat(passed, routes, description)...)
	p.send(raw)
	invite = parseMessage(raw)
	in = receive(t, incoming, "INVITE")
	mirrored(t, p.expect("100"), invite)
	return p, invite, in
}

// mirrored checks what a response has of its request: RFC 3261 section 8.2.6.2, and
// 12.1.1 for the Record-Route of one that makes a dialog.
func mirrored(t *testing.T, res, req *message) *message {
	t.Helper()
	for _, name := range []string{"From", "Call-ID", "CSeq"} {
		if res.get(name) != req.get(name) {
			t.Errorf("%s %q, want %q", name, res.get(name), req.get(name))
		}
	}
	vias := res.all("Via")
	if sent := req.all("Via"); len(vias) != len(sent) || !slices.Equal(vias[1:], sent[1:]) || !strings.HasPrefix(vias[0], strings.TrimSuffix(sent[0], ";rport")) {
		t.Errorf("Vias %q, want %q", vias, sent)
	}
	if to, _, _ := strings.Cut(res.get("To"), ";tag="); to != req.get("To") || res.kind() != "100" && res.param("To", "tag") == "" {
		t.Errorf("To %q of %s", res.get("To"), res.start)
	}
	dialog := res.kind() == "180" || res.kind() == "200" && strings.HasSuffix(req.get("CSeq"), "INVITE")
	if dialog && (!slices.Equal(res.all("Record-Route"), req.all("Record-Route")) || res.get("Contact") == "") {
		t.Errorf("Record-Route %q and Contact %q in %s", res.all("Record-Route"), res.get("Contact"), res.start)
	}
	return res
}

// hangUp has Bob end an answered call, and checks his BYE.
func hangUp(t *testing.T, p *peer, call *Call, invite, ok *message, routes ...string) {
	t.Helper()
	call.Hangup(CauseNormal)
	bye := p.expect("BYE")
	if bye.uri() != "sip:peer@"+p.addr || bye.get("Call-ID") != invite.get("Call-ID") || bye.get("From") != ok.get("To") ||
		bye.get("To") != invite.get("From") || len(bye.all("Via")) != 1 || !slices.Equal(bye.all("Route"), routes) {
		t.Errorf("BYE %s, want routes %q", bye, routes)
	}
	p.respond(bye, "200 OK", "", "")
	if ended := next[Ended](t, call); !ended.ByUs || ended.Err != nil {
		t.Errorf("ended %+v", ended)
	}
	over(t, call)
}

// answerTo is the answer in Bob's 200 to an INVITE with or without an offer.
func answerTo(offer string) string {
	if offer == "" {
		return testOffer
	}
	return testAnswer
}

// Sections 3.1 to 3.6, the successful ones.
func TestFlowsSuccessfulAsCallee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		section string
		direct  bool
		offer   string
	}{
		{"3.1 directly", true, testOffer},
		{"3.2 through two proxies", false, testOffer},
		{"3.5 through an ALG", false, strings.Replace(testOffer, "c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.128", 1)},
		{"3.6 with SDP in ACK", false, ""},
	} {
		t.Run(c.section, func(t *testing.T) {
			t.Parallel()
			var p *peer
			var invite *message
			var in *Incoming
			var routes []string
			if c.direct {
				var incoming <-chan *Incoming
				_, p, incoming = callee(t)
				invite, in = invited(t, p, incoming, c.offer)
			} else {
				var description []string
				if c.offer != "" {
					description = []string{c.offer}
				}
				p, invite, in = bob(t, description...)
				routes = []string{"<sip:" + p.addr + ";lr>", atlanta}
			}
			if string(in.Offer()) != c.offer {
				t.Errorf("offer %q", in.Offer())
			}
			ring(t, in, 180, "")
			ringing := mirrored(t, p.expect("180"), invite)
			call := accept(t, in, answerTo(c.offer))
			ok := mirrored(t, p.expect("200"), invite)
			if ok.get("To") != ringing.get("To") || ok.body != answerTo(c.offer) || ok.get("Content-Type") != sdpType {
				t.Errorf("200 %s", ok)
			}
			if c.offer != "" {
				p.send(p.ack(ok))
			} else {
				p.send(p.ack(ok, testAnswer))
				if a := next[SessionAnswer](t, call); string(a.Body) != testAnswer {
					t.Errorf("answered with %q", a.Body)
				}
			}
			hangUp(t, p, call, invite, ok, routes...)
		})
	}
}

// Section 3.7: Bob's media move to another address, and he tells so with a re-INVITE.
func TestFlowWithReinviteAsCallee(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	invite, in := invited(t, p, incoming, testOffer)
	ring(t, in, 180, "")
	p.expect("180")
	call := accept(t, in, testAnswer)
	ok := p.expect("200")
	p.send(p.ack(ok))
	moved := strings.Replace(testAnswer, "c=IN IP4 127.0.0.1", "c=IN IP4 127.0.0.2", 1)
	change, results := changing(t, call, moved)
	change()
	again := p.expect("INVITE")
	if again.body != moved || again.uri() != "sip:peer@"+p.addr || again.get("From") != ok.get("To") || again.get("To") != invite.get("From") ||
		again.get("Call-ID") != invite.get("Call-ID") || again.get("Contact") == "" {
		t.Errorf("re-INVITE %s", again)
	}
	p.respond(again, "200 OK", "", testOffer)
	if ack := p.expect("ACK"); ack.seq() != again.seq() || ack.uri() != "sip:peer@"+p.addr {
		t.Errorf("ACK %s", ack)
	}
	if r := receive(t, results, "answer"); r.err != nil || r.answer != testOffer {
		t.Errorf("%+v", r)
	}
	p.send(p.newRequest("BYE", strings.Trim(ok.get("Contact"), "<>"), ok.get("Call-ID"), "f", ok.param("To", "tag"), 2))
	p.expect("200")
	if ended := next[Ended](t, call); ended.ByUs {
		t.Errorf("ended %+v", ended)
	}
	over(t, call)
}

// Sections 3.8, 3.9 and 3.11: Bob does not answer, is busy, or is not there.
func TestFlowsUnsuccessfulAsCallee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		section string
		rings   bool
		status  int // Bob's; 0: Alice cancels
		want    string
	}{
		{"3.8 no answer", true, 0, "SIP/2.0 487 Request Terminated"},
		{"3.9 busy", false, 486, "SIP/2.0 486 Busy Here"},
		{"3.11 temporarily unavailable", true, 480, "SIP/2.0 480 Temporarily Unavailable"},
	} {
		t.Run(c.section, func(t *testing.T) {
			t.Parallel()
			p, invite, in := bob(t, testOffer)
			if c.rings {
				ring(t, in, 180, "")
				mirrored(t, p.expect("180"), invite)
			}
			if c.status == 0 {
				cancel := cancelOf(invite, "Reason: SIP;cause=487")
				p.send(cancel)
				receive(t, in.Cancelled(), "cancellation")
				mine := parseMessage(cancel)
				for range 2 { // in any order
					m := p.takeKinds("200", "487")
					if m.kind() == "200" {
						mirrored(t, m, mine)
						continue
					}
					if mirrored(t, m, invite); m.start != c.want {
						t.Errorf("%s, want %s", m.start, c.want)
					}
					p.send(acknowledge(invite, m))
				}
			} else {
				in.Reject(c.status, "")
				m := mirrored(t, p.expect(fmt.Sprint(c.status)), invite)
				if m.start != c.want {
					t.Errorf("%s, want %s", m.start, c.want)
				}
				p.send(acknowledge(invite, m))
			}
			p.nothing()
		})
	}
}

// acknowledge builds the ACK of proxy 2 to a failure response of Bob's (RFC 3261 section
// 17.1.1.3).
func acknowledge(invite, res *message) string {
	return fmt.Sprintf("ACK %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		invite.uri(), invite.get("Via"), invite.get("From"), res.get("To"), invite.get("Call-ID"), invite.seq())
}

// Section 3.10: Bob does not respond at all, as to a caller whom his operator screens
// out, however often the INVITE comes. Proxy 2 answers for him.
func TestFlowNoResponseAsCallee(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{
		Screen: func(*Incoming) bool { return false },
		Invite: func(in *Incoming) { t.Errorf("INVITE %s is handed out", in.ID()) },
	})
	p := newPeer(t, addrOf(t, e, "udp"))
	invite := p.newRequest("INVITE", "sip:100@127.0.0.1", "flow", "alice", "", 1, slices.Concat(passed, []string{testOffer})...)
	for range 7 {
		p.send(invite)
	}
	p.nothing()
}
