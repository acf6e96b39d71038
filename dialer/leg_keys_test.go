package dialer_test

import (
	"testing"

	"ringpace/dialer/api"
)

// TestKeysBySIPInfo holds that what an agent presses for the customer goes by SIP INFO to a
// carrier that takes no telephone events, or that is to get keys so: each key once and in
// order, however the agent's phone sends them, and no code.
func TestKeysBySIPInfo(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]plan{
		"no events are taken": {NoEvents: true},
		"the trunk wants it":  {TrunkSet: "dtmf: info"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.Agents, p.AgentSet = 1, "wrap_up: 0s"
			h := build(t, p)
			h.load(0, 1)
			h.awaitAgent("a1001", api.AgentTalking)
			phone := h.line("1001")
			gets := func(keys string) {
				t.Helper()
				h.await(keys+" at the customer's", func() bool { return h.carrier.KeysByInfo(number(0)) == keys })
				if events := h.carrier.Keys(number(0)); events != "" {
					t.Errorf("%q came as telephone events", events)
				}
			}
			h.press("1001", "12*4")
			h.awaitAgent("a1001", api.AgentHold)
			h.press("1001", "*4")
			h.awaitAgent("a1001", api.AgentTalking)
			h.press("1001", "**3#")
			gets("12*3#")
			for _, key := range "45*46*47" {
				if err := phone.PressByInfo(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			gets("12*3#457")
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			h.awaitRecords(1)
		})
	}
}
