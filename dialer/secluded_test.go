package dialer_test

import (
	"testing"
)

// TestSupervisorDoesNotHearWhoIsOnHold has a supervisor on the line while a customer is put
// on hold and taken back, and come while they are on hold: as long as the agent does not
// hear the customer, nor does the supervisor.
func TestSupervisorDoesNotHearWhoIsOnHold(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Tones: true, NoLogin: true, AgentSet: "wrap_up: 0s, supervisor: true"})
	boss := h.pbx.Extension("1002")
	h.logIn("a1001")
	h.firstTalk()
	hold := func(on bool) {
		t.Helper()
		do := h.daemon.Resume
		if on {
			do = h.daemon.Hold
		}
		if _, err := do(t.Context(), "a1001"); err != nil {
			t.Fatal(err)
		}
	}
	listens := func() {
		t.Helper()
		if status := h.dial("1002", "*211001"); status != 0 {
			t.Fatalf("refused with %d", status)
		}
		h.await("the supervisor hears the agent well", func() bool { return boss.Hears(phoneHz) > -20 })
	}
	hold(true)
	listens()
	if level := boss.Hears(calleeHz); level > -35 {
		t.Errorf("who comes amid a hold hears the customer at %.0f dB", level)
	}
	hold(false)
	h.hears("the supervisor", boss.Hears, calleeHz, true)
	hold(true)
	h.hears("the supervisor", boss.Hears, calleeHz, false)
	h.hears("the supervisor", boss.Hears, phoneHz, true)
	hold(false)
	h.hears("the supervisor", boss.Hears, calleeHz, true)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitRecords(1)
}
