package sip

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The tests of this file are the table of traps: what sipgo's dialog helpers do
// wrong, each over a real socket with a scripted far side.

func TestAnswerCrossesCancel(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	call.Hangup(CauseNormal)
	cancel := p.expect("CANCEL")
	p.respond(invite, "200 OK", "a", testAnswer)
	p.respond(cancel, "200 OK", "a", "")
	ack := p.expect("ACK")
	if ack.seq() != invite.seq() {
		t.Errorf("ACK has CSeq %d, INVITE %d", ack.seq(), invite.seq())
	}
	bye := p.expect("BYE")
	p.respond(bye, "200 OK", "", "")
	if f := next[Failed](t, call); f.Class != Cancelled || !f.Crossed() || !strings.Contains(f.Phrase, "crossed our CANCEL") {
		t.Errorf("failed %v", f)
	}
	over(t, call)

	// The ACK was lost: the 200 comes again. ACK again, no second BYE.
	p.respond(invite, "200 OK", "a", testAnswer)
	if again := p.takeKind("ACK"); again.param("To", "tag") != "a" {
		t.Errorf("ACK %s", again)
	}
	p.nothing()
}

// A 200 that comes when the call has been given up and its transaction is gone.
func TestAnswerAfterEverythingIsGone(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
	call := place(t, trunk, Invite{RingTimeout: 100 * time.Millisecond})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	cancel := p.expect("CANCEL")
	p.respond(cancel, "200 OK", "", "") // and no 487
	if f := skipTo[Failed](t, call); f.Class != NoAnswer || !errors.Is(f.Err, ErrTimeout) {
		t.Errorf("failed %v", f)
	}
	over(t, call)
	eventually(t, "call forgotten", func() bool { return trunk.e.Stats().CallsUp == 0 })

	p.respond(invite, "200 OK", "a", testAnswer, "Record-Route: <sip:"+p.addr+";lr>")
	ack := p.expect("ACK")
	if ack.seq() != invite.seq() || ack.uri() != "sip:peer@"+p.addr || ack.get("Route") != "<sip:"+p.addr+";lr>" {
		t.Errorf("ACK %s", ack)
	}
	bye := p.expect("BYE")
	p.respond(bye, "401 Unauthorized", "", "", `WWW-Authenticate: Digest realm="r", nonce="n"`)
	bye = p.expect("BYE")
	if !strings.Contains(bye.get("Authorization"), `username="u"`) {
		t.Errorf("BYE %s", bye)
	}
	p.respond(bye, "200 OK", "", "")
	if s := trunk.e.Stats(); s.Strays != 1 {
		t.Errorf("%+v", s)
	}
}

// Nobody can make us send ACK and BYE with a 200 to an INVITE that was never ours.
func TestForgedAnswer(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	forged := parseMessage(p.newRequest("INVITE", "sip:x@y", "forged", "f", "", 1))
	p.respond(forged, "200 OK", "a", testAnswer)
	p.nothing()
	if s := trunk.e.Stats(); s.Strays != 0 {
		t.Errorf("%+v", s)
	}
}

func TestForks(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	p.respond(invite, "180 Ringing", "b", "")
	p.respond(invite, "200 OK", "b", testAnswer)
	if ack := p.expect("ACK"); ack.param("To", "tag") != "b" {
		t.Fatalf("ACK %s", ack)
	}
	skipTo[Answered](t, call)

	p.respond(invite, "200 OK", "a", testAnswer, "Contact: <sip:loser@"+p.addr+">")
	if ack := p.expect("ACK"); ack.param("To", "tag") != "a" || ack.uri() != "sip:loser@"+p.addr {
		t.Fatalf("ACK %s", ack)
	}
	bye := p.expect("BYE")
	if bye.param("To", "tag") != "a" || bye.uri() != "sip:loser@"+p.addr {
		t.Fatalf("BYE %s", bye)
	}
	p.respond(bye, "200 OK", "", "")
	p.nothing()

	// The winner is still up.
	p.send(p.inside(invite, "b", "BYE", 7, `Reason: Q.850;cause=16`))
	p.expect("200")
	if ev := next[Ended](t, call); ev.ByUs || ev.Q850 != 16 {
		t.Errorf("%v", ev)
	}
}

// What was sent in the early dialog has counted its CSeq on: a BYE with a number that
// a PRACK had is out of order (RFC 3261 section 12.2.2), and the call would stay up.

