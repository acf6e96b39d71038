package dialer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// TestListIsDialed has a list of callees of every kind dialed to its end, and holds
// that each attempt has one record that names what the carrier did, and that the
// bridged ones were recorded.
func TestListIsDialed(t *testing.T) {
	t.Parallel()
	kinds := []lab.Behaviour{
		lab.Person, lab.Busy, lab.NoAnswer, lab.Rejected, lab.InvalidNumber, lab.Unreachable,
		lab.Congestion, lab.EarlyBusy, lab.EarlyInvalid, lab.SlowPerson,
	}
	const n = 20
	behave := func(num string) lab.Behaviour {
		for i := range n {
			if number(i) == num {
				return kinds[i%len(kinds)]
			}
		}
		return lab.Busy
	}
	h := build(t, plan{Agents: 3, Behave: behave, Talk: 300 * time.Millisecond, AgentSet: "wrap_up: 0s", Campaign: "max_attempts: 1"})
	h.load(0, n)
	recs := h.awaitRecords(n)
	seen := map[string]bool{}
	bridged := 0
	for _, r := range recs {
		want := behave(r.Number).Outcome()
		if r.Outcome != want {
			t.Errorf("%s, who is %s: outcome %s (%d %s)", r.Number, want, r.Outcome, r.SIPStatus, r.SIPReason)
		}
		if seen[r.LeadID] {
			t.Errorf("lead %s has two records", r.LeadID)
		}
		seen[r.LeadID] = true
		if r.CallerID != official || r.Trunk != "carrier" || r.Ordinal != 1 || r.Marks.Invite.IsZero() || r.Marks.Ended.IsZero() {
			t.Errorf("incomplete record %+v", r)
		}
		if r.Outcome == cdr.Person {
			bridged++
			if r.Agent == "" || r.Marks.AgentAudio.IsZero() || r.HungUpBy != cdr.Customer || r.Marks.Talk() <= 0 {
				t.Errorf("incomplete record of a conversation: %+v", r)
			}
			if r.Recording == nil || r.Recording.SHA256 == "" || r.Recording.DurationMS < 200 {
				t.Errorf("recording of %s: %+v", r.Number, r.Recording)
			} else if q := r.Recording.Quality; q == nil || q.Silence < 0 || q.Silence > 1 {
				t.Errorf("quality of the recording of %s: %+v", r.Number, q)
			} else if _, err := os.Stat(filepath.Join(h.cfg.Recording.Dir, r.Recording.Path)); err != nil {
				t.Error(err)
			}
		}
	}
	h.quit()
	if got := h.file(); len(got) != n {
		t.Errorf("the file has %d records, want %d", len(got), n)
	}
	h.awaitIdleCarrier()
	rep := h.carrier.Report()
	if rep.Calls != n || rep.CallerIDs[official] != n || len(rep.RefusedCallerIDs) != 0 {
		t.Errorf("the carrier saw %+v", rep)
	}
	var wavs int
	_ = filepath.WalkDir(h.cfg.Recording.Dir, func(path string, _ os.DirEntry, _ error) error {
		if strings.HasSuffix(path, ".wav") {
			wavs++
		}
		return nil
	})
	if wavs != bridged {
		t.Errorf("%d recordings of %d bridged calls", wavs, bridged)
	}
}

// TestNobodyIsThere has two people answer at once for one agent: the second is told
// so by the message, and is a record of its own kind.
func TestNobodyIsThere(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "mode: power\n    ratio: 2\n    abandon_after: 300ms\n    max_attempts: 1"})
	h.load(0, 2)
	h.awaitAgent("a1001", api.AgentTalking)
	recs := h.awaitRecords(1)
	r := recs[0]
	if r.Outcome != cdr.Abandoned || r.Message == "" || r.HungUpBy != cdr.Ringpace || r.Agent != "" {
		t.Errorf("record %+v", r)
	}
	if wait := r.Marks.Ended.Sub(r.Marks.Answered); wait < 3*time.Second {
		t.Errorf("the line was closed %v after the answer: the message cannot have been played", wait)
	}
	for _, c := range h.carrier.Calls() {
		if c.Number == strings.TrimPrefix(r.Number, "+") || c.Number == r.Number {
			if c.Heard.FirstSound.IsZero() || c.Heard.LastSound.Sub(c.Heard.FirstSound) < 2*time.Second {
				t.Errorf("the customer did not hear the message: %+v", c.Heard)
			}
		}
	}
}

// TestStoppedCampaign holds that no call is made after StopCampaign has returned,
// and that a start goes on.
func TestStoppedCampaign(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, NoCalls: true, Behave: func(string) lab.Behaviour { return lab.Busy }, Campaign: "max_attempts: 1"})
	h.awaitAgent("a1001", api.AgentReady)
	h.load(0, 5)
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || x.Limit != "stopped" || !strings.Contains(x.Summary, "the campaign is stopped") {
		t.Errorf("explanation %+v, error %v", x, err)
	}
	if n := h.carrier.Report().Calls; n != 0 {
		t.Errorf("%d calls of a stopped campaign", n)
	}
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitRecords(5)
	if _, err := h.daemon.StopCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	before := h.carrier.Report().Calls
	h.load(10, 15)
	if _, err := h.daemon.Explain(t.Context(), "test"); err != nil { // paces once more
		t.Fatal(err)
	}
	if n := h.carrier.Report().Calls; n != before {
		t.Errorf("%d calls after the campaign was stopped", n-before)
	}
}

