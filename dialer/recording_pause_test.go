package dialer_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/tone"
)

// quiet is the longest stretch of a channel without any sound.
func quiet(s tone.Sound, channel int) tone.Span {
	at := func(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(s.Rate) }
	var longest tone.Span
	from := 0
	for i, v := range append(slices.Clip(s.Channels[channel]), 1000) {
		if v < -8 || v > 8 { // what A-law has for silence
			if run := (tone.Span{From: at(from), To: at(i)}); run.Length() > longest.Length() {
				longest = run
			}
			from = i + 1
		}
	}
	return longest
}

// leftOut holds that the recording of a call has a stretch of nothing but silence, as long
// as that and what is kept out behind it, on both channels at once, and sound on both
// before and after it.
func (h *house) leftOut(r cdr.Record, length time.Duration) {
	h.t.Helper()
	sound := h.tape(r)
	const (
		tail  = 250 * time.Millisecond
		slack = 500 * time.Millisecond // packets that were on their way, and what phones left out as this machine had no time for them
	)
	both := [2]tone.Span{quiet(sound, 0), quiet(sound, 1)}
	for channel, span := range both {
		if over := span.Length() - length; over < tail-slack || over > tail+slack {
			h.t.Errorf("channel %d is silent at %v, for %v, want %v with at most %v more or less", channel, span, span.Length(), length+tail, slack)
		}
		if span.From < 100*time.Millisecond || sound.Duration()-span.To < 100*time.Millisecond {
			h.t.Errorf("channel %d is silent at %v of %v, want sound before and after", channel, span, sound.Duration())
		}
	}
	if (both[0].From - both[1].From).Abs() > slack {
		h.t.Errorf("the channels are silent at %v", both)
	}
}

// someTime lets the conversation go on.
func (h *house) someTime(long time.Duration) {
	h.t.Helper()
	since := time.Now()
	h.await(long.String(), func() bool { return time.Since(since) > long })
}

// callPaused is since when the recording of the only call is paused.
func (h *house) callPaused() time.Time {
	h.t.Helper()
	calls, err := h.daemon.Calls(h.t.Context())
	if err != nil || len(calls) != 1 {
		h.t.Fatalf("calls %v: %v", calls, err)
	}
	return calls[0].RecordingPausedAt
}

// paused awaits that agent and call say whether the recording is paused.
func (h *house) paused(id string, want bool) {
	h.t.Helper()
	h.await("what agent and call say of the pause", func() bool {
		s := h.agent(id)
		return s.Call != nil && s.Call.RecordingPausedAt.IsZero() != want && h.callPaused().IsZero() != want
	})
}

// TestRecordingPause holds that the agent's key keeps all who talk out of the recording, a
// third party and the beep too, and out of it alone; that it is shown, marked and told; and
// that the key ends it.
func TestRecordingPause(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 0s", Global: "transfer: {extensions: [10XX]}",
		Recording: "beep: {to: both, length: 300ms, every: 1s, level: -7}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	agent := h.line("1001")
	h.press("1001", "*8")
	h.hears("the agent, who has no call,", agent.Hears, 300, true)
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.threeTalk()
	h.paused("a1001", false)

	// By INFO: a telephone says nothing while it sends keys as telephone events.
	key := func() {
		t.Helper()
		for _, k := range "*8" {
			if err := agent.PressByInfo(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
	}
	key()
	h.paused("a1001", true)
	s := h.agent("a1001")
	if left := s.Call.RecordingResumesAt.Sub(s.Call.RecordingPausedAt); s.State != api.AgentTalking || (left-3*time.Minute).Abs() > time.Second {
		t.Errorf("the agent is %s, and the recording goes on after %v", s.State, left)
	}
	h.hears("the agent", agent.Hears, 1000, true) // the confirmation
	h.customerHears(beepHz, false)
	h.someTime(1500 * time.Millisecond)
	h.threeTalk()
	if level := h.carrier.Hears(number(0), beepHz); level > -35 {
		t.Errorf("the beep is heard, at %.0f dB, while nothing is recorded", level)
	}
	key()
	h.paused("a1001", false)
	h.customerHears(beepHz, true)
	h.threeTalk()
	if _, err := h.daemon.ResumeRecording(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("going on with what is not paused: %v", err)
	}
	if err := h.pbx.Extension("1002").Hangup(); err != nil {
		t.Fatal(err)
	}
	h.await("two to be left", func() bool { return h.agent("a1001").Call.Conference == "" })
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if len(r.RecordingPauses) != 1 {
		t.Fatalf("pauses %+v", r.RecordingPauses)
	}
	p := r.RecordingPauses[0]
	if p.Agent != "a1001" || p.EndedBy != cdr.PauseEndedByAgent || r.Customer.Lost > 0 {
		t.Errorf("%+v; %d packets were lost", p, r.Customer.Lost)
	}
	h.leftOut(r, p.Ended.Sub(p.Began))
	file, err := os.ReadFile(filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Recording.Path)))
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"paused by the agent", "the agent's pause is over"} {
		if strings.Count(string(file), mark+"\x00") != 1 {
			t.Errorf("the file has the mark %q %d times", mark, strings.Count(string(file), mark))
		}
	}
}

