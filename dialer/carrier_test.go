package dialer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// TestSIPp dials numbers at a SIPp that treats each as a carrier may, and holds the
// records against what SIPp saw; SIPp itself fails on any message that it does not
// expect.
func TestSIPp(t *testing.T) {
	t.Parallel()
	fates := []struct {
		does    peers.Behaviour
		outcome cdr.Outcome
		status  int
		by      cdr.Party
	}{
		{peers.HangUp, cdr.Person, 200, cdr.Customer},
		{peers.Answer, cdr.Person, 200, cdr.Agent},
		{peers.SlowAnswer, cdr.Person, 200, cdr.Customer},
		{peers.RingOut, cdr.NoAnswer, 487, ""},
		{peers.Busy, cdr.Busy, 486, ""},
		{peers.Congestion, cdr.Congestion, 503, ""},
		{peers.EarlyMedia, cdr.Busy, 486, ""},
		{peers.InvalidNumber, cdr.InvalidNumber, 404, ""},
		{peers.Unreachable, cdr.Unreachable, 480, ""},
		{peers.Rejected, cdr.Rejected, 603, ""},
		{peers.Blocked, cdr.Blocked, 608, ""},
	}
	p := peers.Plan{Numbers: map[string]peers.Behaviour{}, SlowRing: time.Second, Talk: time.Second}
	for i, f := range fates {
		p.Numbers[number(i)] = f.does
	}
	carrier := peers.SIPp(t, p)
	h := build(t, plan{
		Agents: 2, AgentSet: "wrap_up: 0s", Redis: peers.Redis(t).URL(), Campaign: "max_attempts: 1",
		Trunk: fmt.Sprintf("server: %q", carrier.Addr().String()),
	})
	h.load(0, len(fates))
	// The callee who does not hang up is hung up on, by whichever agent has them.
	h.await("the call that waits for the agent", func() bool {
		for _, id := range []string{"a1001", "a1002"} {
			if s := h.agent(id); s.State == api.AgentTalking && s.Call.Number == number(1) {
				_, err := h.daemon.Hangup(t.Context(), id)
				return err == nil
			}
		}
		return false
	})
	recs := h.awaitRecords(len(fates))
	seen := map[string]peers.CarrierCall{}
	for _, c := range carrier.Finish(t, len(fates)) {
		seen[c.Number] = c
	}
	for i, f := range fates {
		for _, r := range recs {
			if r.Number != number(i) {
				continue
			}
			if r.Outcome != f.outcome || r.SIPStatus != f.status || (f.by != "" && r.HungUpBy != f.by) {
				t.Errorf("%s: outcome %s, status %d, hung up by %q; want %s, %d, %q", f.does, r.Outcome, r.SIPStatus, r.HungUpBy, f.outcome, f.status, f.by)
			}
			if (f.does == peers.EarlyMedia) == r.Marks.EarlyMedia.IsZero() {
				t.Errorf("%s: early media at %v", f.does, r.Marks.EarlyMedia)
			}
			c := seen[r.Number]
			if !strings.HasPrefix(c.CallID, r.ID) || !strings.Contains(c.From, official) || !strings.Contains(c.AssertedIdentity, official) {
				t.Errorf("%s: the carrier saw Call-ID %s, From %s, P-Asserted-Identity %s of attempt %s", f.does, c.CallID, c.From, c.AssertedIdentity, r.ID)
			}
		}
	}
}

// TestAsterisk has Asterisk be the carrier that demands registration and digest,
// and the PBX on which an agent's baresip is registered. The callee plays one tone,
// the agent another: the recording must hold each on its own side, for the whole
// call, both must have heard each other, and the records must agree with Asterisk's.
func TestAsterisk(t *testing.T) {
	const calleeHz, agentHz, leads = 440, 600, 3
	pbx := peers.Asterisk(t, peers.Plan{Default: peers.HangUp, Talk: 4 * time.Second, ToneHz: calleeHz})
	phone := peers.Baresip(t, pbx, peers.Softphone{ToneHz: agentHz})
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Redis: peers.Redis(t).URL(), Campaign: "max_attempts: 1",
		Trunk: fmt.Sprintf("server: %q\n    register: true\n    username: %s\n    password: %s", pbx.Addr().String(), peers.TrunkUser, peers.Password(peers.TrunkUser)),
		Peer:  fmt.Sprintf("server: %q, username: %s, password: %s", pbx.Addr().String(), peers.PBXUser, peers.Password(peers.PBXUser)),
	})
	h.load(0, leads)
	recs := h.awaitRecords(leads)
	theirs := map[string]peers.PBXRecord{}
	for _, r := range pbx.CDRs(t, peers.TrunkUser, leads) {
		id, _, _ := strings.Cut(r.CallID, "@")
		theirs[id] = r
	}
	for _, r := range recs {
		if r.Outcome != cdr.Person || r.HungUpBy != cdr.Customer || r.Agent != "a1001" {
			t.Errorf("record %+v", r)
			continue
		}
		h.checkTones(r, calleeHz, agentHz)
		other, ok := theirs[r.ID]
		if !ok {
			t.Errorf("Asterisk has no record of attempt %s", r.ID)
			continue
		}
		if other.Disposition != "ANSWERED" || other.Number != r.Number || !strings.Contains(other.From, official) || !strings.Contains(other.AssertedIdentity, official) {
			t.Errorf("Asterisk's record %+v", other)
		}
		mine := r.Marks.Ended.Sub(r.Marks.Answered)
		if d := (mine - other.Talk()).Abs(); d > time.Second {
			t.Errorf("the call lasted %v by our record and %v by Asterisk's", mine, other.Talk())
		}
	}
	h.quit()
	heard := phone.Heard(t, 1)
	if r := tone.Dominant(heard.Channels[0], heard.Rate); r.Hz != calleeHz {
		t.Errorf("the agent heard %+v, want %d Hz", r, calleeHz)
	}
}

// checkTones holds a recording against what both sides played: the callee from the
// answer to the end, the agent from the bridge to the end.
func (h *house) checkTones(r cdr.Record, calleeHz, agentHz float64) {
	h.t.Helper()
	sound := h.tape(r)
	for i, want := range []float64{calleeHz, agentHz} {
		if got := tone.Dominant(sound.Channels[i], sound.Rate); got.Hz != want || got.Share < 0.8 {
			h.t.Errorf("channel %d holds %+v, want %v Hz", i, got, want)
		}
	}
	for party, v := range map[string]cdr.Voice{"callee": r.Recording.Quality.Left, "agent": r.Recording.Quality.Right} {
		if v.ActiveDBm0 == nil || *v.ActiveDBm0 < -40 || *v.ActiveDBm0 > 3 || v.Talk < 0.5 || v.FirstWordMS == nil {
			h.t.Errorf("quality of the %s's channel: %+v", party, v)
		}
	}
	call := r.Marks.Ended.Sub(r.Marks.Answered)
	if d := call - sound.Duration(); d.Abs() > 40*time.Millisecond {
		h.t.Errorf("the recording is %v long, the call was %v: %v apart", sound.Duration(), call, d)
	}
	from := r.Marks.AgentAudio.Sub(r.Marks.Answered)
	spans := tone.Spans(sound.Channels[1], sound.Rate, agentHz, 100*time.Millisecond)
	if len(spans) != 1 || (spans[0].From-from).Abs() > 60*time.Millisecond || (sound.Duration()-spans[0].To) > 60*time.Millisecond {
		h.t.Errorf("the agent's tone is at %v, want one span from %v to %v", spans, from, sound.Duration())
	}
}
