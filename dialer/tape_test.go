package dialer_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/tone"
	"ringpace/media/record"
	"ringpace/media/record/chain"
)

// noticeHz is the prompt of these tests that tells of the recording, for noticeTime; and
// beepHz their beep.
const (
	noticeHz, beepHz = 900, 1400
	noticeTime       = 1500 * time.Millisecond
)

// noticePlan is a floor whose customers are told of the recording, by a tone. who refuses
// by 9 is dealt with as it says.
func noticePlan(t *testing.T, refused string) plan {
	t.Helper()
	dir := t.TempDir()
	notice := tone.Sound{Rate: 8000, Channels: [][]int16{tone.Sine(8000, noticeHz, -13, noticeTime)}}
	if err := tone.WriteFile(filepath.Join(dir, "notice.wav"), notice); err != nil {
		t.Fatal(err)
	}
	return plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Dir: dir,
		Recording: `consent: {prompt: notice.wav, refuse_key: "9", refused: ` + refused + `}`,
	}
}

// spans is where a tone is in a channel, and how long it is there in all.
func spans(s tone.Sound, channel int, hz float64) (list []tone.Span, sum time.Duration) {
	list = tone.Spans(s.Channels[channel], s.Rate, hz, 100*time.Millisecond)
	for _, span := range list {
		sum += span.Length()
	}
	return list, sum
}

// TestToldOfRecording holds that customer and agent hear the prompt as they are joined, and
// one another after it; and that the recording has the prompt whole, then the agent, and
// nothing of the customer before the prompt.
func TestToldOfRecording(t *testing.T) {
	t.Parallel()
	p := noticePlan(t, "unrecorded")
	h := build(t, p)
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(noticeHz, true)
	h.hears("the agent", h.line("1001").Hears, noticeHz, true)
	h.customerHears(phoneHz, true)
	h.hears("the agent", h.line("1001").Hears, calleeHz, true)
	h.customerHears(noticeHz, false)
	h.someWords("a1001")
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Consent != cdr.ConsentTold {
		t.Errorf("consent %q", r.Consent)
	}
	sound := h.tape(r)
	said, sum := spans(sound, 1, noticeHz)
	if sum < noticeTime-60*time.Millisecond || sum > noticeTime+60*time.Millisecond {
		t.Fatalf("the prompt is recorded at %v, want %v of it", said, noticeTime)
	}
	over := said[len(said)-1].To
	agent, _ := spans(sound, 1, phoneHz)
	if len(agent) == 0 || agent[0].From < over-20*time.Millisecond || agent[0].From > over+500*time.Millisecond {
		t.Errorf("the agent is recorded at %v, the prompt at %v", agent, said)
	}
	customer, _ := spans(sound, 0, calleeHz)
	if len(customer) == 0 || customer[0].From < said[0].From-60*time.Millisecond {
		t.Errorf("the customer is recorded at %v, the prompt at %v", customer, said)
	}
	if r.Marks.AgentAudio.Sub(r.Marks.AgentClaimed) < noticeTime-100*time.Millisecond {
		t.Errorf("the agent is said to be heard after %v, amid the prompt", r.Marks.AgentAudio.Sub(r.Marks.AgentClaimed))
	}
}

