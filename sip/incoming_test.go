package sip

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ringpace/sip/registrar"
)

// callee is an endpoint that hands its INVITEs out, and a scripted caller.
func callee(t *testing.T) (*Endpoint, *peer, <-chan *Incoming) {
	t.Helper()
	return calleeWith(t, Policy{})
}

// calleeWith is callee with a policy for strangers.
func calleeWith(t *testing.T, policy Policy) (*Endpoint, *peer, <-chan *Incoming) {
	t.Helper()
	in := make(chan *Incoming, 8)
	e := newEndpoint(t, Config{Policy: policy, Invite: func(i *Incoming) { in <- i }})
	return e, newPeer(t, addrOf(t, e, "udp")), in
}

// ack builds the ACK to a 2xx.
func (p *peer) ack(res *message, body ...string) string {
	return p.newRequest("ACK", strings.Trim(res.get("Contact"), "<>"), res.get("Call-ID"),
		res.param("From", "tag"), res.param("To", "tag"), res.seq(), body...)
}

func TestIncomingCall(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "c1", "f", "", 1, "Record-Route: <sip:"+p.addr+";lr>", testOffer))
	p.expect("100")
	in := receive(t, incoming, "INVITE")
	if in.Source().String() != p.addr || in.ID() != "c1" || in.From() != "caller" || in.To() != "100" {
		t.Errorf("%v %q %q %q", in.Source(), in.ID(), in.From(), in.To())
	}
	ring(t, in, 180, "")
	ringing := p.expect("180")
	tag := ringing.param("To", "tag")
	if tag == "" || ringing.get("Contact") == "" || ringing.get("Record-Route") == "" {
		t.Errorf("%s", ringing)
	}
	call := accept(t, in, testAnswer)
	ok := p.expect("200")
	if ok.param("To", "tag") != tag || ok.body != testAnswer || ok.get("Content-Type") != "application/sdp" {
		t.Errorf("%s", ok)
	}
	if err := in.Ring(180, nil); err == nil {
		t.Error("180 after 200")
	}
	in.Reject(486, "") // too late: nothing
	p.send(p.ack(ok))
	call.Hangup(CauseNormal)
	bye := p.expect("BYE")
	if bye.get("Route") != "<sip:"+p.addr+";lr>" || bye.param("To", "tag") != "f" || bye.param("From", "tag") != tag {
		t.Errorf("%s", bye)
	}
	p.respond(bye, "200 OK", "", "")
	next[Ended](t, call)
	over(t, call)
}

// BYE must not be sent before the ACK (RFC 3261 section 15).
func TestHangupWaitsForACK(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "c1", "f", "", 1, testOffer))
	call := accept(t, receive(t, incoming, "INVITE"), testAnswer)
	call.Hangup(CauseNormal)
	p.expect("100")
	ok := p.expect("200")
	p.send(p.ack(ok))
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}

func TestLateOffer(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "c1", "f", "", 1))
	in := receive(t, incoming, "INVITE")
	if in.Offer() != nil {
		t.Errorf("offer %q", in.Offer())
	}
	call := accept(t, in, testOffer)
	p.expect("100")
	p.send(p.ack(p.expect("200"), testAnswer))
	if ev := next[SessionAnswer](t, call); string(ev.Body) != testAnswer {
		t.Errorf("%q", ev.Body)
	}
	p.respondAndEnd(call)
}

