package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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

// A client transaction waits for ever once it rings (RFC 3261 section 17.1.1.2): the ring
// timeout must end it.
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
