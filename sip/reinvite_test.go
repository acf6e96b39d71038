package sip

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

// ack2 is the ACK of the peer to our 2xx inside a dialog that we opened.
func (p *peer) ack2(invite *message, tag string, seq int, body ...string) string {
	return p.inside(invite, tag, "ACK", seq, body...)
}

func TestNoOnOffer(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	p.send(p.inside(invite, "a", "INVITE", 2, testOffer))
	if m := p.expect("488"); !strings.HasPrefix(m.get("Warning"), "399 ") {
		t.Errorf("no Warning in %s", m)
	}
	p.send(p.inside(invite, "a", "ACK", 2))
	p.respondAndEnd(call)
}

// outcomeOfChange is what came of a Reinvite.
type outcomeOfChange struct {
	answer string
	err    error
}

// changing returns what begins a change of the session, with that offer, and where the
// result of each comes.
func changing(t *testing.T, call *Call, offer string) (change func(), results <-chan outcomeOfChange) {
	done := make(chan outcomeOfChange, 1)
	return func() {
		go func() {
			answer, err := call.Reinvite(t.Context(), []byte(offer))
			done <- outcomeOfChange{string(answer), err}
		}()
	}, done
}

func TestReinvite(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{Username: "u", Password: "p"}, Invite{})
	change, results := changing(t, call, "v=0 changed")
	change()
	re := p.expect("INVITE")
	if re.seq() != invite.seq()+1 || re.body != "v=0 changed" || re.param("To", "tag") != "a" || re.uri() != "sip:peer@"+p.addr {
		t.Errorf("%s", re)
	}
	p.send(p.inside(invite, "a", "INVITE", 2, testOffer)) // theirs at the same time
	p.expect("491")
	p.send(p.inside(invite, "a", "ACK", 2))
	p.respond(re, "100 Trying", "", "")
	p.respond(re, "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="r", nonce="n"`)
	p.expect("ACK")
	re = p.expect("INVITE")
	p.respond(re, "200 OK", "", "v=0 agreed", "Contact: <sip:moved@"+p.addr+">")
	ack := p.expect("ACK")
	if ack.seq() != re.seq() || ack.uri() != "sip:moved@"+p.addr {
		t.Errorf("%s", ack)
	}
	if r := receive(t, results, "answer"); r.err != nil || r.answer != "v=0 agreed" {
		t.Errorf("%+v", r)
	}
	p.respond(re, "200 OK", "", "v=0 agreed") // again: ACK again
	if m := p.takeKind("ACK"); m.seq() != re.seq() {
		t.Errorf("%s", m)
	}

	change() // refused
	p.respond(p.expect("INVITE"), "488 Not Acceptable Here", "", "")
	p.expect("ACK")
	if r := receive(t, results, "refusal"); !errors.Is(r.err, ErrRefused) {
		t.Errorf("%+v", r)
	}
	change() // glare: again after 2.1 to 4 s
	p.respond(p.expect("INVITE"), "491 Request Pending", "", "")
	p.expect("ACK")
	p.respond(p.expect("INVITE"), "200 OK", "", "v=0 late")
	p.expect("ACK")
	if r := receive(t, results, "answer"); r.answer != "v=0 late" {
		t.Errorf("%+v", r)
	}
	change() // the dialog is lost there: it ends here too
	p.respond(p.expect("INVITE"), "481 Call Does Not Exist", "", "")
	p.expect("ACK")
	if r := receive(t, results, "end"); !errors.Is(r.err, ErrEnded) {
		t.Errorf("%+v", r)
	}
	p.respond(p.expect("BYE"), "481 Call Does Not Exist", "", "")
	next[Ended](t, call)
	over(t, call)
	if _, err := call.Reinvite(t.Context(), nil); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// Both endpoints change the session of one call at once: both get through.
func TestGlare(t *testing.T) {
	t.Parallel()
	trunk, incoming := pair(t, "udp")
	answer := func(offer []byte) ([]byte, error) { return append([]byte("re "), offer...), nil }
	call := place(t, trunk, Invite{OnOffer: answer})
	up, err := receive(t, incoming, "INVITE").Answer([]byte(testAnswer), answer)
	if err != nil {
		t.Fatal(err)
	}
	next[Answered](t, call)
	var both sync.WaitGroup
	for _, c := range []*Call{call, up} {
		both.Go(func() {
			if got, err := c.Reinvite(t.Context(), []byte("v=0")); err != nil || string(got) != "re v=0" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	both.Wait()
	call.Hangup(CauseNormal)
	next[Ended](t, call)
	next[Ended](t, up)
}

// Nobody waits for a re-INVITE any more: it is cancelled, and the call goes on.
func TestReinviteAbandoned(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := call.Reinvite(ctx, []byte("v=0 changed"))
		failed <- err
	}()
	re := p.expect("INVITE")
	p.respond(re, "100 Trying", "", "")
	p.send(p.inside(invite, "a", "INFO", 2)) // when it is answered, the 100 has been seen
	p.expect("200")
	cancel()
	if err := receive(t, failed, "end of Reinvite"); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	c := p.expect("CANCEL")
	if c.param("Via", "branch") != re.param("Via", "branch") || c.seq() != re.seq() {
		t.Errorf("%s", c)
	}
	p.respond(c, "200 OK", "", "")
	p.respond(re, "487 Request Terminated", "", "")
	p.expect("ACK")
	p.send(p.inside(invite, "a", "UPDATE", 3, "Content-Type: text/plain", "v=0"))
	p.expect("415")
	for seq := 4; ; seq++ { // until the call has seen the 487
		p.send(p.inside(invite, "a", "INVITE", seq, "Content-Type: text/plain", "v=0"))
		if res := p.takeKinds("415", "491"); res.kind() == "415" {
			break
		}
	}
	call.Hangup(CauseNormal) // the answers may come again, for want of ACKs
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	skipTo[Ended](t, call)
}

// A re-INVITE without any response fails; the call goes on.
func TestReinviteUnanswered(t *testing.T) {
	t.Parallel()
	_, p, call, _ := answered(t, TrunkConfig{}, Invite{})
	if _, err := call.Reinvite(t.Context(), []byte("v=0 changed")); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	p.takeKind("INVITE")
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}
