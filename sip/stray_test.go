package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The 200 that comes when nobody waits for it any more, or for another one: each gets its
// ACK and its BYE.

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
