package dialer_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// threeTalk holds that agent 1001, the customer and extension 1002 hear one another.
func (h *house) threeTalk() {
	h.t.Helper()
	agent, third := h.pbx.Extension("1001"), h.pbx.Extension("1002")
	h.hears("the third party", third.Hears, calleeHz, true)
	h.hears("the third party", third.Hears, phoneHz, true)
	h.hears("the agent", agent.Hears, hz(1002), true)
	h.hears("the agent", agent.Hears, calleeHz, true)
	h.customerHears(hz(1002), true)
	h.customerHears(phoneHz, true)
	h.await("half a second of it", func() bool { return third.Hears(phoneHz) > -20 && agent.Hears(hz(1002)) > -20 })
}

// recordedThree holds that a recording has the agent and extension 1002 at once, at their
// own levels, on the right, and neither on the left.
func (h *house) recordedThree(r cdr.Record) {
	h.t.Helper()
	sound := h.tape(r)
	const window, said = 400, -15.1 // samples; dBFS of a tone at -12 dBm0
	both, third := 0, 0
	for at := 0; at+window <= len(sound.Channels[1]); at += window {
		left, right := sound.Channels[0][at:at+window], sound.Channels[1][at:at+window]
		agent, guest := math.Abs(loudness(right, phoneHz)-said) < 0.5, math.Abs(loudness(right, hz(1002))-said) < 0.5
		if agent && guest {
			both++
		}
		if guest {
			third++
		}
		if level := max(loudness(left, phoneHz), loudness(left, hz(1002))); level > -35 {
			h.t.Errorf("on the customer's channel somebody else is at %.0f dBFS", level)
			return
		}
	}
	if both < 3 || third <= both {
		h.t.Errorf("the agent and the third party are together on the right for %d times 50 ms, and the third party for %d", both, third)
	}
}

// TestConferenceByKeys has an agent call in an extension from their telephone, and let go
// of it; has it hang up; and then leaves it the customer. Nobody misses a packet over it,
// the recording has the three, and the record tells.
func TestConferenceByKeys(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 0s", Global: "transfer: {extensions: [10XX]}"})
	h.firstTalk()
	third := h.pbx.Extension("1002")
	h.press("1001", "*63000#")
	h.press("1001", "*61002#")
	h.threeTalk()
	if s := h.agent("a1001"); s.State != api.AgentTalking || s.Call.Conference != "1002" {
		t.Errorf("the agent is %s, with %q", s.State, s.Call.Conference)
	}
	for what, do := range map[string]func() error{
		"a second": func() error { _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); return err },
		"transfer": func() error { _, err := h.daemon.Transfer(t.Context(), "a1001", "1002"); return err },
	} {
		if err := do(); !errors.Is(err, api.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.press("1001", "*6#")
	if err := third.Await(t.Context(), false); err != nil {
		t.Fatal("the third party is not let go:", err)
	}
	h.customerHears(hz(1002), false)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.DropThird(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("letting go of nobody: %v", err)
	}

	h.await("the second time", func() bool { _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); return err == nil })
	h.threeTalk()
	if err := third.Hangup(); err != nil {
		t.Fatal(err)
	}
	h.await("the agent to be alone with the customer", func() bool { return h.agent("a1001").Call.Conference == "" })
	h.customerHears(hz(1002), false)
	if lost := h.pbx.Extension("1001").Heard().Lost; lost > 0 {
		t.Errorf("%d packets are missing at the agent's ear", lost)
	}

	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.threeTalk()
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.customerHears(phoneHz, false)
	h.customerHears(hz(1002), true)
	h.hears("who has the customer now", third.Hears, calleeHz, true)
	h.hears("who has the customer now", third.Hears, phoneHz, false)
	if s := h.agent("a1001"); s.Today.Transfers != 1 {
		t.Errorf("%d transfers", s.Today.Transfers)
	}
	if err := third.Hangup(); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.ThirdParty || r.Outcome != cdr.Person || len(r.Transfers) != 3 || r.Customer.Lost > 0 {
		t.Fatalf("record %+v", r)
	}
	for i, x := range r.Transfers {
		if x.Kind != cdr.Conference || x.By != "a1001" || x.To != "1002" || x.Party != "extension" || x.Outcome != cdr.TransferConnected ||
			!x.At.Before(x.Connected) || !x.Connected.Before(x.Ended) || x.Leg == nil || x.Left.IsZero() == (i == 2) {
			t.Errorf("entry %d: %+v", i, x)
		}
	}
	if !r.Marks.TalkEnded.Before(r.Transfers[2].Ended) || r.Marks.TalkEnded.Before(r.Transfers[2].Connected) {
		t.Errorf("the agent left at %v, amid %+v", r.Marks.TalkEnded, r.Transfers[2])
	}
	h.recordedThree(r)
}