func TestAnswerCrossesCancelAfterPRACK(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{RingTimeout: 300 * time.Millisecond})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 7")
	prack := p.expect("PRACK")
	p.respond(prack, "200 OK", "", "")
	cancel := p.expect("CANCEL")
	p.respond(cancel, "200 OK", "a", "")
	p.respond(invite, "200 OK", "a", testAnswer)
	if ack := p.expect("ACK"); ack.seq() != invite.seq() {
		t.Errorf("ACK has CSeq %d, INVITE %d", ack.seq(), invite.seq())
	}
	bye := p.expect("BYE")
	if bye.seq() <= prack.seq() {
		t.Errorf("BYE has CSeq %d, PRACK %d", bye.seq(), prack.seq())
	}
	p.respond(bye, "200 OK", "", "")
	if f := skipTo[Failed](t, call); f.Class != NoAnswer {
		t.Errorf("class %q", f.Class)
	}
	over(t, call)
}

func TestForksAfterPRACK(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", "RSeq: 7")
	prack := p.expect("PRACK")
	p.respond(prack, "401 Unauthorized", "", "", `WWW-Authenticate: Digest realm="r", nonce="n"`)
	last := p.expect("PRACK")
	if last.seq() != prack.seq()+1 {
		t.Errorf("PRACK %d after %d", last.seq(), prack.seq())
	}
	p.respond(last, "200 OK", "", "")
	p.respond(invite, "200 OK", "b", testAnswer)
	if ack := p.expect("ACK"); ack.param("To", "tag") != "b" {
		t.Fatalf("ACK %s", ack)
	}
	skipTo[Answered](t, call)

	p.respond(invite, "200 OK", "a", testAnswer)
	if ack := p.expect("ACK"); ack.param("To", "tag") != "a" || ack.seq() != invite.seq() {
		t.Fatalf("ACK %s", ack)
	}
	bye := p.expect("BYE")
	if bye.param("To", "tag") != "a" || bye.seq() <= last.seq() {
		t.Fatalf("BYE %s after PRACK %d", bye, last.seq())
	}
	p.respond(bye, "200 OK", "", "")

	// A fork of which nobody knew.
	p.respond(invite, "200 OK", "c", testAnswer)
	p.expect("ACK")
	bye = p.expect("BYE")
	if bye.param("To", "tag") != "c" || bye.seq() <= last.seq() {
		t.Fatalf("BYE %s", bye)
	}
	p.respond(bye, "200 OK", "", "")
	p.respondAndEnd(call)
}

// The call is forgotten, and with it what was sent in its early dialogs.
func TestAnswerAfterPRACKAndEverythingIsGone(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 1024)
	e := newEndpoint(t, Config{Logger: logTo(lines)})
	p := newPeer(t, addrOf(t, e, "udp"))
	call := place(t, newTrunk(t, e, TrunkConfig{Server: p.addr}), Invite{})
	invite := p.expect("INVITE")
	var last *message
	for i := range 3 {
		p.respond(invite, "183 Session Progress", "a", testAnswer, "Require: 100rel", fmt.Sprintf("RSeq: %d", 7+i))
		last = p.expect("PRACK")
		p.respond(last, "200 OK", "", "")
	}
	p.respond(invite, "486 Busy Here", "b", "")
	p.expect("ACK")
	skipTo[Failed](t, call)
	over(t, call)
	eventually(t, "call forgotten", func() bool { return e.Stats().CallsUp == 0 })

	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	bye := p.expect("BYE")
	if bye.seq() <= last.seq() {
		t.Errorf("BYE has CSeq %d, PRACK %d", bye.seq(), last.seq())
	}
	// A far side that has counted further all the same.
	p.respond(bye, "500 Invalid CSeq", "", "")
	again := p.expect("BYE")
	if again.seq() < bye.seq()+100 {
		t.Errorf("BYE has CSeq %d after %d", again.seq(), bye.seq())
	}
	p.respond(again, "500 Server Internal Error", "", "")
	for _, want := range []string{"BYE is tried again", "500 Server Internal Error"} {
		for {
			line := receive(t, lines, "warning: "+want)
			if strings.Contains(line, "level=WARN") && strings.Contains(line, want) {
				break
			}
		}
	}
	p.nothing() // it is not asked for ever
}

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