// TestRecordingRefused holds that nothing is left of the recording of a customer who
// presses the key, while the prompt plays or just after it, by either way, and that their
// call goes on or ends as it should.
func TestRecordingRefused(t *testing.T) {
	for _, c := range []struct {
		refused string
		inbound bool
		late    bool
	}{{"unrecorded", false, false}, {"unrecorded", true, true}, {"hangup", true, false}, {"hangup", false, true}} {
		t.Run(fmt.Sprintf("%s, inbound %v, late %v", c.refused, c.inbound, c.late), func(t *testing.T) {
			t.Parallel()
			p := noticePlan(t, c.refused)
			p.NoCalls = c.inbound
			h := build(t, p)
			press := func(key string) error { return h.carrier.Press(number(0), key) }
			hears := h.customerHears
			if c.inbound {
				h.awaitAgent("a1001", api.AgentReady)
				caller := h.callIn(number(5))
				press = func(key string) error { return caller.PressByInfo(t.Context(), rune(key[0])) }
				hears = func(hz int, want bool) { h.hears("the caller", caller.Hears, hz, want) }
			} else {
				h.load(0, 1)
			}
			hears(noticeHz, true)
			if err := press("8"); err != nil { // means nothing
				t.Fatal(err)
			}
			if c.late {
				hears(phoneHz, true)
			}
			if err := press("9"); err != nil && c.refused != "hangup" { // which may be faster than the answer to the INFO
				t.Fatal(err)
			}
			if c.refused == "unrecorded" {
				hears(phoneHz, true)
				h.await("no file", func() bool {
					left, err := filepath.Glob(filepath.Join(h.cfg.Recording.Dir, "*", "*", "*.wav"))
					return err == nil && len(left) == 0
				})
				if s := h.agent("a1001"); s.State != api.AgentTalking {
					t.Errorf("the agent is %s", s.State)
				}
				if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
					t.Fatal(err)
				}
			}
			var r cdr.Record
			if c.inbound {
				r = h.awaitInbound()
			} else {
				r = h.awaitRecords(1)[0]
			}
			if r.Consent != cdr.ConsentRefused || r.Recording != nil || r.Outcome != cdr.Person || !r.Bridged() {
				t.Errorf("record %+v", r)
			}
			if by := r.HungUpBy; c.refused == "hangup" && by != cdr.Ringpace || c.refused == "unrecorded" && by != cdr.Agent {
				t.Errorf("%s hung up", by)
			}
			if _, err := record.Find(h.cfg.Recording.Dir, r.ID); err == nil {
				t.Error("a file is left")
			}
			x, err := chain.Load(h.cfg.Recording.Dir)
			if err != nil {
				t.Fatal(err)
			}
			// Early on there may have been no file yet, and no line then.
			if it, ok := x.ID(r.ID); c.late && !ok || ok && (it.Gone != chain.Discarded || it.Ended.Why != "the customer refused to be recorded") {
				t.Errorf("the chain has %+v, %v", it, ok)
			}
		})
	}
}