// TestConferenceWithAnAgent has an agent call in another one, who can do nothing with the
// customer until they are left them; each has a wrap-up, and the record what they said.
func TestConferenceWithAnAgent(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Tones: true, NoLogin: true, AgentSet: "wrap_up: 20s"})
	h.logIn("a1001")
	h.firstTalk()
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.await("who is not logged in not to come", func() bool { return h.agent("a1001").Reason == "transfer to 1002: agent a1002 is not free" })
	h.logIn("a1002")
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.threeTalk()
	if s := h.agent("a1002"); s.State != api.AgentTalking || s.Call.Conference != "a1001" || s.Call.Number != number(0) {
		t.Errorf("who was called in: %s, %+v", s.State, s.Call)
	}
	for what, do := range map[string]func() error{
		"transfer": func() error { _, err := h.daemon.Transfer(t.Context(), "a1002", "1001"); return err },
		"call in":  func() error { _, err := h.daemon.CallIn(t.Context(), "a1002", "1001"); return err },
		"hold":     func() error { _, err := h.daemon.Hold(t.Context(), "a1002"); return err },
	} {
		if err := do(); !errors.Is(err, api.ErrConflict) {
			t.Errorf("%s by who was called in: %v", what, err)
		}
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentWrapUp)
	h.customerHears(hz(1002), false)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Dispose(t.Context(), "a1002", api.Disposition{Name: "no_interest"}); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentReady)

	h.await("the second time", func() bool { _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); return err == nil })
	h.threeTalk()
	if err := h.pbx.Extension("1001").Hangup(); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, false)
	h.customerHears(hz(1002), true)
	h.hears("who has the customer now", h.pbx.Extension("1002").Hears, calleeHz, true)
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.await("the call to be the other agent's", func() bool { c := h.agent("a1002").Call; return c.TransferredBy == "a1001" && c.Conference == "" })
	if _, err := h.daemon.Hold(t.Context(), "a1002"); err != nil {
		t.Errorf("hold by who has the customer now: %v", err)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"a1001": "wrong_person", "a1002": "success"} {
		if _, err := h.daemon.Dispose(t.Context(), id, api.Disposition{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	r := h.awaitRecords(1)[0]
	if r.Agent != "a1001" || r.HungUpBy != cdr.Agent || r.Disposition != "success" || r.AgentLeg == nil || len(r.Transfers) != 3 || r.Holds != 1 {
		t.Fatalf("record %+v", r)
	}
	if x := r.Transfers[0]; x.Outcome != cdr.Busy || !x.Connected.IsZero() {
		t.Errorf("to who was not there: %+v", x)
	}
	if x := r.Transfers[1]; x.Agent != "a1002" || x.Outcome != cdr.TransferConnected || x.Ended.IsZero() || !x.Left.IsZero() || x.Leg == nil || x.Disposition != "no_interest" {
		t.Errorf("with who gave advice: %+v", x)
	}
	if x := r.Transfers[2]; x.Kind != cdr.Conference || x.Left.Before(x.Connected) || x.Disposition != "success" {
		t.Errorf("with who took the customer over: %+v", x)
	}
	h.recordedThree(r)
}

// TestConferenceOutside calls in a number outside with the customer on hold, so that the
// agent talks with it alone first: over the customer's trunk, with its own channel and the
// official number, and only where the configuration allows it. The customer ends it for
// all.
func TestConferenceOutside(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Tones: true,
		Global: `transfer: {external: true, prefixes: ["+120255501"]}`,
	})
	h.firstTalk()
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "+12025550999"); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("a number of another beginning: %v", err)
	}
	if _, err := h.daemon.Hold(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.press("1001", "*612025550107#")
	third := func(hz int) float64 { return h.carrier.Hears(number(7), hz) }
	h.hears("the number outside", third, phoneHz, true)
	h.customerHears(phoneHz, false)
	h.await("half a second of it", func() bool { return third(phoneHz) > -20 })
	if level := third(calleeHz); level > -35 {
		t.Errorf("the number outside hears the customer, who is on hold, at %.0f dB", level)
	}
	if _, err := h.daemon.Resume(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, true)
	h.customerHears(calleeHz, true)
	h.hears("the number outside", third, calleeHz, true)
	if used := h.trunk().ChannelsUsed; used != 2 {
		t.Errorf("%d channels", used)
	}
	calls, err := h.daemon.Calls(t.Context())
	if err != nil || len(calls) != 1 || calls[0].Conference == "" || calls[0].Transferred != "" || calls[0].State != api.CallBridged {
		t.Fatal(calls, err)
	}
	if n := h.carrier.Report().CallerIDs[official]; n != 2 {
		t.Errorf("%d calls showed the official number", n)
	}
	if err := h.daemon.HangupCall(t.Context(), calls[0].ID); err != nil {
		t.Fatal(err)
	}
	h.await("no channel", func() bool { return h.trunk().ChannelsUsed == 0 })
	r := h.awaitRecords(1)[0]
	if len(r.Transfers) != 1 || r.Transfers[0].Party != "external" || r.Transfers[0].Trunk != "carrier" || r.Transfers[0].Leg == nil || r.Transfers[0].Ended.IsZero() {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentReady)
}

// TestAgentLeavesAmidCallingIn holds that whom the agent has called in is rung no more
// when the agent hangs up, or gives it up.
func TestAgentLeavesAmidCallingIn(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 1, RingFor: time.Minute, NoLogin: true, AgentSet: "wrap_up: 0s",
		Global: "transfer: {extensions: [10XX]}",
	})
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatal(status)
	}
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	third := h.pbx.Extension("1002")
	h.press("1001", "*61002#")
	h.await("it rings", third.Rings)
	h.press("1001", "*6#")
	h.await("it rings no more", func() bool { return !third.Rings() })
	h.await("the second time", func() bool { _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); return err == nil })
	h.await("it rings", third.Rings)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.Agent || len(r.Transfers) != 2 || r.Transfers[0].Outcome != cdr.Cancelled || r.Transfers[1].Outcome != cdr.Cancelled {
		t.Errorf("record %+v", r)
	}
	h.await("it rings no more", func() bool { return !third.Rings() })
}
