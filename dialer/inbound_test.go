package dialer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// TestCallIsTaken holds that a caller is brought to a free agent: it rings until they
// hear each other, the agent sees who calls, both sides are recorded, and the call is no
// attempt of the campaign's and no agent counted twice.
func TestCallIsTaken(t *testing.T) {
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Tones: true})
	h.load(5, 6)
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	a := h.agent("a1001")
	if a.Call.Direction != "in" || a.Call.Number != number(5) || a.Lead.Fields["name"] != "Person 5" || a.Lead.DoNotCall != "" {
		t.Errorf("the agent sees %+v, %+v", a.Call, a.Lead)
	}
	h.hears("the caller", c.Hears, phoneHz, true)
	h.hears("the agent", h.line("1001").Hears, callerHz, true)
	if calls, err := h.daemon.Calls(t.Context()); err != nil || len(calls) != 1 || calls[0].Direction != "in" || calls[0].State != api.CallBridged {
		t.Errorf("calls %+v, %v", calls, err)
	}
	h.await("the figures", func() bool { return h.campaign().Inbound.Connects == 1 })
	if s := h.campaign(); s.Inbound.Up != 1 || s.Live != 0 || s.InFlight != 0 || s.Connects != 0 {
		t.Errorf("campaign %+v", s)
	}
	h.talkOn(c)
	c.Hangup()
	r := h.awaitInbound()
	if r.Outcome != cdr.Person || r.Number != number(5) || r.CallerID != official || r.Trunk != "carrier" || r.Agent != "a1001" ||
		r.HungUpBy != cdr.Customer || r.Marks.Ringing.IsZero() || r.Marks.Answered.IsZero() || r.LeadID == "" || r.Customer == nil || r.AgentLeg == nil {
		t.Errorf("record %+v", r)
	}
	if talk := r.Marks.Answered.Sub(r.Marks.AgentAudio).Abs(); talk > 500*time.Millisecond {
		t.Errorf("answered %v apart from the agent's voice", talk)
	}
	h.checkTones(r, callerHz, phoneHz)
	if l := h.leadOf(r.LeadID); l.State != "done" || l.Attempts != 0 {
		t.Errorf("the lead, whom an agent has talked with, is %+v", l)
	}
	if s, err := h.daemon.Status(t.Context()); err != nil || s.Inbound != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	if trace, err := h.daemon.Trace(t.Context(), r.ID); err != nil || !strings.Contains(fmt.Sprint(trace), "INVITE") {
		t.Errorf("trace %v, %v", trace, err)
	}
	for _, tr := range h.trunks() {
		if tr.ChannelsUsed != 0 {
			t.Errorf("trunk %+v keeps the channel", tr)
		}
	}
}

// TestRingModeTakesCalls holds that the caller hears it ring while the agent's telephone does, and
// is answered when the agent is; and that an agent who does not answer is passed over.
func TestRingModeTakesCalls(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 0s, mode: ring, ring_timeout: 2s", NoCalls: true, Tones: true, RingFor: 300 * time.Millisecond})
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentReady)
	h.pbx.Extension("1001").Refuse(486)
	h.pbx.Extension("1002").Refuse(486)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentPaused) // both are busy on another line
	h.awaitAgent("a1002", api.AgentPaused)
	h.pbx.Extension("1002").Refuse(0)
	if _, err := h.daemon.Ready(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentTalking)
	h.hears("the caller", c.Hears, phoneHz+100, true)
	c.Hangup()
	if r := h.awaitInbound(); r.Outcome != cdr.Person || r.Agent != "a1002" || r.Recording == nil {
		t.Errorf("record %+v", r)
	}
}

// TestCallerIsAnsweredWithTheAgent holds that a caller over a connection is not answered
// before the telephone of an agent who must be rung is, and that the recording has both
// sides.
func TestCallerIsAnsweredWithTheAgent(t *testing.T) {
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s, mode: ring", NoCalls: true, Tones: true, RingFor: time.Second, OverTCP: true})
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentRinging)
	if c.Answered() {
		t.Error("the caller was answered while the agent's telephone rang")
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.hears("the caller", c.Hears, phoneHz, true)
	h.hears("the agent", h.line("1001").Hears, callerHz, true)
	h.talkOn(c)
	c.Hangup()
	r := h.awaitInbound()
	if rang := r.Marks.Answered.Sub(r.Marks.Invite); rang < 900*time.Millisecond {
		t.Errorf("answered after %v, while the agent's telephone rang for a second", rang)
	}
	h.checkTones(r, callerHz, phoneHz)
}

// TestCallerIsAnsweredBeforeTheTelephoneRings holds that a caller whose carrier has not
// shown to hear us, which takes no connection, is answered before an agent's telephone
// rings, and hears it ring.
func TestCallerIsAnsweredBeforeTheTelephoneRings(t *testing.T) {
	t.Parallel()
	const ringBackHz = 440 // of France
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s, mode: ring", NoCalls: true, Tones: true, RingFor: time.Second, Media: "tones: {country: FR}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentRinging)
	if !c.Answered() {
		t.Error("the telephone rings for who may not hear us")
	}
	h.hears("the caller", c.Hears, ringBackHz, true)
	h.awaitAgent("a1001", api.AgentTalking)
	h.hears("the caller", c.Hears, phoneHz, true)
	h.hears("the caller", c.Hears, ringBackHz, false)
	h.hears("the agent", h.line("1001").Hears, callerHz, true)
	c.Hangup()
	if r := h.awaitInbound(); r.Outcome != cdr.Person || r.Agent != "a1001" {
		t.Errorf("record %+v", r)
	}
}

