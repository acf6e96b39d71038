package dialer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/media"
)

const callerHz = 1250 // what callers say

// callIn has a number call the official one.
func (h *house) callIn(from string) *lab.Caller {
	h.t.Helper()
	h.await("the registration", h.carrier.Registered)
	c, err := h.carrier.Call(h.t.Context(), from, official, lab.Tone(callerHz))
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// inbounds are the records of calls that came in.
func (h *house) inbounds() []cdr.Record {
	h.t.Helper()
	var in []cdr.Record
	for _, r := range h.records() {
		if r.Direction == cdr.In {
			in = append(in, r)
		}
	}
	return in
}

// awaitInbound waits for the one record of a call that came in.
func (h *house) awaitInbound() cdr.Record {
	h.t.Helper()
	h.await("the record of the call", func() bool { return len(h.inbounds()) > 0 })
	in := h.inbounds()
	if len(in) > 1 {
		h.t.Fatalf("%d records of one call", len(in))
	}
	return in[0]
}

func (h *house) awaitOver(c *lab.Caller) {
	h.t.Helper()
	h.await("the end of the call", c.Over)
}

// lead is the lead with that number.
func (h *house) leadOf(n string) api.LeadStatus {
	h.t.Helper()
	s, err := h.daemon.Lead(h.t.Context(), "test", n)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// talkOn waits until a conversation is long enough to be judged by its recording.
func (h *house) talkOn(c *lab.Caller) {
	h.t.Helper()
	h.await("two seconds of conversation", func() bool { return c.Heard().Packets > 100 })
}

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

func (h *house) trunks() []api.TrunkStatus {
	h.t.Helper()
	list, err := h.daemon.Trunks(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return list
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

func (h *house) campaign() api.CampaignStatus {
	h.t.Helper()
	s, err := h.daemon.Campaign(h.t.Context(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// startCalls logs an agent in and has the campaign dial.
func (h *house) startCalls(agent string) {
	h.t.Helper()
	if _, err := h.daemon.Login(h.t.Context(), agent); err != nil {
		h.t.Fatal(err)
	}
	h.awaitAgent(agent, api.AgentPaused)
	if _, err := h.daemon.Ready(h.t.Context(), agent); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.daemon.StartCampaign(h.t.Context(), "test"); err != nil {
		h.t.Fatal(err)
	}
}

// TestOutsideTheHours holds that callers outside the opening hours are told at once,
// though agents are free, and are called when it opens; somebody whom nobody knows
// becomes a lead.
func TestOutsideTheHours(t *testing.T) {
	t.Parallel()
	hour := time.Now().UTC().Hour()
	soon := time.Date(2000, 1, 1, (hour+3)%24, 0, 0, 0, time.UTC)
	h := build(t, plan{
		Agents: 1, NoCalls: true, Campaign: "time_zone: UTC\n    inbound: {callback: auto, hours: [\"" +
			soon.Format("15:04") + "-" + soon.Add(time.Hour).Format("15:04") + "\"]}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.await("the announcement", func() bool { return !c.Heard().FirstSound.IsZero() })
	c.Hangup()
	r := h.awaitInbound()
	if r.Outcome != cdr.NoAnswer || r.Message != "closed" || r.Callback == nil || r.Queued || r.HungUpBy != cdr.Customer {
		t.Errorf("record %+v", r)
	}
	due := r.Callback.Due.UTC()
	if due.Hour() != soon.Hour() || due.Before(time.Now().Add(time.Hour)) {
		t.Errorf("due at %v, and it opens at %v", due, soon)
	}
	counts, err := h.daemon.LeadCounts(t.Context(), "test")
	if err != nil || counts.Total != 1 || counts.States["waiting"] != 1 {
		t.Errorf("leads %+v, %v", counts, err)
	}
}

// TestOpeningHoursAreSpoken holds that a caller out of the opening hours hears the times:
// the pieces of this announcement, from its beginning to its end.
func TestOpeningHoursAreSpoken(t *testing.T) {
	now := time.Now().UTC()
	opens := now.Truncate(time.Hour).Add(3 * time.Hour)
	closes := opens.Add(time.Hour)
	h := build(t, plan{
		Agents: 1, NoLogin: true, NoCalls: true,
		Campaign: "time_zone: UTC\n    inbound: {callback: auto, clock: 24h, prompts: {kept: off}, hours: [\"" + opens.Format("15:04") + "-" + closes.Format("15:04") + "\"]}",
	})
	day := "today"
	if opens.Day() != now.Day() {
		day = "tomorrow"
	}
	words := append([]string{"closed-now", "open-again", day, "from"}, fullHour(opens)...)
	want := media.Words(media.English, append(append(words, "to"), fullHour(closes)...)...).Duration()
	c := h.callIn(number(5))
	h.awaitOver(c)
	heard := c.Heard()
	if lasted := heard.LastSound.Sub(heard.FirstSound); (lasted - want).Abs() > 400*time.Millisecond {
		t.Errorf("the caller heard %v of words, want %v", lasted, want)
	}
	if r := h.awaitInbound(); r.Message != "closed" || r.Callback == nil || r.HungUpBy != cdr.Ringpace {
		t.Errorf("record %+v", r)
	}
}

// fullHour is how a full hour is spoken.
func fullHour(t time.Time) []string {
	hour := t.Hour()
	switch {
	case hour == 0:
		return []string{"midnight"}
	case hour > 20:
		return []string{"20", fmt.Sprint(hour - 20), "hundred"}
	}
	return []string{fmt.Sprint(hour), "hundred"}
}

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

// TestCallInWhileRedisIsAway holds that calls are taken and callbacks kept while Redis is
// away, and that all of it is there when Redis is.
func TestCallInWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Redis: redis.URL(), NoCalls: true, Media: "tones: {failed: 0s}",
		Campaign: "inbound: {agent_patience: 1s, callback: auto, prompts: {busy: off, kept: off}}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	redis.Stop(t)
	h.await("the alarm", func() bool { return h.alarm("redis_down") })
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	second := h.callIn(number(6))
	h.awaitOver(second)
	c.Hangup()
	h.awaitAgent("a1001", api.AgentReady)
	redis.Start(t)
	h.await("the end of the alarm", func() bool { return !h.alarm("redis_down") })
	h.await("the records", func() bool { return len(h.inbounds()) == 2 })
	in := map[string]cdr.Record{}
	for _, r := range h.inbounds() {
		in[r.Number] = r
	}
	if in[number(5)].Outcome != cdr.Person || in[number(6)].Callback == nil {
		t.Errorf("records %+v", in)
	}
	if counts, err := h.daemon.LeadCounts(t.Context(), "test"); err != nil || counts.States["ready"] != 1 {
		t.Errorf("leads %+v, %v", counts, err)
	}
}

// TestKilledWithACallIn holds that a call that came in and was up when its daemon was
// killed ends in one record, with what was recorded of it.
func TestKilledWithACallIn(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	p := plan{Agents: 1, AgentSet: "wrap_up: 0s", Redis: redis.URL(), NoCalls: true, Tones: true}
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}, killed: true}
	h.openLab(p)
	h.configure(p)
	child := h.spawn()
	c := h.callIn(number(5))
	h.talkOn(c)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	_ = h.pbx.Extension("1001").Hangup()
	h.start(p)
	r := h.awaitInbound()
	if r.Outcome != cdr.Interrupted || r.Agent != "a1001" || r.Recording == nil || r.Number != number(5) {
		t.Fatalf("record %+v", r)
	}
	h.checkPlays(r)
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
