package dialer_test

import (
	"math"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/tone"
)

// american has the tones of the United States, one of whose frequencies is far from what
// is said, and which the ear's half second tells apart: busy sounds for that long at once,
// congestion for half of any such time.
const (
	american = "tones: {country: US, failed: 2500ms, beep: {length: 0s}}"
	longer   = "tones: {country: US, failed: 2500ms}"
	toneHz   = 620
	atEar    = -3.01 - 3.14 - 3.01 // dB: what this frequency of a tone in dBm0 has in dBFS
)

// hearsOut waits until an ear has heard a tone of that country to its end, and reports
// whether it was the busy tone and not congestion; dBm0 is the level it is to have.
func (h *house) hearsOut(who string, level func(hz int) float64, dBm0 float64) (busy bool) {
	h.t.Helper()
	full := dBm0 + atEar
	loudest := math.Inf(-1)
	var quiet time.Time // since when it is not heard any more
	h.await(who+" hears a tone to its end", func() bool {
		now := level(toneHz)
		loudest = max(loudest, now)
		switch {
		case now >= full-15:
			quiet = time.Time{}
		case loudest > full-8 && quiet.IsZero():
			quiet = time.Now()
		}
		return !quiet.IsZero() && time.Since(quiet) > 700*time.Millisecond // longer than between two sounds of it
	})
	if loudest > full+1.5 {
		h.t.Errorf("%s hears it at %.1f dBFS, want %.1f", who, loudest, full)
	}
	return loudest > full-3
}

// TestAgentHearsWhyNobodyComes holds that an agent hears busy or congestion on their leg
// when who was to get or to join the customer does not come, and the customer's voice with
// it, and that the customer hears nothing of it.
func TestAgentHearsWhyNobodyComes(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 3, Tones: true, AgentSet: "wrap_up: 0s", Media: american,
		Global: "transfer: {extensions: [10XX], ring_timeout: 1s}",
	})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	for extension, status := range map[string]int{"1002": 486, "1003": 503, "1004": 600} {
		h.pbx.Extension(extension).Refuse(status)
	}
	line := h.line("1001")
	customer := math.Inf(-1)
	ear := func(hz int) float64 {
		customer = max(customer, h.carrier.Hears(number(0), 480)) // its other frequency, farther from the agent's voice
		return line.Hears(hz)
	}
	for _, c := range []struct {
		keys string
		busy bool
	}{{"*71002#", true}, {"*71003#", false}, {"*61004#", true}, {"*61003#", false}} {
		h.customerHears(phoneHz, true)
		h.hears("the agent", line.Hears, calleeHz, true)
		h.press("1001", c.keys)
		if busy := h.hearsOut("the agent", ear, -22); busy != c.busy {
			t.Errorf("%s: the busy tone: %v", c.keys, busy)
		}
		if level := line.Hears(calleeHz); level < -25 {
			t.Errorf("%s: the customer's voice is at %.1f dBFS after it", c.keys, level)
		}
	}
	if customer > -45 {
		t.Errorf("the customer hears the tone at %.1f dBFS", customer)
	}
	if err := h.hangUpAll(); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; len(r.Transfers) != 4 {
		t.Errorf("record %+v", r)
	}
}

// TestConsultThatFails holds that a phone which was answered before the other side rang
// hears why that one does not come, before it is hung up.
func TestConsultThatFails(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Phones: 2, Tones: true, NoCalls: true, Media: longer, Global: "transfer: {extensions: [10XX]}"})
	h.awaitAgent("a1001", api.AgentReady)
	h.pbx.Extension("1002").Refuse(486)
	h.pbx.Extension("1003").Refuse(503)
	for to, want := range map[string]bool{"1002": true, "1003": false} {
		line, err := h.pbx.Extension("1001").Consult(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if busy := h.hearsAtTheEnd(line.Hears, func() bool { return !line.Up() }); busy != want {
			t.Errorf("%s: the busy tone: %v", to, busy)
		}
	}
}

// hearsAtTheEnd waits until a call is over with a tone, and reports whether that is the busy
// tone and not congestion.
func (h *house) hearsAtTheEnd(level func(hz int) float64, over func() bool) (busy bool) {
	h.t.Helper()
	const full = -10 + atEar
	loudest := math.Inf(-1)
	var since time.Time
	h.await("the end of the call", func() bool {
		now := level(toneHz)
		if since.IsZero() && now > full-15 {
			since = time.Now()
		}
		if !since.IsZero() && time.Since(since) > 700*time.Millisecond { // the ear has forgotten the ringing
			loudest = max(loudest, now)
		}
		return over()
	})
	if loudest < full-8 || loudest > full+1 {
		h.t.Errorf("a tone at %.1f dBFS, want %.1f", loudest, full)
	}
	return loudest > full-3
}

