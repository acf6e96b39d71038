package dialer_test

import (
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/sip"
)

// TestNoAnswerThatCrossesTheAnswer has the callee pick up as the ring timeout ends the
// call: the record says that somebody did, what became of them, and who ended it.
func TestNoAnswerThatCrossesTheAnswer(t *testing.T) {
	t.Parallel()
	carrier := crossingCarrier(t)
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", RingTimeout: time.Second, Campaign: "max_attempts: 1", Trunk: carrier.trunk()})
	h.load(0, 1)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Abandoned || r.SIPStatus != 200 || r.HungUpBy != cdr.Ringpace || r.Marks.Answered.Before(r.Marks.Ringing) || r.Agent != "" ||
		r.Q850 != int(sip.CauseNoAnswer) || !strings.HasPrefix(r.SIPReason, "No answer within 1s; ") || !strings.Contains(r.SIPReason, "may bill") {
		t.Errorf("record %+v", r)
	}
	h.await("a BYE", func() bool { return len(carrier.requests("BYE")) == 1 })
}

// TestGivingUpThatCrossesTheAnswer has the callee pick up as pacing gives the call up: they
// have answered, and were abandoned, in the record and in the ledger.
func TestGivingUpThatCrossesTheAnswer(t *testing.T) {
	t.Parallel()
	carrier := crossingCarrier(t)
	h := build(t, plan{
		Agents: 1, RingTimeout: time.Minute, LeastRing: time.Second, Trunk: carrier.trunk(),
		Campaign: "mode: predictive\n    max_attempts: 1",
	})
	h.load(0, 1)
	h.await("a telephone that rings", func() bool {
		calls, err := h.daemon.Calls(t.Context())
		return err == nil && len(calls) == 1 && calls[0].State == api.CallRinging
	})
	if _, err := h.daemon.Pause(t.Context(), "a1001", "break"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Abandoned || !r.GivenUp || r.SIPStatus != 200 || r.HungUpBy != cdr.Ringpace {
		t.Errorf("record %+v", r)
	}
	h.await("the ledger to count them", func() bool {
		w := h.prospect().Windows
		return len(w) == 2 && w[0].Answered == 1 && w[0].Abandoned == 1 && w[1].Answered == 1 && w[1].Abandoned == 1
	})
}

// crossingCarrier has callees who pick up at the moment that they are given up.
func crossingCarrier(t *testing.T) *scriptedCarrier {
	return newScriptedCarrier(t, func(m packet) (replies []string) {
		const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8\r\n"
		switch m.method() {
		case "INVITE":
			return []string{m.reply("180 Ringing", "")}
		case "CANCEL":
			invite := m.before
			return []string{m.reply("200 OK", ""), invite.reply("200 OK", sdp)}
		case "BYE":
			return []string{m.reply("200 OK", "")}
		}
		return nil
	})
}

// TestMarksAreInOrder holds that nobody speaks before they have called, or answered: the
// first packet is of 20 ms before it.
func TestMarksAreInOrder(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Tones: true, NoCalls: true})
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.hears("the caller", c.Hears, phoneHz, true)
	h.hears("the agent", h.line("1001").Hears, callerHz, true)
	h.talkOn(c)
	c.Hangup()
	m := h.awaitInbound().Marks
	last := time.Time{}
	for i, at := range []time.Time{m.Invite, m.Ringing, m.Answered, m.SpeechStart, m.TalkEnded, m.Ended} {
		if at.IsZero() || at.Before(last) {
			t.Errorf("mark %d of %+v", i, m)
		}
		last = at
	}
}
