package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/media"
)

// TestAttendedTransfer has an agent put the customer on hold, talk with another party
// through us, and then transfer: to an extension, and to another agent, who must not be
// given to a customer meanwhile.
func TestAttendedTransfer(t *testing.T) {
	t.Parallel()
	for to, party := range map[string]string{"1003": "extension", "1002": "agent"} {
		t.Run(party, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 2, Phones: 1, Tones: true, NoLogin: true, AgentSet: "wrap_up: 20s",
				Global: "transfer: {extensions: [10XX]}",
			})
			h.logIn("a1001")
			h.load(0, 1)
			h.awaitAgent("a1001", api.AgentTalking)
			h.logIn("a1002")
			line, other, n := h.line("1001"), h.pbx.Extension(to), hz(int(to[3]-'0')+1000)
			if err := line.Hold(t.Context(), lab.SendOnly); err != nil {
				t.Fatal(err)
			}
			h.awaitAgent("a1001", api.AgentHold)
			with, err := h.pbx.Extension("1001").Consult(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}
			h.hears("the agent", with.Hears, n, true)
			h.hears("the other party", other.Hears, phoneHz, true)
			if party == "agent" {
				h.awaitAgent("a1002", api.AgentTalking)
				h.load(1, 2) // for whom nobody is free now
			}
			if status, err := line.Refer(t.Context(), to, with); err != nil || status != 200 {
				t.Fatalf("the phone was told %d, %v", status, err)
			}
			h.customerHears(n, true)
			h.hears("the other party", other.Hears, calleeHz, true)
			h.hears("the other party", other.Hears, phoneHz, false)
			h.awaitAgent("a1001", api.AgentWrapUp)
			if party == "agent" {
				if s := h.agent("a1002"); s.Call == nil || s.Call.Number != number(0) || s.Call.TransferredBy != "a1001" || s.Today.Calls != 1 {
					t.Errorf("the second agent's screen shows %+v, figures %+v", s.Call, s.Today)
				}
				if calls := h.carrier.Report().Calls; calls != 1 {
					t.Errorf("%d calls were made, and no agent was free", calls)
				}
			}
			if err := h.hangUpAll(); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"a1001", "a1002"} {
				if _, err := h.daemon.Ready(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			h.await("the record", func() bool { return len(h.records()) > 0 })
			if r := h.records()[0]; len(r.Transfers) != 1 || r.Transfers[0].Kind != cdr.Attended || r.Transfers[0].Outcome != cdr.TransferConnected || r.Transfers[0].Party != party {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// TestAttendedTransferToACallAtThePBX has the agent's phone transfer to a call that it has
// at the PBX, beside us: the new party's phone gets our INVITE in the place of that call,
// and does not ring again.
func TestAttendedTransferToACallAtThePBX(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 20s", Global: "transfer: {extensions: [10XX]}"})
	secondLine, err := lab.NewPBX(lab.PBXConfig{Extensions: []string{"1001"}, Voice: func(string) *media.Prompt { return sound(phoneHz) }})
	if err != nil {
		t.Fatal(err)
	}
	h.atEnd(secondLine.Close)
	if err := secondLine.Connect(h.pbx.Addr()); err != nil {
		t.Fatal(err)
	}
	h.firstTalk()
	line, party := h.line("1001"), h.pbx.Extension("1002")
	if err := line.Hold(t.Context(), lab.SendOnly); err != nil {
		t.Fatal(err)
	}
	with, err := secondLine.Extension("1001").Consult(t.Context(), "1002")
	if err != nil {
		t.Fatal(err)
	}
	h.hears("the agent", with.Hears, hz(1002), true)
	if status, err := line.Refer(t.Context(), "1002", with); err != nil || status != 200 {
		t.Fatalf("the phone was told %d, %v", status, err)
	}
	h.customerHears(hz(1002), true)
	h.hears("the new party", party.Hears, calleeHz, true)
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.await("the end of the call at the PBX", func() bool { return !with.Up() })
	if err := party.Hangup(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.ThirdParty || len(r.Transfers) != 1 || r.Transfers[0].Kind != cdr.Attended || r.Transfers[0].Party != "extension" || r.Transfers[0].Outcome != cdr.TransferConnected {
		t.Errorf("record %+v", r)
	}
}

// logIn has an agent begin the shift, ready.
func (h *house) logIn(id string) {
	h.t.Helper()
	if _, err := h.daemon.Login(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
	h.awaitAgent(id, api.AgentPaused)
	if _, err := h.daemon.Ready(h.t.Context(), id); err != nil {
		h.t.Fatal(err)
	}
}

// TestConsult holds that a call inside ends with either side, and leads nowhere else than
// to extensions that the configuration allows.
func TestConsult(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Phones: 1, Tones: true, AgentSet: "wrap_up: 20s", NoCalls: true, Global: `transfer: {extensions: ["1003"], external: true, prefixes: ["+1"]}`})
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentReady)
	caller := h.pbx.Extension("1001")
	for _, to := range []string{"1004", official, "1001"} {
		if line, err := caller.Consult(t.Context(), to); err == nil {
			line.Hangup()
			t.Errorf("%s was reached", to)
		}
	}
	line, err := caller.Consult(t.Context(), "1002")
	if err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentTalking)
	h.hears("the agent", line.Hears, hz(1002), true)
	if _, err := caller.Consult(t.Context(), "1002"); refusedWith(err) != 486 {
		t.Errorf("an agent who talks: %v", err)
	}
	line.Hangup()
	h.awaitAgent("a1002", api.AgentReady) // without wrap-up
	if s := h.agent("a1002"); s.Today.Calls != 0 {
		t.Errorf("figures %+v", s.Today)
	}
	if _, err := h.daemon.Logout(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentOffline)
	if _, err := caller.Consult(t.Context(), "1002"); refusedWith(err) != 480 {
		t.Errorf("an agent who has logged out: %v", err)
	}
	if line, err = caller.Consult(t.Context(), "1003"); err != nil {
		t.Fatal(err)
	}
	h.hears("the agent", line.Hears, hz(1003), true)
	if err := h.pbx.Extension("1003").Hangup(); err != nil {
		t.Fatal(err)
	}
	h.await("only the agent's leg", func() bool {
		s, err := h.daemon.Status(t.Context())
		return err == nil && s.Media.Sessions == 1
	})
}

// TestLegIsReplaced has the PBX move the agent's leg to another telephone amid a
// conversation (RFC 3891): the customer goes on with whoever is there.
func TestLegIsReplaced(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 0s"})
	h.firstTalk()
	line, err := h.pbx.Extension("1002").Replace(t.Context(), h.line("1001"))
	if err != nil {
		t.Fatal(err)
	}
	h.customerHears(hz(1002), true)
	h.customerHears(phoneHz, false)
	h.hears("the new telephone", line.Hears, calleeHz, true)
	if err := h.pbx.Extension("1001").Await(t.Context(), false); err != nil {
		t.Error("the old leg stays up:", err)
	}
	if s := h.agent("a1001"); s.State != api.AgentTalking {
		t.Errorf("agent is %s", s.State)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.HungUpBy != cdr.Agent {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentReady)
}

// TestTransferOnAReplacedLeg has the phone transfer as soon as it has taken the leg's
// place, while the new party rings: the leg's first audio, which comes amid that, does not
// bring the customer back to the agent.
func TestTransferOnAReplacedLeg(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 2, Tones: true, AgentSet: "wrap_up: 0s", RingFor: 500 * time.Millisecond,
		Global: "transfer: {extensions: [10XX]}",
	})
	h.firstTalk()
	line, err := h.pbx.Extension("1002").Replace(t.Context(), h.line("1001"))
	if err != nil {
		t.Fatal(err)
	}
	if status, err := line.Refer(t.Context(), "1003", nil); err != nil || status != 200 {
		t.Fatalf("the phone was told %d, %v", status, err)
	}
	h.customerHears(hz(1003), true)
	h.customerHears(hz(1002), false)
	if err := h.pbx.Extension("1003").Hangup(); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.HungUpBy != cdr.ThirdParty || len(r.Transfers) != 1 || r.Transfers[0].Outcome != cdr.TransferConnected {
		t.Errorf("record %+v", r)
	}
}

// TestColleagueWhoCannotTalkDoesNotRing holds that a phone which dials a colleague who is
// not ready is told so at once, and never that it rings there.
func TestColleagueWhoCannotTalkDoesNotRing(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	h := build(t, plan{
		Agents: 2, NoLogin: true, NoCalls: true, AgentSet: "wrap_up: 20s",
		Listen: fmt.Sprintf(`, "tcp://127.0.0.1:%d"`, port), // who has a connection is told of ringing, not answered
	})
	phone := h.newForgerAt(h.cfg.SIP.Listen[1])
	if status := phone.invite("1001", "1002"); status != "480" {
		t.Errorf("who is logged out: %s", status)
	}
	if _, err := h.daemon.Login(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentPaused)
	if status := phone.invite("1001", "1002"); status != "486" {
		t.Errorf("who pauses: %s", status)
	}
	if _, err := h.daemon.Ready(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentReady)
	h.callIn(number(5))
	h.awaitAgent("a1002", api.AgentTalking)
	if status := phone.invite("1001", "1002"); status != "486" {
		t.Errorf("who talks: %s", status)
	}
	if phone.rang {
		t.Error("it rang")
	}
}
