package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/sip/resolve"
	"ringpace/sip/wire"
)

// The session as this side has it, when asked for an offer.
const standing = "v=0\r\no=- 1 7 IN IP4 127.0.0.1\r\ns=standing\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

func standingOffer(offer []byte) ([]byte, error) {
	if offer != nil {
		return nil, errors.New("not in this test")
	}
	return []byte(standing), nil
}

// reconciled checks that the far side is offered the session that this side has.
func reconciled(t *testing.T, p *peer, call *Call) {
	t.Helper()
	offered := func(other int) *message {
		for {
			if m := p.takeKind("INVITE"); m.body == standing && m.seq() != other {
				return m // and not the one before, sent again
			}
		}
	}
	again := offered(0)
	p.respond(again, "491 Request Pending", "", "") // the far side is changing it as well
	again = offered(again.seq())
	p.respond(again, "200 OK", "", testAnswer)
	for p.takeKind("ACK").seq() != again.seq() { // those to the 491 come before
	}
	if ev := next[SessionAnswer](t, call); string(ev.Body) != testAnswer {
		t.Errorf("%q", ev.Body)
	}
}

// reinvite returns the next INVITE inside the dialog; the one that opened it may come
// again before.
func reinvite(p *peer) *message {
	p.t.Helper()
	m := p.takeKind("INVITE")
	for m.param("To", "tag") == "" {
		m = p.takeKind("INVITE")
	}
	return m
}

// A 2xx to a re-INVITE that nobody waits for any more is ACKed, and what it agreed to is
// undone: else each side would have a session of its own.
func TestAnswerToAbandonedReinvite(t *testing.T) {
	t.Parallel()
	_, p, call, _ := answered(t, TrunkConfig{}, Invite{OnOffer: standingOffer})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { _, err := call.Reinvite(ctx, []byte(testOffer)); result <- err }()
	re := reinvite(p)
	cancel()
	if err := receive(t, result, "end of Reinvite"); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
	p.respond(re, "200 OK", "", testAnswer)
	if ack := p.takeKind("ACK"); ack.seq() != re.seq() {
		t.Errorf("%s", ack)
	}
	reconciled(t, p, call)
}

// The same when the re-INVITE's transaction is long gone.
func TestAnswerAfterReinviteTimedOut(t *testing.T) {
	t.Parallel()
	_, p, call, _ := answered(t, TrunkConfig{}, Invite{OnOffer: standingOffer})
	if _, err := call.Reinvite(t.Context(), []byte(testOffer)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("%v", err)
	}
	re := reinvite(p)
	for range 2 {
		p.respond(re, "200 OK", "", testAnswer)
		if ack := p.takeKind("ACK"); ack.seq() != re.seq() || ack.param("To", "tag") != "a" {
			t.Errorf("%s", ack)
		}
	}
	reconciled(t, p, call)
}

// A 2xx whose Contact is a name that the name service says nothing about: the call is up
// at once, and the ACK goes where the 2xx came from.
func TestAnswerDoesNotWaitForNameService(t *testing.T) {
	t.Parallel()
	hole, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hole.Close() })
	e := newEndpoint(t, Config{Resolver: resolve.Config{Servers: []netip.AddrPort{wire.AddrPort(hole.LocalAddr())}, Timeout: patience}})
	p := newPeer(t, addrOf(t, e, "udp"))
	call := place(t, newTrunk(t, e, TrunkConfig{Server: p.addr}), Invite{})
	invite := p.expect("INVITE")
	begun := time.Now()
	p.respond(invite, "200 OK", "a", testAnswer, "Contact: <sip:peer@inside.carrier.test:5060>")
	next[Answered](t, call)
	ack := p.expect("ACK")
	if waited := time.Since(begun); waited >= wire.SendTimeout {
		t.Errorf("the call waited %s for a name", waited)
	}
	if !strings.Contains(ack.uri(), "inside.carrier.test") {
		t.Errorf("%s", ack)
	}
	p.send(p.inside(invite, "a", "BYE", 1))
	p.takeKind("200")
	next[Ended](t, call)
}

// A far side of RFC 2543 answers without a To tag: its call is ACKed, however often the
// 2xx comes, and lives on with a null tag (RFC 3261 sections 12.1.2 and 12.2.2).
func TestAnswerWithoutTag(t *testing.T) {
	t.Parallel()
	for _, byUs := range []bool{true, false} {
		trunk, p := script(t, TrunkConfig{})
		call := place(t, trunk, Invite{})
		invite := p.expect("INVITE")
		for range 2 {
			p.respond(invite, "200 OK", "", testAnswer)
			if ack := p.takeKind("ACK"); ack.seq() != invite.seq() || strings.Contains(ack.get("To"), "tag=") {
				t.Errorf("%s", ack)
			}
		}
		next[Answered](t, call)
		if byUs {
			call.Hangup(CauseNormal)
			bye := p.takeKind("BYE")
			if bye.seq() <= invite.seq() || strings.Contains(bye.get("To"), "tag=") {
				t.Errorf("%s", bye)
			}
			p.respond(bye, "200 OK", "", "")
		} else {
			p.send(strings.Replace(p.inside(invite, "none", "BYE", 1), ";tag=none", "", 1))
			p.takeKind("200")
		}
		next[Ended](t, call)
	}
}

// The same after our CANCEL: nobody wants the call, so it is ended.
func TestUnwantedAnswerWithoutTag(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("CANCEL"), "200 OK", "a", "")
	p.respond(invite, "200 OK", "", testAnswer)
	if ack := p.takeKind("ACK"); ack.seq() != invite.seq() {
		t.Errorf("%s", ack)
	}
	bye := p.takeKind("BYE")
	p.respond(bye, "200 OK", "", "")
	next[Failed](t, call)
}