// TestRecordingPauseAndHold holds that a hold, recorded or not, does not end a pause; nor
// the end of a pause a hold that is not recorded; and that a pause ends by itself.
func TestRecordingPauseAndHold(t *testing.T) {
	for _, c := range []struct {
		hold, limit string
		by          cdr.PauseEnd
	}{{"keep", "3s", cdr.PauseEndedByLimit}, {"pause", "0s", cdr.PauseEndedByAgent}} {
		t.Run(c.hold, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, Tones: true, AgentSet: "wrap_up: 0s",
				Global: "hold: {recording: " + c.hold + "}", Recording: "max_pause: " + c.limit,
			})
			do := func(f func() (api.AgentStatus, error)) api.AgentStatus {
				t.Helper()
				s, err := f()
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			command := func(f func(string) (api.AgentStatus, error)) api.AgentStatus {
				t.Helper()
				return do(func() (api.AgentStatus, error) { return f("a1001") })
			}
			hold := func(id string) (api.AgentStatus, error) { return h.daemon.Hold(t.Context(), id) }
			takeBack := func(id string) (api.AgentStatus, error) { return h.daemon.Resume(t.Context(), id) }
			pause := func(id string) (api.AgentStatus, error) { return h.daemon.PauseRecording(t.Context(), id) }
			goOn := func(id string) (api.AgentStatus, error) { return h.daemon.ResumeRecording(t.Context(), id) }
			h.firstTalk()
			h.someWords("a1001")
			var length time.Duration
			if c.hold == "keep" {
				command(pause)
				command(hold)
				h.customerHears(phoneHz, false)
				command(takeBack)
				h.customerHears(phoneHz, true)
				h.paused("a1001", true)
				if s := command(pause); !s.Call.RecordingResumesAt.After(s.Call.RecordingPausedAt.Add(3 * time.Second)) {
					t.Errorf("paused at %v and again, it goes on at %v", s.Call.RecordingPausedAt, s.Call.RecordingResumesAt)
				}
				h.hears("the agent", h.line("1001").Hears, 300, true) // the low beep: it is recorded from now on
				h.paused("a1001", false)
			} else {
				command(hold)
				since := time.Now()
				if s := command(pause); s.State != api.AgentHold || !s.Call.RecordingResumesAt.IsZero() {
					t.Errorf("the agent is %s, and the recording goes on at %v", s.State, s.Call.RecordingResumesAt)
				}
				h.someTime(300 * time.Millisecond)
				command(takeBack)
				h.customerHears(phoneHz, true)
				h.someTime(300 * time.Millisecond)
				command(hold)
				command(goOn)
				h.someTime(300 * time.Millisecond)
				command(takeBack)
				length = time.Since(since) - 200*time.Millisecond // a hold has no tail
			}
			h.customerHears(phoneHz, true)
			h.someTime(400 * time.Millisecond)
			command(func(id string) (api.AgentStatus, error) { return h.daemon.Hangup(t.Context(), id) })
			r := h.awaitRecords(1)[0]
			if len(r.RecordingPauses) != 1 || r.RecordingPauses[0].EndedBy != c.by {
				t.Fatalf("pauses %+v", r.RecordingPauses)
			}
			if p := r.RecordingPauses[0]; c.hold == "keep" {
				length = p.Ended.Sub(p.Began)
			}
			h.leftOut(r, length)
		})
	}
}

