package dialer_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/tone"
)

// TestHold holds that each spelling of hold by the agent's phone shows in their state,
// that the customer hears the tone meanwhile and not the agent, that the agent is heard
// again afterwards, and that the record counts it.
func TestHold(t *testing.T) {
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Media: "timeout: 2s"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	line := h.line("1001")
	for _, by := range []lab.HoldBy{lab.SendOnly, lab.Inactive, lab.Zero} {
		h.customerHears(phoneHz, true)
		if err := line.Hold(t.Context(), by); err != nil {
			t.Fatal(by, err)
		}
		h.awaitAgent("a1001", api.AgentHold)
		h.customerHears(phoneHz, false)
		if err := line.Resume(t.Context()); err != nil {
			t.Fatal(by, err)
		}
		h.awaitAgent("a1001", api.AgentTalking)
	}
	h.customerHears(phoneHz, true)
	h.hears("the agent", line.Hears, calleeHz, true)
	if f := h.agent("a1001").Today; f.HoldS <= 0 {
		t.Errorf("figures %+v", f)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.Holds != 3 || r.HoldMS <= 0 || r.HoldMS > r.Marks.Talk().Milliseconds() {
		t.Errorf("%d holds of %d ms in a talk of %v", r.Holds, r.HoldMS, r.Marks.Talk())
	}
}

// TestHoldByCommand holds the same of the command, with music and with a recording that
// leaves the hold out; and that the leg of an agent who holds is not taken for dead.
func TestHoldByCommand(t *testing.T) {
	const musicHz = 900
	dir := t.TempDir()
	music := tone.Sound{Rate: 8000, Channels: [][]int16{tone.Sine(8000, musicHz, -13, time.Second)}}
	if err := tone.WriteFile(filepath.Join(dir, "music.wav"), music); err != nil {
		t.Fatal(err)
	}
	h := build(t, plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Media: "timeout: 2s", Dir: dir,
		Global: "hold: {music: music.wav, recording: pause}",
	})
	if _, err := h.daemon.Hold(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("an agent without a call holds: %v", err)
	}
	h.firstTalk()
	h.someWords("a1001")
	if _, err := h.daemon.Hold(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentHold)
	h.customerHears(musicHz, true)
	h.customerHears(phoneHz, false)
	h.hears("the agent", h.line("1001").Hears, calleeHz, false)
	// The phone holds too, and so sends nothing for longer than a leg may be; then it is the
	// phone that must take the customer back.
	line := h.line("1001")
	if err := line.Hold(t.Context(), lab.Inactive); err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	h.await("three seconds of hold", func() bool { return time.Since(since) > 3*time.Second })
	if s := h.agent("a1001"); s.State != api.AgentHold {
		t.Fatalf("agent is %s (%s)", s.State, s.Reason)
	}
	if _, err := h.daemon.Resume(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("a hold of the phone's was ended by a command: %v", err)
	}
	if err := line.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Resume(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(musicHz, false)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Holds != 1 || r.HoldMS < 3000 || r.Recording == nil {
		t.Fatalf("record %+v", r)
	}
	sound := h.tape(r)
	for i, hz := range []float64{calleeHz, phoneHz} {
		if spans := tone.Spans(sound.Channels[i], sound.Rate, hz, 100*time.Millisecond); len(spans) != 2 || spans[1].From-spans[0].To < 2*time.Second {
			t.Errorf("channel %d has its tone at %v, want it left out for the hold", i, spans)
		}
	}
}

// TestHoldWithoutACall holds that an agent whose phone holds the leg gets no call until
// the phone has taken it back.
func TestHoldWithoutACall(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s"})
	h.awaitAgent("a1001", api.AgentReady)
	line := h.line("1001")
	if err := line.Hold(t.Context(), lab.SendOnly); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentPaused)
	if s := h.agent("a1001"); s.Reason != "the phone holds its leg" {
		t.Errorf("paused for %q", s.Reason)
	}
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if s := h.agent("a1001"); s.State != api.AgentPaused {
		t.Errorf("ready, and nobody would hear them: %s", s.State)
	}
	h.load(0, 1)
	if err := line.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
}

// TestHoldAtTheInstantOfJoining holds that a customer who answers while the agent's phone
// holds is on hold at once, and that the record has the agent's first audio when they are
// heard, which is after the hold.
func TestHoldAtTheInstantOfJoining(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Campaign: "mode: preview"})
	h.awaitAgent("a1001", api.AgentReady)
	h.load(0, 1)
	h.show()
	line := h.line("1001")
	if err := line.Hold(t.Context(), lab.Inactive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Dial(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentHold)
	h.customerHears(phoneHz, false)
	resumed := time.Now()
	if err := line.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.Holds != 1 || r.Marks.AgentAudio.Before(resumed) {
		t.Errorf("%d holds, the agent's audio at %v, and the hold ended at %v", r.Holds, r.Marks.AgentAudio, resumed)
	}
}
