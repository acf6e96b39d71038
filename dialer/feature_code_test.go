package dialer_test

import (
	"errors"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// dial has an extension dial a number, and returns the status of the refusal, or 0. A
// daemon that does not run yet is waited for.
func (h *house) dial(extension, number string) (status int) {
	h.t.Helper()
	h.await("a daemon that runs", func() bool {
		status = 0
		err := h.pbx.Extension(extension).Dial(h.t.Context(), number)
		var refused *lab.RefusedError
		switch {
		case errors.As(err, &refused):
			status = refused.Status
		case err != nil:
			h.t.Fatalf("%s dials %s: %v", extension, number, err)
		}
		return status != 503
	})
	return status
}

// TestDialedLogIn has an agent dial the log-in code: that call is their leg, takes
// customers, is replaced when the phone dials anew amid a conversation, and ends the
// shift when the agent hangs it up.
func TestDialedLogIn(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, NoLogin: true, Tones: true, AgentSet: "wrap_up: 0s, call_back: true"})
	x := h.pbx.Extension("1001")
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.load(0, 2)
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
	h.hears("the agent", x.Hears, calleeHz, true)
	if n := x.Served(); n != 0 {
		t.Errorf("the extension was called %d times", n)
	}

	// The phone loses its network and dials anew: no BYE comes for the old leg.
	x.Forget()
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.hears("the agent, on the new leg,", x.Hears, calleeHz, true)
	h.customerHears(phoneHz, true)
	if s := h.agent("a1001"); s.State != api.AgentTalking {
		t.Errorf("agent is %s", s.State)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.Outcome != cdr.Person || r.HungUpBy != cdr.Agent {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	if err := x.Hangup(); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if r := h.awaitRecords(2)[1]; r.Outcome != cdr.Person || r.HungUpBy != cdr.Agent {
		t.Errorf("record %+v", r)
	}
	if n := x.Served(); n != 0 {
		t.Errorf("who hung up the leg that they had dialed was called back %d times", n)
	}
}

// TestFeatureCodes has an agent whose phone is rung for each call do everything by
// codes; each is answered with a beep and hung up.
func TestFeatureCodes(t *testing.T) {
	t.Parallel()
	const high, low = 1000, 300
	h := build(t, plan{
		Agents: 1, Phones: 1, NoLogin: true, Tones: true, AgentSet: "mode: ring, wrap_up: 0s",
		Global: `feature_codes: {status: ""}`,
	})
	x := h.pbx.Extension("1001")
	for _, c := range []struct {
		code string
		beep int
		then api.AgentState
	}{
		{"*13", low, api.AgentOffline}, // ready, but not logged in
		{"*11", high, api.AgentReady},
		{"*14", high, api.AgentPaused},
		{"*13", high, api.AgentReady},
		{"*12", high, api.AgentOffline},
	} {
		if status := h.dial("1001", c.code); status != 0 {
			t.Fatalf("%s was refused with %d", c.code, status)
		}
		h.hears(c.code, x.Hears, c.beep, true)
		if err := x.Await(t.Context(), false); err != nil {
			t.Fatalf("%s is not hung up: %v", c.code, err)
		}
		if s := h.agent("a1001"); s.State != c.then {
			t.Errorf("after %s the agent is %s, want %s", c.code, s.State, c.then)
		}
	}
	for number, want := range map[string]int{"*15": 404, "999": 404, "+12025550199": 404} {
		if status := h.dial("1001", number); status != want {
			t.Errorf("%s was refused with %d, want %d", number, status, want)
		}
	}
	if status := h.dial("1002", "*11"); status != 403 {
		t.Errorf("an extension that is no agent's was refused with %d", status)
	}
	if n := h.carrier.Report().Calls; n != 0 {
		t.Errorf("%d calls were made for what agents dialed", n)
	}
}

// TestKeys has an agent work by the keys of the phone alone. What is no code reaches the
// customer, and no code does.
func TestKeys(t *testing.T) {
	t.Parallel()
	const high, low = 1000, 300
	h := build(t, plan{
		Agents: 1, NoLogin: true, Tones: true, AgentSet: "wrap_up: 20s",
		Campaign: "dispositions: [{name: sold}, {name: refused}]", Global: "pause_reasons: [tea, lunch]",
	})
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	x := h.pbx.Extension("1001")
	h.awaitAgent("a1001", api.AgentReady)
	h.press("1001", "*2")
	h.awaitAgent("a1001", api.AgentPaused)
	if s := h.agent("a1001"); s.Reason != "tea" {
		t.Errorf("paused for %q", s.Reason)
	}
	h.hears("the agent", x.Hears, high, true)
	h.press("1001", "*8")
	h.hears("the agent", x.Hears, low, true)
	h.load(0, 1)
	h.press("1001", "*1")
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)

	h.press("1001", "12*4")
	h.awaitAgent("a1001", api.AgentHold)
	h.customerHears(phoneHz, false)
	h.press("1001", "*4")
	h.awaitAgent("a1001", api.AgentTalking)
	h.press("1001", "**3")
	h.await("the keys at the customer's", func() bool { return h.carrier.Keys(number(0)) == "12*3" })
	if s := h.agent("a1001"); s.State != api.AgentTalking {
		t.Errorf("** and 3 were taken for a code: %s", s.State)
	}

	for _, key := range "4*4" { // by INFO: one for the customer, then a code
		if err := h.line("1001").PressByInfo(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	h.awaitAgent("a1001", api.AgentHold)
	h.press("1001", "*4")
	h.awaitAgent("a1001", api.AgentTalking)

	h.press("1001", "*59") // there is no ninth
	h.hears("the agent", x.Hears, low, true)
	h.press("1001", "*3")
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.press("1001", "*52")
	r := h.awaitRecords(1)[0]
	if r.Disposition != "refused" || r.HungUpBy != cdr.Agent || r.Holds != 2 {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.press("1001", "*")
	began := time.Now() // forgotten after a while
	h.await("the code to be forgotten", func() bool { return time.Since(began) > 5*time.Second })
	h.press("1001", "9")
	h.press("1001", "*9")
	h.awaitAgent("a1001", api.AgentOffline)
	if err := x.Await(t.Context(), false); err != nil {
		t.Error(err)
	}
	if keys := h.carrier.Keys(number(0)); keys != "12*34" {
		t.Errorf("the customer got the keys %q", keys)
	}
}