// TestDoNotCall holds that a number on the list is never dialed, and that its record
// names the rule.
func TestDoNotCall(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, NoCalls: true, Behave: func(string) lab.Behaviour { return lab.Busy }, Campaign: "max_attempts: 1"})
	h.load(0, 3)
	n, err := h.daemon.AddDoNotCall(t.Context(), "", []string{"(202) 555-0101"})
	if err == nil {
		t.Errorf("a number without a country was taken for all campaigns: %d", n)
	}
	if n, err = h.daemon.AddDoNotCall(t.Context(), "test", []string{"(202) 555-0101"}); n != 1 || err != nil {
		t.Fatalf("%d added, error %v", n, err)
	}
	if n, err = h.daemon.AddDoNotCall(t.Context(), "", []string{number(2)}); n != 1 || err != nil {
		t.Fatalf("%d added, error %v", n, err)
	}
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.awaitRecords(3) {
		switch r.Number {
		case number(0):
			if r.Outcome != cdr.Busy {
				t.Errorf("%s: %s", r.Number, r.Outcome)
			}
		default:
			if r.Outcome != cdr.Skipped || r.Rule != "do_not_call" {
				t.Errorf("%s: %s by %q", r.Number, r.Outcome, r.Rule)
			}
		}
	}
	if n := h.carrier.Report().Calls; n != 1 {
		t.Errorf("%d calls reached the carrier, want 1", n)
	}
}

// waiting waits for a call that has been answered and has no agent, and returns its id.
func (h *house) waiting() (id string) {
	h.t.Helper()
	h.await("a call that waits for its agent", func() bool {
		calls, err := h.daemon.Calls(h.t.Context())
		if err != nil || len(calls) != 1 || calls[0].State != api.CallAnswered {
			return false
		}
		id = calls[0].ID
		return true
	})
	return id
}

// TestHangupCallIsAtOnce holds that no message is played to a customer whose call is to
// end now, by command or with the daemon.
func TestHangupCallIsAtOnce(t *testing.T) {
	t.Parallel()
	ends := map[string]func(h *house, id string) error{
		"by command": func(h *house, id string) error { return h.daemon.HangupCall(h.t.Context(), id) },
		"at the end": func(h *house, _ string) error { h.daemon.HangUp(); h.quit(); return nil },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{Agents: 1, AgentSet: "mode: ring, ring_timeout: 60s", RingFor: time.Minute, Campaign: "abandon_after: 2s"})
			h.load(0, 1)
			if err := end(h, h.waiting()); err != nil {
				t.Fatal(err)
			}
			var recs []cdr.Record
			h.await("the record", func() bool { recs = h.file(); return len(recs) == 1 })
			if r := recs[0]; r.Message != "" || r.HungUpBy != cdr.Ringpace || r.Outcome != cdr.Abandoned {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// TestPortsRunOut holds that leads are not used up when there is no port for a call,
// and that the reason is told.
func TestPortsRunOut(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Behave: func(string) lab.Behaviour { return lab.NoAnswer }, RingTimeout: 20 * time.Second,
		Campaign: "mode: power\n    ratio: 5", NoCalls: true, NoLogin: true, Ports: 2,
	})
	h.load(0, 20)
	if _, err := h.daemon.Login(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentPaused)
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.await("the reason", func() bool {
		x, err := h.daemon.Explain(t.Context(), "test")
		return err == nil && strings.Contains(x.Summary, "no free RTP port")
	})
	h.await("the one call for which there is a port", func() bool { return h.carrier.Report().Calls == 1 })
	if n := len(h.records()); n != 0 {
		t.Errorf("%d leads were used up", n)
	}
}

// TestOneChannel holds that a trunk's channels are never passed, and that what waits for
// one is dialed when it is free.
func TestOneChannel(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 3, AgentSet: "wrap_up: 0s", Talk: 200 * time.Millisecond, Channels: 1, Campaign: "mode: power\n    ratio: 3"})
	h.load(0, 4)
	h.awaitRecords(4)
	overlap := 0
	calls := h.carrier.Calls()
	for i, c := range calls {
		for _, d := range calls[:i] {
			if d.Ended.After(c.Began) {
				overlap++
			}
		}
	}
	if overlap > 0 {
		t.Errorf("%d pairs of calls were up at once on one channel", overlap)
	}
}

// TestWrapUpIsNoConversation holds that a call counts as bridged only while it is.
func TestWrapUpIsNoConversation(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Talk: 200 * time.Millisecond})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.await("the call in wrap-up", func() bool {
		calls, err := h.daemon.Calls(t.Context())
		return err == nil && len(calls) == 1 && calls[0].State == api.CallWrapUp
	})
	if s, err := h.daemon.Status(t.Context()); err != nil || s.Bridged != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
}
