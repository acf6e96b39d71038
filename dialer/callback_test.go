package dialer_test

import (
	"strings"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// TestCallbackIsKeptAndDialed holds what becomes of a caller for whom no agent is there:
// the announcement, the callback by key, and its call before the rest of the list, with
// the agent told that it was asked for.
func TestCallbackIsKeptAndDialed(t *testing.T) {
	press := map[string]func(*testing.T, *lab.Caller) error{
		"by RFC 4733": func(_ *testing.T, c *lab.Caller) error { return c.Press("31") }, // 3 means nothing
		"by INFO":     func(t *testing.T, c *lab.Caller) error { return c.PressByInfo(t.Context(), '1') },
		"auto":        nil,
	}
	for how, pressed := range press {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			callback := "key"
			if pressed == nil {
				callback = "auto"
			}
			h := build(t, plan{
				Agents: 1, NoLogin: true, NoCalls: true,
				Campaign: "inbound: {agent_patience: 1s, callback: " + callback + ", prompts: {busy: off}}",
			})
			h.load(1, 9)
			c := h.callIn(number(5))
			h.await("the announcement", c.Answered)
			if pressed != nil {
				if err := pressed(t, c); err != nil {
					t.Fatal(err)
				}
			}
			h.await("the callback", func() bool { s := h.campaign(); return s.Inbound.Callbacks == 1 })
			h.awaitOver(c)
			r := h.awaitInbound()
			if r.Outcome != cdr.NoAnswer || r.Callback == nil || r.Message != "busy" || r.Agent != "" || !r.Queued || r.Recording != nil {
				t.Errorf("record %+v", r)
			}
			x, err := h.daemon.ExplainLead(t.Context(), "test", r.LeadID)
			if err != nil || !strings.Contains(x.Summary, "callback asked for by the caller at") {
				t.Errorf("explained as %q, %v", x.Summary, err)
			}
			h.startCalls("a1001")
			h.await("the call to who asked", func() bool { return len(h.carrier.Calls()) > 0 })
			if first := h.carrier.Calls()[0].Number; first != number(5) {
				t.Errorf("%s was called first", first)
			}
			h.awaitAgent("a1001", api.AgentTalking)
			if l := h.agent("a1001").Lead; l.Asked.IsZero() || l.Number != number(5) {
				t.Errorf("the agent sees %+v", l)
			}
			if _, err := h.daemon.StopCampaign(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