// TestPreviewedCallThatFails holds that an agent who has a lead called hears on their leg
// that its line is busy, is ready for the next, and hears no more of it once that is there.
func TestPreviewedCallThatFails(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Campaign: "mode: preview",
		Media: "tones: {country: US, failed: 30s, beep: {length: 0s}}",
		Behave: func(n string) lab.Behaviour {
			if n == number(0) {
				return lab.Busy
			}
			return lab.Person
		},
	})
	h.load(0, 1)
	h.show()
	if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.hears("the agent", h.line("1001").Hears, toneHz, true)
	began := time.Now()
	if busy := h.hearsAtTheEnd(h.line("1001").Hears, func() bool { return time.Since(began) > 2500*time.Millisecond }); !busy {
		t.Error("the agent hears congestion")
	}
	h.load(1, 2)
	if l := h.show(); l.Number != number(1) {
		t.Fatalf("the agent is shown %+v", l)
	}
	if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.hears("the agent", h.line("1001").Hears, calleeHz, true)
	loudest, joined := math.Inf(-1), time.Now()
	h.await("two rounds of the tone", func() bool {
		if time.Since(joined) > 700*time.Millisecond { // the ear has forgotten what was before
			loudest = max(loudest, h.line("1001").Hears(toneHz))
		}
		return time.Since(joined) > 2700*time.Millisecond
	})
	if loudest > -40 {
		t.Errorf("the agent hears the tone amid the next call, at %.1f dBFS", loudest)
	}
	if err := h.hangUpAll(); err != nil {
		t.Fatal(err)
	}
}

// TestArrivalBeep holds that a nailed agent hears a beep when a customer is put through,
// with the customer's voice, that neither the customer nor the recording has it, and that
// an agent whose telephone rings hears none, nor one where it is turned off.
func TestArrivalBeep(t *testing.T) {
	t.Parallel()
	const beepAt = 1800
	for name, c := range map[string]struct {
		mode, length string
		heard        bool
	}{"nailed": {"nailed", "1s", true}, "ring": {"ring", "1s", false}, "off": {"nailed", "0s", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, Tones: true, AgentSet: "wrap_up: 0s, mode: " + c.mode,
				Media: "tones: {beep: {frequency: 1800, level: -12, length: " + c.length + "}}",
			})
			h.awaitAgent("a1001", api.AgentReady)
			h.load(0, 1)
			customer, agent, together := math.Inf(-1), math.Inf(-1), false
			var since time.Time
			h.await("a second and a half of the conversation", func() bool {
				if s := h.agent("a1001"); s.State == api.AgentTalking {
					since = s.Call.BridgedAt
					ear := h.line("1001")
					customer, agent = max(customer, h.carrier.Hears(number(0), beepAt)), max(agent, ear.Hears(beepAt))
					together = together || ear.Hears(beepAt) > -25 && ear.Hears(calleeHz) > -25
				}
				return !since.IsZero() && time.Since(since) > 1500*time.Millisecond
			})
			if heard := agent > -19.2; heard != c.heard || c.heard && !together { // -12 dBm0 are -18.2 dBFS to the ear
				t.Errorf("the agent hears it at %.1f dBFS, with the customer: %v", agent, together)
			}
			if customer > -45 {
				t.Errorf("the customer hears it at %.1f dBFS", customer)
			}
			if err := h.hangUpAll(); err != nil {
				t.Fatal(err)
			}
			h.withoutTone(h.awaitRecords(1)[0], beepAt)
		})
	}
}

// withoutTone holds that a recording has nothing of a tone.
func (h *house) withoutTone(r cdr.Record, hz float64) {
	h.t.Helper()
	sound := h.tape(r)
	for i, channel := range sound.Channels {
		if spans := tone.Spans(channel, sound.Rate, hz, 200*time.Millisecond); len(spans) > 0 {
			h.t.Errorf("channel %d has the tone at %v", i, spans)
		}
	}
}

// TestCallerWhomNobodyServes holds that a caller to whom nothing is said hears congestion
// before the call ends where they are answered already, and else is not answered.
func TestCallerWhomNobodyServes(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"queue", "agent"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, NoLogin: true, NoCalls: true, Media: longer,
				Campaign: "inbound: {answer: " + answer + ", agent_patience: 1s, callback: off, prompts: {busy: off, queue: off}}",
			})
			c := h.callIn(number(5))
			if answer == "queue" && h.hearsAtTheEnd(c.Hears, c.Over) {
				t.Error("the caller hears the busy tone")
			}
			h.awaitOver(c)
			r := h.awaitInbound()
			if r.Outcome != cdr.NoAnswer || r.HungUpBy != cdr.Ringpace || r.Marks.Answered.IsZero() != (answer == "agent") {
				t.Errorf("record %+v", r)
			}
			if answer == "agent" && (r.SIPStatus != 480 || r.Message != "" || c.Answered()) {
				t.Errorf("the caller is answered to hear nothing: record %+v", r)
			}
		})
	}
}
