package sip

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

func tagged(tag string) func(*message) bool {
	return func(m *message) bool { return m.param("To", "tag") == tag }
}

const reliable183 = "Require: 100rel\r\nRSeq: 1"

// scenarios return what is wrong, "" for nothing.
var scenarios = []struct {
	name string
	play func(f *far) string
}{
	{"200 crosses our CANCEL", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "180 Ringing", "a", "")
		f.giveUp()
		cancel := f.takeKind("CANCEL")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.respond(cancel, "200 OK", "a", "")
		if f.await("ACK") == nil {
			return "no ACK"
		}
		bye := f.await("BYE")
		if bye == nil {
			return "no BYE: a ghost call"
		}
		f.respond(bye, "200 OK", "", "")
		return ""
	}},
	{"second 2xx of a fork", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		f.respond(invite, "200 OK", "b", testAnswer)
		if f.await("ACK", tagged("b")) == nil {
			return "no ACK with the second To tag"
		}
		bye := f.await("BYE", tagged("b"))
		if bye == nil {
			return "the second call is never ended"
		}
		f.respond(bye, "200 OK", "", "")
		return ""
	}},
	{"ACK after PRACK", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "183 Session Progress", "a", testAnswer, reliable183)
		f.respond(f.takeKind("PRACK"), "200 OK", "", "")
		f.respond(invite, "200 OK", "a", testAnswer)
		if ack := f.takeKind("ACK"); ack.seq() != invite.seq() {
			return fmt.Sprintf("ACK has CSeq %d, the INVITE %d", ack.seq(), invite.seq())
		}
		return ""
	}},
	{"CANCEL after PRACK", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "183 Session Progress", "a", testAnswer, reliable183, "Record-Route: <sip:"+f.addr+";lr>")
		f.respond(f.takeKind("PRACK"), "200 OK", "", "")
		f.giveUp()
		cancel := f.takeKind("CANCEL")
		f.respond(cancel, "200 OK", "", "")
		f.respond(invite, "487 Request Terminated", "a", "")
		switch {
		case cancel.seq() != invite.seq():
			return fmt.Sprintf("CANCEL has CSeq %d, the INVITE %d", cancel.seq(), invite.seq())
		case cancel.get("Route") != "":
			return "CANCEL has a Route that the INVITE has not"
		case cancel.get("Contact") != "":
			return "CANCEL has a Contact"
		}
		return ""
	}},
	{"more than ten responses", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		pace := time.NewTicker(5 * time.Millisecond) // too close on each other sipgo loses some
		defer pace.Stop()
		for range 30 {
			<-pace.C
			f.respond(invite, "180 Ringing", "a", "")
		}
		f.respond(invite, "200 OK", "a", testAnswer)
		if f.await("ACK") == nil {
			return "the answer gets no ACK"
		}
		return ""
	}},
	{"BYE is challenged", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		ended := make(chan error, 1)
		go func() { ended <- f.hangUp() }()
		bye := f.takeKind("BYE")
		f.respond(bye, "100 Trying", "", "")
		f.respond(bye, "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
		again := f.await("BYE", func(m *message) bool { return m.get("Proxy-Authorization") != "" })
		if again == nil {
			return fmt.Sprintf("no BYE with credentials: %v", <-ended)
		}
		f.respond(again, "200 OK", "", "")
		if err := <-ended; err != nil {
			return err.Error()
		}
		return ""
	}},
	{"BYE to a dialog that is gone", func(f *far) string {
		f.begin()
		f.respond(f.expect("INVITE"), "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		ended := make(chan error, 1)
		go func() { ended <- f.hangUp() }()
		f.respond(f.takeKind("BYE"), "481 Call/Transaction Does Not Exist", "", "")
		if err := <-ended; err != nil {
			return err.Error()
		}
		return ""
	}},
	{"a proceeding INVITE lives for ever", func(f *far) string {
		f.begin()
		f.respond(f.expect("INVITE"), "180 Ringing", "a", "")
		f.wait += 65 * sipgo.T1 // longer than any timer of the transaction
		cancel := f.await("CANCEL")
		if cancel == nil {
			return "it rings on"
		}
		f.respond(cancel, "200 OK", "", "")
		return ""
	}},
}

func TestTraps(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			t.Run("sipgo's helper", func(t *testing.T) {
				t.Parallel()
				if !control(t) {
					return
				}
				p := newPeer(t, "127.0.0.1:9")
				fault := s.play(&far{p, newHelper(t, p, discard), absence})
				if fault == "" {
					t.Error("the fault is gone")
				}
				t.Log(fault)
			})
			t.Run("ours", func(t *testing.T) {
				t.Parallel()
				trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
				if fault := s.play(&far{p, &ours{t: t, trunk: trunk}, patience}); fault != "" {
					t.Error(fault)
				}
			})
		})
	}
}

// Every message has a goroutine of its own in sipgo: what follows close on each other
// comes mixed up, or not at all, before a 200. Ours: TestProvisionalOrder.
func TestProvisionalOrderOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "OK"}
	for range 300 {
		p := newPeer(t, "127.0.0.1:9")
		h := newHelper(t, p, discard)
		h.begin()
		invite := p.expect("INVITE")
		for _, phrase := range want[:8] {
			p.respond(invite, "183 "+phrase, "a", testAnswer)
		}
		p.respond(invite, "200 OK", "a", testAnswer)
		if err := receive(t, h.ended, "end"); err != nil {
			return // lost altogether
		}
		mixed := !slices.Equal(h.phrases, want)
		_ = h.ua.Close()
		if mixed {
			t.Logf("came as %q", h.phrases)
			return
		}
	}
	t.Error("the fault is gone")
}

// A failure that comes again is an error line each in sipgo, and ACKed up to T2 late.
func TestRetransmittedFailureOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	lines := make(chan string, 100)
	p := newPeer(t, "127.0.0.1:9")
	h := newHelper(t, p, logTo(lines))
	h.begin()
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	receive(t, h.ended, "end")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	t.Log(receive(t, lines, "line: the fault is gone"))
}

// Ours counts it and logs nothing.
func TestRetransmittedFailure(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	e := newEndpoint(t, Config{Logger: logTo(lines)})
	p := newPeer(t, addrOf(t, e, "udp"))
	call := place(t, newTrunk(t, e, TrunkConfig{Server: p.addr}), Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	next[Failed](t, call)
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	eventually(t, "counted", func() bool { return e.Stats().Retransmitted == 1 })
	if len(lines) > 0 {
		t.Errorf("logged %s", <-lines)
	}
}

// sipgo as it comes refuses 1300 bytes over UDP, and takes no other transport. That it is
// otherwise here is a variable of the process. Ours: TestLongMessages.
func TestLongMessageOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	sipgo.UDPMTUSize = 1500 // as it comes
	p := newPeer(t, "127.0.0.1:9")
	h := newHelper(t, p, discard)
	_, err := h.dialog.Invite(t.Context(), h.to, []byte(testOffer+"a="+strings.Repeat("y", 1300)), sipgo.NewHeader("Content-Type", sdpType))
	if !errors.Is(err, sipgo.ErrUDPMTUCongestion) {
		t.Fatalf("the fault is gone: %v", err)
	}
	t.Logf("refused: %v", err)
}
