package interop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
	"ringpace/sip/resolve"
	"ringpace/sip/resolve/resolvetest"
)

// reliably is a provisional response that must be acknowledged (RFC 3262), and its
// PRACK.
func reliably(status, body, rseq string) []peers.Step {
	return steps(peers.Reply(status, body, "Require: 100rel", "RSeq: "+rseq),
		peers.Await("PRACK", "RAck: "+rseq+" [0-9]+ INVITE"), peers.ReplyLast("200 OK", ""))
}

// Reliable provisional responses: announced, or demanded by us; and the session is
// changed by UPDATE while it rings (RFC 3311).
func TestReliableProvisionalResponses(t *testing.T) {
	for policy, want := range map[sip.Reliability]string{
		sip.ReliableSupported: "Supported: .*100rel",
		sip.ReliableRequired:  "Require: .*100rel",
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			trunk, player := script(t, sip.TrunkConfig{Policy: sip.Policy{Reliable: policy}}, steps(
				peers.Await("INVITE", want),
				reliably("183 Session Progress", peers.Session(), "10"),
				peers.Request("UPDATE", 1, peers.Session("a=sendonly")), peers.AwaitStatus(200, "a=recvonly"),
				peers.Request("UPDATE", 2, peers.Session()), peers.AwaitStatus(200, "a=sendrecv"),
				reliably("180 Ringing", "", "11"),
				peers.Reply("200 OK", ""), peers.Await("ACK"), end)...)
			c := place(t, trunk, sip.Invite{})
			if p := next[sip.Progress](c); p.Status != 183 || c.session.Accept(p.Body) != nil {
				t.Errorf("progress %+v", p)
			}
			next[sip.Answered](c)
			c.finish()
			player.Finish(t)
		})
	}
}

// Session timers (RFC 4028): the far side wants a longer interval, then either side
// refreshes.
func TestSessionTimers(t *testing.T) {
	for _, refresher := range []string{"uac", "uas"} {
		t.Run(refresher, func(t *testing.T) {
			t.Parallel()
			trunk, player := script(t, sip.TrunkConfig{Policy: sip.Policy{SessionExpires: 90 * time.Second}}, steps(
				peers.Await("INVITE", "Session-Expires: 90", "Supported: .*timer"),
				peers.Reply("422 Session Interval Too Small", "", "Min-SE: 600"), peers.Await("ACK"),
				peers.Await("INVITE", "Session-Expires: 600", "Min-SE: 600"),
				peers.Reply("200 OK", peers.Session(), "Require: timer", "Session-Expires: 600;refresher="+refresher), peers.Await("ACK"),
				// A refresh of theirs is answered with the same timer.
				peers.Request("UPDATE", 1, "", "Supported: timer", "Session-Expires: 600;refresher=uac"),
				peers.AwaitStatus(200, "Session-Expires: 600;refresher=uac", "Require: .*timer"),
				end)...)
			c := place(t, trunk, sip.Invite{})
			next[sip.Answered](c)
			eventually(t, "a refresh", func() bool { return strings.Count(player.Messages(t), "CSeq: 1 UPDATE") >= 2 })
			c.finish()
			player.Finish(t)
		})
	}
}

// An interval below our least is refused when somebody calls us.
func TestSessionTimerOfACaller(t *testing.T) {
	calledWith(t, sip.Config{Policy: sip.Policy{SessionExpires: 2 * time.Minute}}, "udp", take,
		peers.Send("INVITE", callee, 1, peers.Session(), "Supported: timer", "Session-Expires: 30"),
		peers.AwaitStatus(422, "Min-SE: 90"), peers.Send("ACK", callee, 1, ""),
		peers.Send("INVITE", callee, 2, peers.Session(), "Supported: timer", "Session-Expires: 90;refresher=uac", "Min-SE: 90"),
		peers.AwaitStatus(180), peers.AwaitStatus(200, "Session-Expires: 90;refresher=uac"),
		peers.Send("ACK", "[next_url]", 2, ""), peers.Send("BYE", "[next_url]", 3, ""), peers.AwaitStatus(200)).Finish(t)
}

// A redirection is followed where the policy says so, and there only to hosts that
// it names.
func TestRedirection(t *testing.T) {
	target := peers.Play(t, peers.Script{Steps: steps(peers.Await("INVITE"), answer, end)})
	trunk, player := script(t, sip.TrunkConfig{Domain: "carrier.example", Policy: sip.Policy{Redirect: sip.RedirectFollow, RedirectHosts: []string{"127.0.0.1"}}},
		peers.Await("INVITE"),
		peers.Reply("302 Moved Temporarily", "", "Contact: <sip:+88213@198.51.100.1>, <sip:+4930@"+target.Addr().String()+">"),
		peers.Await("ACK"))
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	c.finish()
	player.Finish(t)
	target.Finish(t)
}

