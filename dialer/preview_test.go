package dialer_test

import (
	"errors"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Campaign: "mode: preview", Talk: 200 * time.Millisecond})
	h.awaitAgent("a1001", api.AgentReady)
	if _, err := h.daemon.Preview(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("a preview of an empty list: %v", err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitTrunk()
	h.load(0, 2)
	show := func() string {
		t.Helper()
		s, err := h.daemon.Preview(t.Context(), "a1001")
		if err != nil {
			t.Fatal(err)
		}
		if s.State != api.AgentReserved || s.Lead == nil || s.Lead.Fields["name"] == "" {
			t.Fatalf("the preview shows %+v", s)
		}
		return s.Lead.Number
	}
	first := show()
	if _, err := h.daemon.Skip(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	if n := h.carrier.Report().Calls; n != 0 {
		t.Errorf("%d calls, and nobody said dial", n)
	}
	for i := range 2 {
		num := show()
		if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
			t.Fatal(err)
		}
		recs := h.awaitRecords(i + 1)
		if r := recs[i]; r.Number != num || r.Agent != "a1001" || r.Outcome != cdr.Person {
			t.Errorf("record %+v", r)
		}
		h.awaitAgent("a1001", api.AgentReady)
	}
	if !func() bool {
		for _, r := range h.records() {
			if r.Number == first {
				return true
			}
		}
		return false
	}() {
		t.Errorf("the skipped lead %s was never dialed", first)
	}
}

// show has a lead shown to the agent.
func (h *house) show() *api.LeadView {
	h.t.Helper()
	h.awaitTrunk()
	h.awaitAgent("a1001", api.AgentReady)
	s, err := h.daemon.Preview(h.t.Context(), "a1001")
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Lead
}

// awaitTrunk waits until calls can be placed.
func (h *house) awaitTrunk() {
	h.t.Helper()
	h.await("the trunk", func() bool {
		list, err := h.daemon.Trunks(h.t.Context())
		return err == nil && list[0].Usable
	})
}

// TestPreviewIsJudgedAgain holds that a lead which an agent has looked at for long is
// not dialed when its hours have ended meanwhile.
func TestPreviewIsJudgedAgain(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 1, Campaign: "mode: preview"}
	h := build(t, p)
	h.load(0, 1)
	h.show()
	there := time.Now().UTC().Add(-5 * time.Hour) // about Washington
	p.Hours = `["` + there.Add(6*time.Hour).Format("15") + ":00-" + there.Add(7*time.Hour).Format("15") + `:30"]`
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	if n := h.carrier.Report().Calls; n != 0 {
		t.Errorf("%d calls outside the calling hours", n)
	}
}

// TestPreviewWithoutACampaign holds that an agent is not left with a lead that cannot
// be dialed.
func TestPreviewWithoutACampaign(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "mode: preview"})
	h.load(0, 1)
	h.show()
	if _, err := h.daemon.StopCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Dial(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("dialing for a stopped campaign: %v", err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitLeads(1, "ready")
}

// TestPreviewLogout holds that who logs out amid a preview is offline, and the lead
// with the others.
func TestPreviewLogout(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "mode: preview"})
	h.load(0, 1)
	h.show()
	if _, err := h.daemon.Logout(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	h.awaitLeads(1, "ready")
}

func TestPreviewTakesTooLong(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "mode: preview\n    preview_limit: 1s"})
	h.load(0, 1)
	h.show()
	h.awaitAgent("a1001", api.AgentPaused)
	if s := h.agent("a1001"); s.Lead != nil || s.Reason == "" {
		t.Errorf("agent %+v", s)
	}
}

// TestPreviewOutlivesARestart holds that a lead which was looked at when the daemon
// ended can be had again at once.
func TestPreviewOutlivesARestart(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 1, Campaign: "mode: preview", Redis: peers.Redis(t).URL()}
	h := build(t, p)
	h.load(0, 1)
	first := h.show()
	h.quit()
	h.start(p)
	if again := h.show(); again.ID != first.ID {
		t.Errorf("lead %s, want %s", again.ID, first.ID)
	}
}

// TestOldCallLeavesTheNextPreviewAlone has an agent not pick up for the customer they
// previewed, and look at the next lead while the customer hears the message.
func TestOldCallLeavesTheNextPreviewAlone(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "mode: ring, ring_timeout: 30s", RingFor: time.Minute, Campaign: "mode: preview\n    abandon_after: 200ms"})
	h.load(0, 2)
	h.show()
	if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentRinging)
	h.show() // as soon as they are ready again
	if r := h.awaitRecords(1)[0]; r.Outcome != cdr.Abandoned {
		t.Errorf("record %+v", r)
	}
	if _, err := h.daemon.Skip(t.Context(), "a1001"); err != nil {
		t.Errorf("the second preview was taken from the agent: %v", err)
	}
}