// TestNoticeCutOff holds that a customer who was put on hold amid the prompt hears all of
// it afterwards, before the agent, and that nothing is recorded in between.
func TestNoticeCutOff(t *testing.T) { // alone: it looks at 20 ms
	h := build(t, noticePlan(t, "unrecorded"))
	h.load(0, 1)
	h.customerHears(noticeHz, true)
	h.someWords("a1001")
	if _, err := h.daemon.Hold(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(noticeHz, false)
	since := time.Now()
	h.await("a second of hold", func() bool { return time.Since(since) > time.Second })
	if _, err := h.daemon.Resume(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(noticeHz, true)
	h.customerHears(phoneHz, true)
	h.someWords("a1001")
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	sound := h.tape(r)
	said, sum := spans(sound, 1, noticeHz)
	if r.Consent != cdr.ConsentTold || len(said) < 2 || sum-said[0].Length() < noticeTime-60*time.Millisecond {
		t.Fatalf("consent %q, the prompt is recorded at %v", r.Consent, said)
	}
	customer, _ := spans(sound, 0, calleeHz)
	if len(customer) < 2 || customer[1].From-customer[0].To < 500*time.Millisecond {
		t.Errorf("the customer is recorded at %v, the prompt at %v", customer, said)
	}
}

// TestBeepInCalls holds that both hear the beep, and the recording has it on both sides at
// the same instants, over what is said and through a hold; that who gets the customer
// hears it too; and that it ends with the conversation.
func TestBeepInCalls(t *testing.T) { // alone: it looks at 20 ms
	const beeps = "beep: {to: both, length: 300ms, every: 1s, level: -7}"
	h := build(t, plan{Agents: 2, Tones: true, AgentSet: "wrap_up: 0s", Recording: beeps, NoLogin: true})
	h.logIn("a1001")
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	agent := h.line("1001")
	h.customerHears(beepHz, true)
	h.hears("the agent", agent.Hears, beepHz, true)
	h.someWords("a1001") // all of the first
	h.customerHears(beepHz, false)
	h.customerHears(beepHz, true)
	if _, err := h.daemon.Hold(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, false)
	h.customerHears(beepHz, false)
	h.customerHears(beepHz, true)
	h.hears("the agent, who holds,", agent.Hears, beepHz, false)
	if _, err := h.daemon.Resume(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.hears("the agent", agent.Hears, beepHz, true)
	h.logIn("a1002")
	if _, err := h.daemon.Transfer(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentTalking)
	h.hears("the second agent", h.line("1002").Hears, beepHz, true)
	h.hears("the first agent", agent.Hears, beepHz, false)
	h.customerHears(hz(1002), true)
	h.customerHears(beepHz, true)
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	sound := h.tape(h.awaitRecords(1)[0])
	for channel := range 2 {
		found, _ := spans(sound, channel, beepHz)
		if len(found) < 3 {
			t.Fatalf("channel %d has beeps at %v", channel, found)
		}
		for _, span := range found { // those amid which a hold or a transfer came are shorter
			off := (span.From - found[0].From) % time.Second
			if off > 500*time.Millisecond {
				off -= time.Second
			}
			if off.Abs() > 100*time.Millisecond || span.Length() > 360*time.Millisecond {
				t.Errorf("channel %d has beeps at %v: each second one of 300 ms", channel, found)
				break
			}
		}
		if length := found[0].Length(); length < 240*time.Millisecond {
			t.Errorf("channel %d: the first beep lasts %v, want 300 ms", channel, length)
		}
		at := int((found[0].From + 100*time.Millisecond).Seconds() * 8000)
		if level := loudness(sound.Channels[channel][at:at+800], beepHz); level < -11.5 || level > -9 { // -7 dBm0 are -10.1 dBFS
			t.Errorf("channel %d has the beep at %.1f dBFS", channel, level)
		}
	}
	left, right := firstOf(sound, 0), firstOf(sound, 1)
	if (left - right).Abs() > 60*time.Millisecond {
		t.Errorf("the first beep is at %v on the left and at %v on the right", left, right)
	}
}

func firstOf(s tone.Sound, channel int) time.Duration {
	list, _ := spans(s, channel, beepHz)
	return list[0].From
}

// TestNoBeepToAgent holds that whom the configuration does not name hears none, and that it
// is on the side that hears it.
func TestNoBeepToAgent(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Recording: "beep: {to: customer, length: 300ms, every: 1s, level: -7}"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(beepHz, true)
	if level := h.line("1001").Hears(beepHz); level > -35 {
		t.Errorf("the agent hears it at %.0f dB", level)
	}
	h.someWords("a1001")
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	sound := h.tape(h.awaitRecords(1)[0])
	left, _ := spans(sound, 0, beepHz)
	right, _ := spans(sound, 1, beepHz)
	if len(left) != 0 || len(right) == 0 {
		t.Errorf("beeps at %v on the left and at %v on the right", left, right)
	}
}

// threePlan is noticePlan, with who can be called in, and beeps for those who the
// configuration names.
func threePlan(t *testing.T, refused, beepTo string) plan {
	p := noticePlan(t, refused)
	p.Phones, p.Global = 1, "transfer: {extensions: [10XX]}"
	p.Recording += ", beep: {to: " + beepTo + ", length: 300ms, every: 1s, level: -7}"
	return p
}

// callInTold has the agent call in extension 1002, who hears the prompt, and nobody hears them
// meanwhile.
func (h *house) callInTold() {
	h.t.Helper()
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.CallIn(h.t.Context(), "a1001", "1002"); err != nil {
		h.t.Fatal(err)
	}
	h.hears("the third party", h.pbx.Extension("1002").Hears, noticeHz, true)
	if s := h.agent("a1001"); s.Call == nil || s.Call.Conference != "" {
		h.t.Errorf("the third party takes part amid the prompt: %+v", s.Call)
	}
}

// TestThirdPartyToldOfRecording holds that a third party is told of the recording before they
// take part, so that it has nothing of them from before, and hears its beep as long as they
// do, whoever else hears it.
func TestThirdPartyToldOfRecording(t *testing.T) {
	for _, beepTo := range []string{"customer", "agent"} {
		t.Run(beepTo, func(t *testing.T) {
			t.Parallel()
			h := build(t, threePlan(t, "unrecorded", beepTo))
			third := h.pbx.Extension("1002")
			h.load(0, 1)
			h.callInTold()
			if level := third.Hears(calleeHz); level > -35 {
				t.Errorf("amid the prompt the third party hears the customer at %.0f dB", level)
			}
			h.threeTalk()
			h.hears("the third party", third.Hears, beepHz, true)
			h.hears("the third party", third.Hears, beepHz, false) // it is short
			h.hears("the third party", third.Hears, beepHz, true)
			if _, err := h.daemon.DropThird(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			h.customerHears(hz(1002), false)
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			if r.Consent != cdr.ConsentTold || len(r.Transfers) != 1 || r.Transfers[0].Consent != cdr.ConsentTold {
				t.Fatalf("record %+v", r)
			}
			x := r.Transfers[0]
			heard, _ := spans(h.tape(r), 1, float64(hz(1002)))
			if joined := x.Connected.Sub(r.Marks.Answered); len(heard) == 0 || heard[0].From < joined-300*time.Millisecond || x.Connected.Sub(x.At) < noticeTime-100*time.Millisecond {
				t.Errorf("the third party is recorded at %v; they were called after %v and joined after %v", heard, x.At.Sub(r.Marks.Answered), joined)
			}
		})
	}
}

// TestThirdPartyRefuses holds that nothing is kept of a third party who refuses to be
// recorded: who has taken part ends the recording, and who is let go while the prompt plays
// leaves it as it is. That the customer was told and did not refuse stays in the record.
func TestThirdPartyRefuses(t *testing.T) {
	for _, c := range []struct {
		refused string
		late    bool
	}{{"unrecorded", false}, {"unrecorded", true}, {"hangup", false}, {"hangup", true}} {
		t.Run(fmt.Sprintf("%s, late %v", c.refused, c.late), func(t *testing.T) {
			t.Parallel()
			h := build(t, threePlan(t, c.refused, "both"))
			third := h.pbx.Extension("1002")
			h.load(0, 1)
			h.callInTold()
			if c.late {
				h.threeTalk()
			}
			h.press("1002", "9")
			if c.refused == "hangup" {
				if err := third.Await(t.Context(), false); err != nil {
					t.Fatal("who refused is not let go:", err)
				}
			} else {
				h.threeTalk()
			}
			kept := c.refused == "hangup" && !c.late
			if !kept {
				h.await("no file", func() bool {
					left, err := filepath.Glob(filepath.Join(h.cfg.Recording.Dir, "*", "*", "*.wav"))
					return err == nil && len(left) == 0
				})
			}
			h.customerHears(phoneHz, true)
			if s := h.agent("a1001"); s.State != api.AgentTalking {
				t.Errorf("the agent is %s", s.State)
			}
			if _, err := h.daemon.DropThird(t.Context(), "a1001"); (err == nil) != (c.refused == "unrecorded") {
				t.Error(err)
			}
			h.customerHears(hz(1002), false)
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			if (r.Recording != nil) != kept || len(r.Transfers) != 1 || r.Transfers[0].Consent != cdr.ConsentRefused {
				t.Fatalf("record %+v", r)
			}
			if kept {
				if heard, _ := spans(h.tape(r), 1, float64(hz(1002))); r.Consent != cdr.ConsentTold || len(heard) != 0 {
					t.Errorf("consent %q, and who refused is recorded at %v", r.Consent, heard)
				}
				return
			}
			x, err := chain.Load(h.cfg.Recording.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if it, ok := x.ID(r.ID); r.Consent != cdr.ConsentTold || !ok || it.Gone != chain.Discarded || it.Ended.Why != "a third party refused to be recorded" {
				t.Errorf("consent %q, the chain has %+v, %v", r.Consent, it, ok)
			}
		})
	}
}
