package sip

import (
	"errors"
	"fmt"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// A server that was given up for silence, and rings when the call is over, is cancelled:
// the next trunk may ring the same person.
func TestRingingAfterTheCallIsCancelled(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{AnswerTimeout: 100 * time.Millisecond}})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	if f := next[Failed](t, call); !f.Elsewhere || !errors.Is(f.Err, ErrTimeout) {
		t.Errorf("%+v", f)
	}
	over(t, call)
	eventually(t, "call forgotten", func() bool { return trunk.e.Stats().CallsUp == 0 })
	p.respond(invite, "180 Ringing", "a", "")
	cancel := p.expect("CANCEL")
	if cancel.seq() != invite.seq() || cancel.get("Via") != invite.get("Via") {
		t.Errorf("%s for %s", cancel, invite)
	}
	p.respond(cancel, "200 OK", "a", "")
	p.respond(invite, "180 Ringing", "a", "") // once is enough
	p.nothing()
}

// A response that is in the mailbox when the call comes to its end is not lost.
func TestRingingThatCrossesTheEndIsCancelled(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	e := trunk.e
	call := place(t, trunk, Invite{})
	message := p.expect("INVITE")
	p.respond(message, "486 Busy Here", "a", "")
	p.expect("ACK")
	next[Failed](t, call)
	over(t, call)
	invite := sipgo.NewRequest(sipgo.INVITE, sipgo.Uri{Host: "127.0.0.1"})
	invite.AppendHeader(&sipgo.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "127.0.0.1", Params: sipgo.HeaderParams{{K: "branch", V: branchCookie + "crossed"}}})
	invite.AppendHeader(&sipgo.FromHeader{Params: sipgo.HeaderParams{{K: "tag", V: "f"}}})
	invite.AppendHeader(&sipgo.ToHeader{})
	callID := sipgo.CallIDHeader("crossed")
	invite.AppendHeader(&callID)
	invite.AppendHeader(&sipgo.CSeqHeader{SeqNo: 1, MethodName: sipgo.INVITE})
	address(invite, path{transport: "udp", local: mustAddr(addrOf(t, e, "udp"))}, mustAddr(p.addr))
	e.silent.keep(invite)
	call.offer(sipgo.NewResponseFromRequest(invite, 180, "Ringing", nil))
	if cancel := p.expect("CANCEL"); cancel.get("Call-ID") != "crossed" {
		t.Errorf("%s", cancel)
	}
}

// The memory of INVITEs that were given up is bounded.
func TestSilentIsBounded(t *testing.T) {
	t.Parallel()
	var s silent
	s.init()
	for i := range 2 * maxSilent {
		req := sipgo.NewRequest(sipgo.INVITE, sipgo.Uri{Host: "127.0.0.1"})
		req.AppendHeader(&sipgo.ViaHeader{Params: sipgo.HeaderParams{{K: "branch", V: fmt.Sprint(i)}}})
		s.keep(req)
	}
	if n := len(s.known); n != maxSilent {
		t.Errorf("%d are known", n)
	}
}