// respondAndEnd hangs the call up.
func (p *peer) respondAndEnd(call *Call) (*message, bool) {
	p.t.Helper()
	call.Hangup(CauseNormal)
	bye := p.expect("BYE")
	p.respond(bye, "200 OK", "", "")
	return bye, skipTo[Ended](p.t, call).ByUs
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

// CANCEL is the INVITE's twin: nothing that was learned since gets into it.
func TestCANCEL(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	call.Hangup(CauseRejected)
	p.nothing() // no CANCEL before a provisional response (RFC 3261 section 9.1)
	p.respond(invite, "180 Ringing", "a", "", "Record-Route: <sip:10.255.0.1;lr>", "Require: 100rel", "RSeq: 1",
		"Contact: <sip:elsewhere@"+p.addr+">")
	cancel := p.takeKind("CANCEL") // before or after the PRACK
	if len(cancel.all("Route")) != 0 || len(cancel.all("Contact")) != 0 || cancel.uri() != invite.uri() ||
		cancel.get("CSeq") != fmt.Sprintf("%d CANCEL", invite.seq()) || cancel.get("Via") != invite.get("Via") ||
		len(cancel.all("Via")) != 1 || cancel.get("To") != invite.get("To") || cancel.get("From") != invite.get("From") {
		t.Errorf("CANCEL %s\nof %s", cancel, invite)
	}
	if got := cancel.get("Reason"); got != `Q.850;cause=21;text="Call rejected"` {
		t.Errorf("reason %q", got)
	}
	p.respond(cancel, "200 OK", "", "")
	p.respond(invite, "487 Request Terminated", "a", "")
	if f := skipTo[Failed](t, call); f.Class != Cancelled || f.Q850 != 21 || f.Status != 487 {
		t.Errorf("%v", f)
	}
}

// sipgo has no Timer C: what rings for ever must end by the ring timeout.
func TestRingTimeout(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{RingTimeout: 300 * time.Millisecond})
	invite := p.expect("INVITE")
	p.respond(invite, "183 Session Progress", "a", testAnswer)
	cancel := p.expect("CANCEL")
	if !strings.HasPrefix(cancel.get("Reason"), "Q.850;cause=19;") {
		t.Errorf("reason %q", cancel.get("Reason"))
	}
	p.respond(cancel, "200 OK", "", "")
	p.respond(invite, "487 Request Terminated", "a", "")
	p.expect("ACK")
	if f := skipTo[Failed](t, call); f.Class != NoAnswer || f.Q850 != 19 {
		t.Errorf("%v", f)
	}
	over(t, call)
}

// sipgo's WriteBye takes the first response that is not 200 for an error.
func TestBYE(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{Username: "u", Password: "secret"}, Invite{})
	call.Hangup(CauseNormal)
	bye := p.expect("BYE")
	if bye.seq() != invite.seq()+1 || bye.uri() != "sip:peer@"+p.addr {
		t.Errorf("BYE %s", bye)
	}
	p.respond(bye, "100 Trying", "", "")
	p.respond(bye, "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="r", nonce="n1", qop="auth"`)
	bye = p.expect("BYE")
	if bye.seq() != invite.seq()+2 || !strings.Contains(bye.get("Proxy-Authorization"), `nonce="n1"`) {
		t.Errorf("BYE %s", bye)
	}
	// The caller of Hangup has its Ended long before; a crossing BYE gets its 200.
	next[Ended](t, call)
	p.send(p.inside(invite, "a", "BYE", 5))
	p.expect("200")
	p.respond(bye, "481 Call/Transaction Does Not Exist", "", "")
	over(t, call)
}

func TestBYEOverlooksLostDialog(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"481 Call Does Not Exist", "408 Request Timeout"} {
		trunk, p, call, _ := answered(t, TrunkConfig{}, Invite{})
		call.Hangup(CauseNormal)
		p.respond(p.expect("BYE"), status, "", "")
		next[Ended](t, call)
		over(t, call)
		eventually(t, "call forgotten", func() bool { return trunk.e.Stats().CallsUp == 0 })
	}
}

// The BYE overtakes the 200: the call is answered and over.
func TestBYEBeforeAnswer(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	p.send(p.inside(invite, "a", "BYE", 3, "Reason: Q.850;cause=16"))
	p.expect("200")
	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	skipTo[Answered](t, call)
	if ev := next[Ended](t, call); ev.ByUs || ev.Q850 != 16 {
		t.Errorf("%v", ev)
	}
	over(t, call)
}

// sipgo hands every response over with the transaction's lock held: one that
// nobody takes holds up the transaction, and a goroutine, for ever.
func TestNoTransactionStaysBehind(t *testing.T) {
	for range 10 {
		_, p, call, _ := answered(t, TrunkConfig{}, Invite{})
		p.respondAndEnd(call)
		over(t, call)
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

// A failure that comes again is ACKed by sipgo up to 4 s late; it is counted, not logged.
func TestRetransmittedFailure(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "a", "")
	p.expect("ACK")
	next[Failed](t, call)
	p.respond(invite, "486 Busy Here", "a", "")
	eventually(t, "counted", func() bool { return trunk.e.Stats().Retransmitted == 1 })
	p.takeKind("ACK")
}

func TestRedirectIsRefused(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "302 Moved Temporarily", "a", "", "Contact: <sip:+882999999@192.0.2.9>")
	p.expect("ACK")
	if f := next[Failed](t, call); !errors.Is(f.Err, ErrRedirect) || f.Status != 302 {
		t.Errorf("%v", f)
	}
	p.nothing()
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
