package dialer_test

import (
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// TestWhoIsRefused holds whom the screening turns away, and how.
func TestWhoIsRefused(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, NoLogin: true, NoCalls: true,
		Campaign: "inbound: {anonymous: reject, blocked: [\"+1900*\"], max_calls: 1, agent_patience: 2m}",
	})
	h.await("the registration", h.carrier.Registered)
	call := func(from, to string) *lab.Caller {
		t.Helper()
		c, err := h.carrier.Call(t.Context(), from, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	waiting := call(number(5), official)
	h.await("the first call ringing", func() bool { return waiting.Status() == 180 })
	for _, c := range []struct {
		from, to string
		status   int
		rule     string // "" leaves no record
	}{
		{number(6), "+12025550199", 404, ""},
		{"+19005551234", official, 603, "blocked"},
		{"", official, 433, "anonymous"},
		{number(6), official, 486, "max_calls"},
	} {
		caller := call(c.from, c.to)
		h.awaitOver(caller)
		if caller.Status() != c.status {
			t.Errorf("%q to %s got %d, want %d", c.from, c.to, caller.Status(), c.status)
		}
		if c.rule != "" {
			h.await("the record of "+c.rule, func() bool {
				in := h.inbounds()
				return len(in) > 0 && in[len(in)-1].Rule == c.rule
			})
		}
	}
	waiting.Hangup()
	h.await("its record", func() bool { return len(h.inbounds()) == 4 })
	if r := h.inbounds()[3]; r.Outcome != cdr.Abandoned || r.HungUpBy != cdr.Customer || !r.Marks.Answered.IsZero() {
		t.Errorf("record of who gave up %+v", r)
	}
	h.await("the figures", func() bool { s := h.campaign(); return s.Inbound.Calls == 4 && s.Inbound.Abandoned == 1 })
	if s := h.campaign(); s.Abandoned != 0 {
		t.Errorf("figures %+v", s)
	}
	again := call(number(6), official) // the number is free again
	h.await("it rings", func() bool { return again.Status() == 180 })
	again.Hangup()
	h.awaitOver(again)
	if s, err := h.daemon.Status(t.Context()); err != nil || s.SIP.Misdialed != 1 {
		t.Errorf("status %+v, %v", s.SIP, err)
	}
}

// TestAnonymousCaller holds that somebody who hides their number is taken, and offered
// no callback.
func TestAnonymousCaller(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, NoLogin: true, NoCalls: true, Media: "tones: {failed: 0s}", Campaign: "inbound: {agent_patience: 1s, callback: auto, prompts: {busy: off}}"})
	c := h.callIn("")
	h.awaitOver(c)
	if r := h.awaitInbound(); r.Number != "" || r.Callback != nil || r.Outcome != cdr.NoAnswer {
		t.Errorf("record %+v", r)
	}
}

// TestOptedOutCaller holds that somebody on the do-not-call list may call, that the agent
// sees it, and that they are not offered a callback that could never be made.
func TestOptedOutCaller(t *testing.T) {
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Media: "tones: {failed: 0s}", Campaign: "inbound: {agent_patience: 1s, callback: auto, prompts: {busy: off}}"})
	if _, err := h.daemon.AddDoNotCall(t.Context(), "", []string{number(5)}); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	if l := h.agent("a1001").Lead; l.DoNotCall != number(5) {
		t.Errorf("the agent sees %+v", l)
	}
	second := h.callIn(number(5)) // nobody is free for this one
	h.awaitOver(second)
	h.await("its record", func() bool { return len(h.inbounds()) == 1 })
	if r := h.inbounds()[0]; r.Callback != nil {
		t.Errorf("a callback to somebody on the do-not-call list: %+v", r)
	}
	c.Hangup()
}
