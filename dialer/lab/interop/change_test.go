package interop

import (
	"context"
	"errors"
	"strings"
	"testing"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
)

// resend is a re-INVITE of a script, with its answer checked.
func resend(seq int, body string, checks ...string) []peers.Step {
	return steps(peers.Request("INVITE", seq, body), peers.AwaitStatus(200, checks...), peers.Request("ACK", seq, ""))
}

// The far side holds in all three ways, comes back on another port with another
// codec, and asks for an offer.
func TestHoldAndChange(t *testing.T) {
	zero := strings.Replace(peers.Session(), "IN IP4 [media_ip]", "IN IP4 0.0.0.0", 1)
	moved := strings.NewReplacer("[media_port] RTP/AVP 8", "[media_port+2] RTP/AVP 0", "rtpmap:8 PCMA", "rtpmap:0 PCMU").Replace(peers.Session())
	const described = "Content-Type: application/sdp"
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		resend(1, peers.Session("a=sendonly"), described, "a=recvonly"),
		resend(2, peers.Session(), described, "a=sendrecv"),
		resend(3, peers.Session("a=inactive"), described, "a=inactive"),
		resend(4, peers.Session("a=sendrecv"), described, "a=sendrecv"),
		resend(5, zero, described, "m=audio [1-9]"),
		resend(6, moved, described, "RTP/AVP 0"),
		// Offerless: the 200 offers, the ACK answers.
		peers.Request("INVITE", 7, ""), peers.AwaitStatus(200, described, "a=sendrecv"), peers.Request("ACK", 7, peers.Session()),
		// UPDATE does the same (RFC 3311).
		peers.Request("UPDATE", 8, peers.Session("a=sendonly")), peers.AwaitStatus(200, described, "a=recvonly"),
		peers.Request("UPDATE", 9, peers.Session()), peers.AwaitStatus(200, described, "a=sendrecv"),
		end)...)
	c := place(t, trunk, sip.Invite{})
	if err := c.session.Accept(next[sip.Answered](c).Body); err != nil {
		t.Fatal(err)
	}
	if err := c.session.Accept(next[sip.SessionAnswer](c).Body); err != nil {
		t.Errorf("the answer in the ACK: %v", err)
	}
	eventually(t, "two UPDATEs", func() bool { return strings.Count(player.Messages(t), "CSeq: 9 UPDATE") >= 2 })
	if c.session.Held() {
		t.Error("still held")
	}
	c.finish()
	player.Finish(t)
}

// An offer that has nothing for us is refused, and the call stays as it was.
func TestRefusedChange(t *testing.T) {
	video := strings.Replace(peers.Session(), "m=audio [media_port] RTP/AVP 8", "m=video [media_port] RTP/AVP 31", 1)
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Request("INVITE", 1, video), peers.AwaitStatus(488), peers.Request("ACK", 1, ""), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	eventually(t, "a refusal", func() bool {
		return strings.Contains(player.Messages(t), "ACK sip:") && strings.Contains(player.Messages(t), " 488 ")
	})
	c.finish()
	player.Finish(t)
}

// A change of ours that is refused is reported, and the call stays as it was.
func TestOurChangeIsRefused(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Await("INVITE"), peers.ReplyAgain("488 Not Acceptable Here", ""), peers.Await("ACK"), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	if _, err := c.Reinvite(t.Context(), c.session.Offer()); !errors.Is(err, sip.ErrRefused) {
		t.Errorf("a refused change comes back with %v", err)
	}
	c.finish()
	player.Finish(t)
}

// Both sides change the session at once: theirs gets 491 from us while ours is
// under way, ours gets it from them and is sent again after a pause (RFC 3261
// section 14.1).
func TestGlare(t *testing.T) {
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		peers.Await("INVITE", "a=sendrecv"), peers.ReplyAgain("491 Request Pending", ""), peers.Await("ACK"),
		peers.Await("INVITE", "a=sendrecv"),
		peers.Request("INVITE", 1, peers.Session()), peers.AwaitStatus(491), peers.Request("ACK", 1, ""),
		peers.ReplyAgain("200 OK", peers.Session()), peers.Await("ACK"), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if answer, err := c.Reinvite(ctx, c.session.Offer()); err != nil || len(answer) == 0 {
		t.Errorf("re-INVITE: %q, %v", answer, err)
	}
	c.finish()
	player.Finish(t)
}

// Digits come in INFO, in both forms that are in use.
func TestDigitsInINFO(t *testing.T) {
	info := func(seq int, kind, body string) peers.Step {
		step := string(peers.Request("INFO", seq, body))
		return peers.Step(strings.Replace(step, "application/sdp", kind, 1))
	}
	trunk, player := script(t, sip.TrunkConfig{}, steps(peers.Await("INVITE"), answer,
		info(1, "application/dtmf-relay", "Signal=5\nDuration=160\n"), peers.AwaitStatus(200),
		info(2, "application/dtmf", "#"), peers.AwaitStatus(200), end)...)
	c := place(t, trunk, sip.Invite{})
	next[sip.Answered](c)
	for _, want := range "5#" {
		if digit := next[sip.Digit](c); digit.Digit != want {
			t.Errorf("digit %c, want %c", digit.Digit, want)
		}
	}
	c.finish()
	player.Finish(t)
}