// 200 to the CANCEL and 487 to the INVITE carry the To tag of the 180.
func TestIncomingCancel(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	raw := p.newRequest("INVITE", "sip:100@127.0.0.1", "c1", "f", "", 1, testOffer)
	p.send(raw)
	in := receive(t, incoming, "INVITE")
	ring(t, in, 180, "")
	p.expect("100")
	tag := p.expect("180").param("To", "tag")
	cancel := strings.ReplaceAll(raw, "INVITE", "CANCEL")
	cancel = cancel[:strings.Index(cancel, "Content-Type")] + "Content-Length: 0\r\n\r\n"
	p.send(cancel)
	receive(t, in.Cancelled(), "cancellation")
	for range 2 {
		m := p.take()
		for m.kind() == "180" || m.kind() == "100" {
			m = p.take()
		}
		if m.param("To", "tag") != tag || m.kind() != "200" && m.kind() != "487" {
			t.Errorf("%s", m)
		}
	}
	if err := in.Ring(180, nil); !errors.Is(err, ErrCancelled) {
		t.Error(err)
	}
	if _, err := in.Answer(nil, nil); !errors.Is(err, ErrCancelled) {
		t.Error(err)
	}
	in.Reject(486, "")
}

// CANCEL and 200 at the same moment: whoever wins, both sides agree and nothing stays.
func TestCancelRacesAnswer(t *testing.T) {
	t.Parallel()
	in := make(chan *Incoming)
	carrier := newEndpoint(t, Config{Invite: func(i *Incoming) { in <- i }})
	e := newEndpoint(t, Config{})
	trunk := newTrunk(t, e, TrunkConfig{Server: addrOf(t, carrier, "udp")})
	for range 100 {
		call := place(t, trunk, Invite{})
		i := receive(t, in, "INVITE")
		var both sync.WaitGroup
		both.Go(func() { call.Hangup(CauseNormal) })
		both.Go(func() {
			if up, err := i.Answer([]byte(testAnswer), nil); err == nil {
				next[Ended](t, up)
				over(t, up)
			} else if !errors.Is(err, ErrCancelled) {
				t.Error(err)
			}
		})
		switch ev := receive(t, call.Events(), "event").(type) {
		case Answered:
			next[Ended](t, call)
		case Failed:
			if ev.Class != Cancelled {
				t.Errorf("%v", ev)
			}
		default:
			t.Errorf("%T", ev)
		}
		over(t, call)
		both.Wait()
	}
	eventually(t, "no call left", func() bool { return e.Stats().CallsUp == 0 && carrier.Stats().CallsUp == 0 })
}