// TestRecordingPauseAndOthers holds that a pause outlasts a transfer that fails, ends with
// one that succeeds, and is not for whom an agent has called in.
func TestRecordingPauseAndOthers(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Tones: true, AgentSet: "wrap_up: 0s", NoLogin: true})
	h.logIn("a1001")
	if _, err := h.daemon.PauseRecording(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("without a call: %v", err)
	}
	h.firstTalk()
	h.someWords("a1001")
	if _, err := h.daemon.PauseRecording(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Transfer(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.await("the customer to be back", func() bool { s := h.agent("a1001"); return s.State == api.AgentTalking && s.Reason != "" })
	h.customerHears(phoneHz, true)
	h.paused("a1001", true)
	h.someTime(700 * time.Millisecond)
	h.logIn("a1002")
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(hz(1002), true)
	for what, f := range map[string]func() error{
		"pause": func() error { _, err := h.daemon.PauseRecording(t.Context(), "a1002"); return err },
		"go on": func() error { _, err := h.daemon.ResumeRecording(t.Context(), "a1002"); return err },
	} {
		if err := f(); !errors.Is(err, api.ErrConflict) {
			t.Errorf("who was called in may %s: %v", what, err)
		}
	}
	if _, err := h.daemon.DropThird(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentReady)
	h.await("the transfer", func() bool { _, err := h.daemon.Transfer(t.Context(), "a1001", "1002"); return err == nil })
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentTalking)
	h.paused("a1002", false)
	h.customerHears(hz(1002), true)
	h.someWords("a1002")
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if p := r.RecordingPauses; len(p) != 1 || p[0].Agent != "a1001" || p[0].EndedBy != cdr.PauseEndedWithTalk {
		t.Fatalf("pauses %+v", p)
	}
	h.leftOut(r, r.RecordingPauses[0].Ended.Sub(r.RecordingPauses[0].Began))
}

// TestNothingToPause holds that an agent is told where nothing is recorded: they would
// think that a pause guards what it does not.
func TestNothingToPause(t *testing.T) {
	t.Parallel()
	p := noticePlan(t, "unrecorded")
	h := build(t, p)
	h.load(0, 1)
	h.customerHears(noticeHz, true)
	if err := h.carrier.Press(number(0), "9"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.PauseRecording(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("of a customer who refused: %v", err)
	}
	h.press("1001", "*8")
	h.hears("the agent", h.line("1001").Hears, 300, true)
	if s := h.agent("a1001"); s.Call == nil || !s.Call.RecordingPausedAt.IsZero() {
		t.Errorf("call %+v", s.Call)
	}
}

// TestKeysOfAPauseAreNotKept holds that what a caller keys in while the recording is paused,
// by either way, stands nowhere afterwards: not in the recording, the record, the journal,
// the log or the trace.
func TestKeysOfAPauseAreNotKept(t *testing.T) {
	t.Parallel()
	const card = "4929513802"
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", NoCalls: true})
	h.awaitAgent("a1001", api.AgentReady)
	caller := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	h.hears("the caller", caller.Hears, phoneHz, true)
	h.someWords("a1001")
	if _, err := h.daemon.PauseRecording(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if err := caller.Press(card); err != nil {
		t.Fatal(err)
	}
	for _, key := range card[:4] {
		if err := caller.PressByInfo(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	h.someTime(time.Duration(len(card)) * 200 * time.Millisecond) // that long are the keys
	h.hears("the agent", h.line("1001").Hears, callerHz, true)
	if _, err := h.daemon.ResumeRecording(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.someTime(400 * time.Millisecond)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitInbound()
	h.leftOut(r, r.RecordingPauses[0].Ended.Sub(r.RecordingPauses[0].Began))
	wire, err := h.daemon.Trace(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(wire)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{"the trace": string(text), "the log": h.log.String()}
	if err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		kept[path] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(kept["the trace"], "INFO") {
		t.Fatal("the trace has no INFO")
	}
	signal := regexp.MustCompile(`Signal=[0-9]`)
	for where, text := range kept {
		if strings.Contains(text, card) || signal.MatchString(text) {
			t.Errorf("%s has what was keyed in", where)
		}
	}
}
