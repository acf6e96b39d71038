package sip

import (
	"strings"
	"testing"
)

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
