package interop

import (
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
)

// answer is a script's answer to a call, and end its taking of our BYE.
var (
	answer = []peers.Step{peers.Reply("200 OK", peers.Session()), peers.Await("ACK")}
	end    = []peers.Step{peers.Await("BYE"), peers.ReplyLast("200 OK", "")}
)

// steps puts steps and lists of them together.
func steps(parts ...any) []peers.Step {
	var all []peers.Step
	for _, part := range parts {
		switch part := part.(type) {
		case peers.Step:
			all = append(all, part)
		case []peers.Step:
			all = append(all, part...)
		}
	}
	return all
}

// Early media may come in any provisional response.
func TestEarlyMedia(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			trunk, player := script(t, sip.TrunkConfig{Transport: transport}, steps(
				peers.Await("INVITE", "Content-Type: application/sdp"),
				peers.Reply("180 Ringing", peers.Session()),
				peers.Wait(100*time.Millisecond),
				peers.Reply("183 Session Progress", peers.Session("a=ptime:20")),
				peers.Wait(100*time.Millisecond), answer, end)...)
			c := place(t, trunk, sip.Invite{})
			for _, status := range []int{180, 183} {
				if p := next[sip.Progress](c); p.Status != status || c.session.Accept(p.Body) != nil {
					t.Errorf("progress %d %q, want %d with a description", p.Status, p.Body, status)
				}
			}
			next[sip.Answered](c)
			c.finish()
			player.Finish(t)
		})
	}
}

// How a carrier refuses, and what becomes of it.
func TestRefusals(t *testing.T) {
	cases := []struct {
		name   string
		reply  peers.Step
		status int
		class  sip.FailureClass
		q850   int
		retry  time.Duration
	}{
		{"busy", peers.Reply("486 Busy Here", "", "Reason: Q.850;cause=17;text=\"User busy\""), 486, sip.Busy, 17, 0},
		{"unallocated", peers.Reply("404 Not Found", "", "Reason: Q.850;cause=1"), 404, sip.InvalidNumber, 1, 0},
		{"declined", peers.Reply("603 Decline", ""), 603, sip.Rejected, 0, 0},
		{"blocked", peers.Reply("608 Rejected", ""), 608, sip.Blocked, 0, 0},
		{"congestion", peers.Reply("503 Service Unavailable", "", "Retry-After: 7 (too many)"), 503, sip.Congestion, 0, 7 * time.Second},
		{"redirected", peers.Reply("302 Moved Temporarily", "", "Contact: <sip:+88213@198.51.100.1>"), 302, "", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trunk, player := script(t, sip.TrunkConfig{}, peers.Await("INVITE"), c.reply, peers.Await("ACK"))
			failed := next[sip.Failed](place(t, trunk, sip.Invite{}))
			if failed.Status != c.status || failed.Q850 != c.q850 || failed.RetryAfter != c.retry || c.class != "" && failed.Class != c.class {
				t.Errorf("failed with %+v", failed)
			}
			player.Finish(t)
		})
	}
}

// Giving up: before the answer by CANCEL, with its cause; when the 200 crosses it,
// the call that nobody wants is acknowledged and ended.
func TestCancel(t *testing.T) {
	cancelled := peers.ReplyLast("200 OK", "")
	cases := map[string][]peers.Step{
		"487": steps(cancelled, peers.Reply("487 Request Terminated", ""), peers.Await("ACK")),
		"200": steps(cancelled, peers.Reply("200 OK", peers.Session()), peers.Await("ACK"), end),
		"486": steps(cancelled, peers.Reply("486 Busy Here", ""), peers.Await("ACK")),
	}
	for name, then := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trunk, player := script(t, sip.TrunkConfig{}, steps(
				peers.Await("INVITE"), peers.Reply("180 Ringing", ""),
				peers.Await("CANCEL", "Reason: Q.850;cause=16", "!Contact:", "!Content-Type:"), then)...)
			c := place(t, trunk, sip.Invite{})
			next[sip.Progress](c)
			c.Hangup(sip.CauseNormal)
			if failed := next[sip.Failed](c); failed.Class != sip.Cancelled {
				t.Errorf("failed with %+v", failed)
			}
			player.Finish(t)
		})
	}
}

// The strongest challenge is answered, whichever comes first, also of INVITE and
// BYE.
func TestChallenges(t *testing.T) {
	const (
		md5    = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", algorithm=MD5, qop=\"auth\""
		sha256 = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth,auth-int\", opaque=\"o\""
	)
	trunk, player := script(t, sip.TrunkConfig{Password: "secret"}, steps(
		peers.Await("INVITE", "!Authorization"),
		peers.Reply("407 Proxy Authentication Required", "", md5, sha256), peers.Await("ACK"),
		peers.Await("INVITE", "Proxy-Authorization: Digest.*algorithm=SHA-256", "nonce=.n2", "opaque=.o", "nc=00000001"),
		answer,
		peers.Await("BYE"),
		peers.ReplyLast("401 Unauthorized", "", "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n3\", algorithm=MD5, qop=\"auth\""),
		peers.Await("BYE", "Authorization: Digest.*nonce=.n3"), peers.ReplyLast("200 OK", ""))...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	c.finish()
	player.Finish(t)
}

// Why a call ended goes both ways.
func TestReasons(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Request("BYE", 1, "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=31;text=\"Normal, unspecified\""),
		peers.AwaitStatus(200))...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	if ended := next[sip.Ended](c); ended.ByUs || ended.Q850 != 31 {
		t.Errorf("ended: %+v", ended)
	}
	player.Finish(t)
}