// TestCallerLeavesWhileAPhoneRings holds that the agent's telephone stops ringing when the
// caller gives up, that the agent is free for the next one at once, and that there is one
// record.
func TestCallerLeavesWhileAPhoneRings(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"agent", "queue"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, AgentSet: "mode: ring, wrap_up: 0s", NoCalls: true, RingFor: time.Minute, OverTCP: true,
				Campaign: "inbound: {answer: " + answer + "}",
			})
			h.awaitAgent("a1001", api.AgentReady)
			for n := range 2 { // the second finds the telephone idle: else it is busy, and the agent paused
				c := h.callIn(number(5 + n))
				h.awaitAgent("a1001", api.AgentRinging)
				h.await("the telephone rings", h.pbx.Extension("1001").Rings)
				c.Hangup()
				h.awaitAgent("a1001", api.AgentReady)
				h.await("the telephone is still", func() bool { return !h.pbx.Extension("1001").Rings() })
				h.await("the record", func() bool { return len(h.inbounds()) == n+1 })
				if r := h.inbounds()[n]; r.Outcome != cdr.Abandoned || r.HungUpBy != cdr.Customer || r.Agent != "" || r.Marks.Answered.IsZero() != (answer == "agent") {
					t.Errorf("record %+v", r)
				}
			}
			if n := h.pbx.Extension("1001").Served(); n != 0 {
				t.Errorf("the telephone answered %d times", n)
			}
		})
	}
}

// TestLastAgentFirst holds that a caller gets the agent who talked with them last,
// though another has been free for longer, and waits a while for them.
func TestLastAgentFirst(t *testing.T) {
	h := build(t, plan{
		Agents: 2, AgentSet: "wrap_up: 0s", NoCalls: true,
		Campaign: "inbound: {last_agent_wait: 2m, agent_patience: 2m, answer: queue}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentReady)
	talked := func(n string) string {
		t.Helper()
		before := len(h.inbounds())
		c := h.callIn(n)
		var who string
		h.await("an agent", func() bool {
			calls, err := h.daemon.Calls(t.Context())
			for _, k := range calls {
				if k.Number == n && k.State == api.CallBridged {
					who = k.Agent
				}
			}
			return err == nil && who != ""
		})
		c.Hangup()
		h.await("the record", func() bool { return len(h.inbounds()) > before })
		h.awaitAgent(who, api.AgentReady)
		return who
	}
	first := talked(number(5)) // the other one has been free for longer now
	if again := talked(number(5)); again != first {
		t.Errorf("the caller got %s, and %s knows them", again, first)
	}
	// Their agent talks: they wait, though the other one is free.
	h.callIn(number(6)) // gets the other, who has been free for longer
	other := map[string]string{"a1001": "a1002", "a1002": "a1001"}[first]
	h.awaitAgent(other, api.AgentTalking)
	busy := h.callIn(number(7))
	h.awaitAgent(first, api.AgentTalking)
	waiting := h.callIn(number(5))
	h.await("the caller's turn to wait", func() bool { return waiting.Answered() })
	if _, err := h.daemon.Hangup(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent(other, api.AgentReady)
	busy.Hangup()
	h.await("the known agent", func() bool {
		a := h.agent(first)
		return a.Call != nil && a.Call.Number == number(5)
	})
	if h.state(other) != api.AgentReady {
		t.Errorf("the other agent is %s", h.state(other))
	}
	waiting.Hangup()
}

// TestReloadedReception holds that a reload changes what becomes of calls.
func TestReloadedReception(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 1, NoLogin: true, NoCalls: true}
	h := build(t, p)
	c := h.callIn(number(5))
	h.await("it rings", func() bool { return c.Status() == 180 })
	c.Hangup()
	h.awaitOver(c)
	p.Campaign = "inbound: {enabled: false}"
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = h.callIn(number(5))
	h.awaitOver(c)
	if c.Status() != 404 {
		t.Errorf("a call that is not to be taken any more got %d", c.Status())
	}
	p.Campaign = "inbound: {prompts: {busy: ringpace.yaml}}" // no WAV
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err == nil {
		t.Error("a prompt that is no sound was taken")
	}
}

// TestWhoTalksIsNotDialed has the campaign start while somebody of its list talks with an
// agent, having called themselves: all others are dialed.
func TestWhoTalksIsNotDialed(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 0s", NoCalls: true, Tones: true})
	h.load(5, 7)
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.hears("the caller", func(hz int) float64 { return max(c.Hears(phoneHz), c.Hears(hz)) }, hz(1002), true) // whose turn it is
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	var dialed []string
	h.await("a conversation with somebody who was dialed", func() bool {
		dialed = nil
		for _, id := range []string{"a1001", "a1002"} {
			if call := h.agent(id).Call; call != nil && call.Direction == string(cdr.Out) {
				dialed = append(dialed, call.Number)
			}
		}
		return len(dialed) > 0
	})
	if dialed[0] != number(6) {
		t.Errorf("dialed: %v", dialed)
	}
	if c.Over() {
		t.Error("the caller is gone")
	}
}