// OPTIONS and INVITE are answered with the same abilities: those that the trunk's policy
// gives, and REGISTER where there is a registrar (RFC 3261 section 11.2).
func TestOptionsSaysWhatInviteSays(t *testing.T) {
	t.Parallel()
	registrars, err := registrar.New(registrar.Config{
		Realm: "lab", Credentials: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	incoming := make(chan *Incoming, 1)
	e := newEndpoint(t, Config{Invite: func(in *Incoming) { incoming <- in }, Registrar: registrars})
	p := newPeer(t, addrOf(t, e, "udp"))
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr, Policy: Policy{SessionExpires: 30 * time.Minute, Reliable: ReliableOff}})
	p.send(p.newRequest("OPTIONS", "sip:x@127.0.0.1", "o1", "f", "", 1, "Require: timer"))
	options := p.expect("200")
	p.send(p.newRequest("INVITE", "sip:x@127.0.0.1", "c1", "f", "", 1, testOffer))
	p.expect("100")
	in := receive(t, incoming, "INVITE")
	if err := in.Ring(180, nil); err != nil {
		t.Fatal(err)
	}
	ringing := p.expect("180")
	call := accept(t, in, testAnswer)
	invite := p.expect("200")
	p.send(p.ack(invite))
	ours := place(t, trunk, Invite{})
	placed := p.expect("INVITE")
	p.respond(placed, "486 Busy Here", "x", "")
	next[Failed](t, ours)
	p.expect("ACK")
	p.send(p.newRequest("OPTIONS", "sip:x@127.0.0.1", "c1", "f", invite.param("To", "tag"), 2))
	inside := p.expect("200")
	for _, m := range []*message{options, ringing, invite, placed, inside} {
		if got := m.get("Supported"); got != "timer, replaces, norefersub" {
			t.Errorf("Supported %q in %s", got, m)
		}
		if got := m.get("Allow"); got != allow+", REGISTER" {
			t.Errorf("Allow %q in %s", got, m)
		}
	}
	call.Hangup(CauseNormal)
	p.respond(p.expect("BYE"), "200 OK", "", "")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	e, p, incoming := callee(t)
	for _, c := range []struct {
		name, raw, want string
		header, value   string
	}{
		{"unknown extension", p.newRequest("INVITE", "sip:1@x", "r1", "f", "", 1, "Require: 100rel, timer, x-none", testOffer), "420", "Unsupported", "timer, x-none"},
		{"body is no SDP", p.newRequest("INVITE", "sip:1@x", "r2", "f", "", 1, "Content-Type: text/plain", "v=0"), "415", "Accept", "application/sdp"},
		{"no such dialog", p.newRequest("BYE", "sip:1@x", "r3", "f", "gone", 1), "481", "", ""},
		{"no such dialog, re-INVITE", p.newRequest("INVITE", "sip:1@x", "r4", "f", "gone", 1, testOffer), "481", "", ""},
		{"BYE without To tag", p.newRequest("BYE", "sip:1@x", "r5", "f", "", 1), "481", "", ""},
		{"CANCEL of nothing", p.newRequest("CANCEL", "sip:1@x", "r6", "f", "", 1), "481", "", ""},
		{"no registrar", p.newRequest("REGISTER", "sip:x", "r7", "f", "", 1), "403", "", ""},
		{"unknown method", p.newRequest("SUBSCRIBE", "sip:x", "r8", "f", "", 1), "405", "Allow", allow},
		{"OPTIONS", p.newRequest("OPTIONS", "sip:x", "r9", "f", "", 1), "200", "Allow", allow},
		{"no From tag", strings.Replace(p.newRequest("OPTIONS", "sip:x", "r10", "f", "", 1), ";tag=f", "", 1), "400", "", ""},
		{"CSeq of another method", strings.Replace(p.newRequest("OPTIONS", "sip:x", "r11", "f", "", 1), "CSeq: 1 OPTIONS", "CSeq: 1 INFO", 1), "400", "", ""},
		{"white space", strings.Replace(p.newRequest("BYE", "sip:1@x", "r12", "f", "gone", 1), ";tag=gone", " ; tag = gone", 1), "481", "", ""},
	} {
		p.send(c.raw)
		m := p.expect(c.want)
		if c.header != "" && m.get(c.header) != c.value {
			t.Errorf("%s: %s", c.name, m)
		}
	}
	if s := e.Stats(); s.Rejected == 0 || s.Malformed != 2 {
		t.Errorf("%+v", s)
	}
	if len(incoming) != 0 {
		t.Error("somebody was asked")
	}
	// Without an Invite function calls are refused.
	shut := newEndpoint(t, Config{})
	p = newPeer(t, addrOf(t, shut, "udp"))
	p.send(p.newRequest("INVITE", "sip:1@x", "s1", "f", "", 1, testOffer))
	p.expect("403")
}