// A blind transfer: REFER is taken on, and news of it sent (RFC 3515).
func TestBlindTransfer(t *testing.T) {
	notify := func(status string) []peers.Step {
		return steps(peers.Await("NOTIFY", "Event: refer", "Content-Type: message/sipfrag", "SIP/2.0 "+status), peers.ReplyLast("200 OK", ""))
	}
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Request("REFER", 1, "", "Refer-To: <sip:1002@pbx.example>", "Referred-By: <sip:1001@pbx.example>"),
		peers.AwaitStatus(202), notify("100"), notify("200"), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	referral := next[sip.Referred](c).Referral
	if _, attended := referral.Replaces(); attended || referral.Target() != "1002" || !strings.Contains(referral.By(), "1001") {
		t.Errorf("transfer to %s by %s", referral.Target(), referral.By())
	}
	if err := referral.Accept(); err != nil {
		t.Fatal(err)
	}
	referral.Progress(200, "OK")
	eventually(t, "the last news", func() bool { return strings.Count(player.Messages(t), " NOTIFY\r\n") >= 4 })
	c.finish()
	player.Finish(t)
}

// An attended transfer names the call that is to be replaced (RFC 3891); one that
// nobody takes on is declined.
func TestAttendedTransfer(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Request("REFER", 1, "", "Refer-To: <sip:1002@pbx.example?Replaces=abc%40pbx%3Bto-tag%3Dt1%3Bfrom-tag%3Df1>"),
		peers.AwaitStatus(603), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	referral := next[sip.Referred](c).Referral
	id, attended := referral.Replaces()
	if !attended || id != (sip.ReplacesID{CallID: "abc@pbx", ToTag: "t1", FromTag: "f1"}) {
		t.Errorf("transfer replaces %+v, %t", id, attended)
	}
	referral.Reject(603)
	eventually(t, "the refusal", func() bool { return strings.Contains(player.Messages(t), " 603 ") })
	c.finish()
	player.Finish(t)
}

// We take the place of a call at the far side, and nobody takes the place of one
// that we do not have.
func TestReplaces(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{}, steps(
		peers.Await("INVITE", "Replaces: abc@pbx;to-tag=t1;from-tag=f1", "Require: .*replaces|Supported: .*replaces"), answer, end)...)
	c := place(t, trunk, sip.Invite{Replaces: &sip.ReplacesID{CallID: "abc@pbx", ToTag: "t1", FromTag: "f1"}})
	next[sip.Answered](c)
	c.finish()
	player.Finish(t)

	called(t, "udp", take, peers.Send("INVITE", callee, 1, peers.Session(), "Replaces: nobody@nowhere;to-tag=1;from-tag=2"),
		peers.AwaitStatus(481), peers.Send("ACK", callee, 1, "")).Finish(t)
}

// An INVITE without offer: the answer goes into the ACK.
func TestLateOffer(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{Policy: sip.Policy{LateOffer: true}}, steps(
		peers.Await("INVITE", "!Content-Type"), peers.Reply("200 OK", peers.Session()),
		peers.Await("ACK", "Content-Type: application/sdp", "m=audio"), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	c.finish()
	player.Finish(t)
}

// The next server of a trunk is asked when the first is overloaded, or silent, and
// the call is one call.
func TestNextServer(t *testing.T) {
	second := peers.Play(t, peers.Script{Steps: steps(peers.Await("INVITE"), answer, end)})
	first := peers.Play(t, peers.Script{Steps: steps(peers.Await("INVITE"), peers.Reply("503 Service Unavailable", ""), peers.Await("ACK"))})
	names := resolvetest.Serve(t, fmt.Sprintf("_sip._udp.carrier.example. 60 IN SRV 1 1 %d one.carrier.example.\n"+
		"_sip._udp.carrier.example. 60 IN SRV 2 1 %d one.carrier.example.\none.carrier.example. 60 IN A 127.0.0.1\n",
		first.Addr().Port(), second.Addr().Port()))
	e := newEndpoint(t, sip.Config{Resolver: resolve.Config{Servers: []netip.AddrPort{names.Addr()}}})
	trunk := newTrunk(t, e, sip.TrunkConfig{Server: "carrier.example"})
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	c.finish()
	first.Finish(t)
	second.Finish(t)
}