// Requests inside a confirmed dialog.
func TestInsideDialog(t *testing.T) {
	t.Parallel()
	offers := make(chan string, 8)
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{OnOffer: func(offer []byte) ([]byte, error) {
		offers <- string(offer)
		switch {
		case offer == nil:
			return []byte(testOffer), nil
		case strings.Contains(string(offer), "refuse"):
			return nil, errors.New("not this")
		}
		return []byte(testAnswer), nil
	}})
	inside := func(method string, seq int, extra ...string) { p.send(p.inside(invite, "a", method, seq, extra...)) }

	inside("INVITE", 10, "v=0 hold")
	ok := p.expect("200")
	if got := receive(t, offers, "offer"); got != "v=0 hold" || ok.body != testAnswer || ok.get("Contact") == "" {
		t.Errorf("offer %q, %s", got, ok)
	}
	inside("INVITE", 11, testOffer) // before the ACK
	if busy := p.expect("500"); busy.get("Retry-After") == "" {
		t.Errorf("%s", busy)
	}
	inside("UPDATE", 12, testOffer) // likewise
	p.expect("491")
	p.send(p.ack2(invite, "a", 10))

	inside("INVITE", 13) // offerless
	ok = p.expect("200")
	if got := receive(t, offers, "offer"); got != "" || ok.body != testOffer {
		t.Errorf("offer %q, %s", got, ok)
	}
	p.send(p.ack2(invite, "a", 13, testAnswer))
	if ev := next[SessionAnswer](t, call); string(ev.Body) != testAnswer {
		t.Errorf("%q", ev.Body)
	}

	inside("INVITE", 14, "v=0 refuse")
	if m := p.expect("488"); !strings.HasPrefix(m.get("Warning"), "399 ") {
		t.Errorf("no Warning in %s", m)
	}
	receive(t, offers, "offer")
	inside("UPDATE", 15) // session timer, or target refresh
	if ok := p.expect("200"); ok.body != "" {
		t.Errorf("%s", ok)
	}
	inside("UPDATE", 16, "Contact: <sip:moved@"+p.addr+">", testOffer)
	if ok := p.expect("200"); ok.body != testAnswer {
		t.Errorf("%s", ok)
	}
	receive(t, offers, "offer")
	inside("UPDATE", 14) // out of order
	p.expect("500")
	inside("INFO", 17, "Content-Type: application/dtmf-relay", "v=0\r\nSignal=#\r\nDuration=160\r\n")
	p.expect("200")
	if ev := next[Digit](t, call); ev.Digit != '#' {
		t.Errorf("%q", ev.Digit)
	}
	inside("INFO", 18, "Content-Type: text/xml", "v=0")
	p.expect("415")
	inside("OPTIONS", 19)
	p.expect("200")
	inside("SUBSCRIBE", 20, "Refer-To: <sip:+882999@192.0.2.1>")
	p.expect("405")
	inside("UPDATE", 21, "Require: timer")
	p.expect("420")
	p.send(p.inside(invite, "stranger", "BYE", 22))
	p.expect("481")

	bye, _ := p.respondAndEnd(call)
	if bye.uri() != "sip:moved@"+p.addr {
		t.Errorf("BYE to %s, the target had moved", bye.uri())
	}
}

// In an early dialog: UPDATE without offer is taken, one with an offer has to wait.
func TestEarlyUpdate(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "a", testAnswer)
	next[Progress](t, call)
	p.send(p.inside(invite, "a", "UPDATE", 1))
	p.expect("200")
	p.send(p.inside(invite, "a", "UPDATE", 2, testOffer))
	p.expect("491")
	p.send(p.inside(invite, "b", "UPDATE", 3))
	p.expect("481")
	// A far side that runs session timers although we never spoke of them.
	p.respond(invite, "200 OK", "a", testAnswer, "Session-Expires: 90;refresher=uas", "Require: timer")
	p.expect("ACK")
	next[Answered](t, call)
	p.send(p.inside(invite, "a", "UPDATE", 4, "Session-Expires: 90;refresher=uac", "Supported: timer"))
	p.expect("200")
	p.respondAndEnd(call)
}

// The endpoint closes at the moment of the answer: there is no call without owner.
func TestCloseRacesAnswer(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	for range 20 {
		in := make(chan *Incoming, 1)
		carrier := newEndpoint(t, Config{Invite: func(i *Incoming) { in <- i }})
		call := place(t, newTrunk(t, e, TrunkConfig{Server: addrOf(t, carrier, "udp")}), Invite{})
		i := receive(t, in, "INVITE")
		var both sync.WaitGroup
		both.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := carrier.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if up, err := i.Answer([]byte(testAnswer), nil); err == nil {
				next[Ended](t, up)
			}
		})
		both.Wait()
		switch ev := receive(t, call.Events(), "event").(type) {
		case Answered:
			next[Ended](t, call)
		case Failed:
			if ev.Status != 503 {
				t.Errorf("%v", ev)
			}
		}
		over(t, call)
	}
}
