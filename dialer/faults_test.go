package dialer_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
	"ringpace/media/record"
	"ringpace/media/record/chain"
)

// TestRedisGoes kills Redis while one call is up and more are to be made: nothing
// is dialed, the call goes on, and its record arrives once when Redis is back.
func TestRedisGoes(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Redis: redis.URL()})
	h.load(0, 3)
	h.awaitAgent("a1001", api.AgentTalking)
	redis.Kill()
	h.await("the alarm", func() bool { return h.alarm("redis_down") })
	if s, _ := h.daemon.Status(t.Context()); s.Ready || s.Redis.Up {
		t.Errorf("status %+v without Redis", s)
	}
	if s := h.state("a1001"); s != api.AgentTalking {
		t.Errorf("the call did not outlive Redis: agent is %s", s)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || !strings.Contains(x.Summary, "Redis is away") {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if n := h.carrier.Report().Calls; n != 1 {
		t.Errorf("%d calls, want the one before Redis went", n)
	}
	h.await("the record in the journal", func() bool {
		s, err := h.daemon.Status(t.Context())
		return err == nil && s.Redis.Backlog == 1
	})
	redis.Start(t)
	h.awaitAgent("a1001", api.AgentTalking) // the next lead
	first := h.awaitRecords(1)[0]
	if first.Outcome != cdr.Person || first.Number != number(0) {
		t.Errorf("record %+v", first)
	}
	for i := range 2 {
		h.awaitAgent("a1001", api.AgentTalking)
		if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
			t.Fatal(err)
		}
		h.awaitRecords(i + 2)
	}
	h.quit()
	seen := map[string]int{}
	for _, r := range h.file() {
		seen[r.Number]++
	}
	for i := range 3 {
		if seen[number(i)] != 1 {
			t.Errorf("the file has %d records of %s, want 1", seen[number(i)], number(i))
		}
	}
}

func (h *house) alarm(name string) bool {
	s, err := h.daemon.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, a := range s.Alarms {
		if a.Name == name && a.Detail != "" {
			return true
		}
	}
	return false
}

// alarmed is what the alarms say.
func (h *house) alarmed() string {
	s, err := h.daemon.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var details []string
	for _, a := range s.Alarms {
		details = append(details, a.Detail)
	}
	return strings.Join(details, "\n")
}

// TestWrongPassword holds that a refused registration is told in plain words, that
// nothing is dialed over the trunk, and that the rest runs.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Password: "guess"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentReady)
	h.await("the alarm", func() bool { return h.alarm("trunk_down:carrier") })
	h.await("the alarm of the campaign that has no other", func() bool { return h.alarm("trunks_down:test") })
	if why := h.alarmed(); !strings.Contains(why, "trunk carrier is refused: ") || strings.Count(why, "check username") != 1 {
		t.Errorf("alarms that do not say why, once: %s", why)
	}
	trunks, err := h.daemon.Trunks(t.Context())
	if err != nil || len(trunks) != 1 || trunks[0].State != api.TrunkRefused || trunks[0].Usable || trunks[0].Reason == "" {
		t.Errorf("trunks %+v, %v", trunks, err)
	}
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || x.Limit != "stopped" || !strings.Contains(x.Summary, "carrier is refused") {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if n := h.carrier.Report().Unauthorised; n != 0 {
		t.Errorf("%d calls were tried over a trunk that refuses us", n)
	}
}

func TestUnresolvableHost(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Trunk: "server: nowhere.invalid\n    register: true\n    username: bank\n    password: vault"})
	h.await("the alarm", func() bool { return h.alarm("trunk_down:carrier") })
	trunks, err := h.daemon.Trunks(t.Context())
	if err != nil || trunks[0].State != api.TrunkUnreachable || !strings.Contains(trunks[0].Reason, "nowhere.invalid") || trunks[0].NextTry.IsZero() {
		t.Errorf("trunks %+v, %v", trunks, err)
	}
	h.awaitAgent("a1001", api.AgentReady)
}

// TestUnresolvablePBX holds that the alarm of a peer is not taken for that of a trunk.
func TestUnresolvablePBX(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Peer: "server: nowhere.invalid, register: true, username: bank, password: vault"})
	h.await("the alarm", func() bool { return h.alarm("trunk_down:pbx") })
	if why := h.alarmed(); !strings.Contains(why, "peer pbx is unreachable: cannot register at nowhere.invalid") {
		t.Error(why)
	}
}

// TestFullDisk holds that nothing is dialed, with an alarm, where the disk is full. It is
// by decree: more free space is demanded than there is.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 0s", NoCalls: true, FullDisk: true})
	h.load(0, 2)
	h.awaitAgent("a1001", api.AgentReady)
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || !strings.Contains(x.Summary, "disk") {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if n := h.carrier.Report().Calls; n != 0 {
		t.Errorf("%d calls with a full disk", n)
	}
}

// TestRingingWhileTheDirectoryIsLost holds that a call which rings when recordings cannot
// be written any more, and is answered meanwhile, has its recording nevertheless, from the
// answer on.
func TestRingingWhileTheDirectoryIsLost(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Ring: 4 * time.Second, RingTimeout: 20 * time.Second, Tones: true})
	dir := h.cfg.Recording.Dir
	exchange := h.directoryAgainstFile(dir)
	h.load(0, 1)
	h.await("a call that rings", func() bool { return h.carrier.Report().Calls == 1 })
	exchange()
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	h.awaitAgent("a1001", api.AgentTalking)
	if !h.alarm("disk_full") {
		t.Error("the call was answered when there was no alarm any more")
	}
	h.hears("the agent", h.line("1001").Hears, calleeHz, true)
	h.customerHears(phoneHz, true)
	exchange()
	h.await("the end of the alarm", func() bool { return !h.alarm("disk_full") })
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Recording == nil || r.Recording.SHA256 == "" {
		t.Fatalf("recording %+v", r.Recording)
	}
	h.recorded(r, []int{calleeHz}, []int{phoneHz})
	if talk := r.Marks.Ended.Sub(r.Marks.Answered) - time.Duration(r.Recording.DurationMS)*time.Millisecond; talk.Abs() > 500*time.Millisecond {
		t.Errorf("the recording lacks %v of the call", talk)
	}
	report, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil || !report.OK() || report.Kept != 1 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// TestCallerWhileTheDiskIsFull holds that a call which comes in with the disk fuller than
// recording.min_free allows is answered, and recorded in what is left.
func TestCallerWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Tones: true, FullDisk: true})
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	h.talkOn(c)
	c.Hangup()
	r := h.awaitInbound()
	if r.Recording == nil || r.Recording.SHA256 == "" {
		t.Fatalf("recording %+v", r.Recording)
	}
	h.recorded(r, []int{callerHz}, []int{phoneHz})
}

// directoryAgainstFile returns what puts a file in a directory's place, at one stroke, since
// the recorder looks all the time, and then the directory back.
func (h *house) directoryAgainstFile(dir string) (exchange func()) {
	away := dir + ".away"
	if err := os.WriteFile(away, nil, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		if err := unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, away, unix.RENAME_EXCHANGE); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestRecordingDirectoryLost takes the recording directory away while a call is up: that
// goes on, nothing more is dialed, with an alarm that says why, and when the directory is
// back dialing goes on by itself. Both calls have their recordings.
func TestRecordingDirectoryLost(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 0s"})
	h.load(0, 1)
	var talking string
	h.await("a conversation", func() bool {
		for _, id := range []string{"a1001", "a1002"} {
			if h.state(id) == api.AgentTalking {
				talking = id
			}
		}
		return talking != ""
	})
	dir := h.cfg.Recording.Dir
	h.await("its recording", func() bool {
		list, err := chain.Unfinished(dir)
		return err == nil && len(list) == 1
	})
	exchange := h.directoryAgainstFile(dir)
	exchange()
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	h.load(1, 2)
	h.await("the reason why nothing is dialed", func() bool {
		x, err := h.daemon.Explain(t.Context(), "test")
		return err == nil && x.Limit == "stopped" && strings.Contains(x.Summary, dir)
	})
	if why := h.alarmed(); !strings.Contains(why, "nothing is dialed") || !strings.Contains(why, dir) {
		t.Errorf("the alarm says %s", why)
	}
	if s := h.state(talking); s != api.AgentTalking {
		t.Errorf("the call did not go on: the agent is %s", s)
	}
	if n := h.carrier.Report().Calls; n != 1 {
		t.Errorf("%d calls, want the one before", n)
	}
	exchange()
	h.awaitAgent("a1001", api.AgentTalking)
	h.awaitAgent("a1002", api.AgentTalking)
	h.await("the alarm's end", func() bool { return !h.alarm("disk_full") })
	for _, id := range []string{"a1001", "a1002"} {
		if _, err := h.daemon.Hangup(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range h.awaitRecords(2) {
		if r.Recording == nil || r.Recording.SHA256 == "" {
			t.Errorf("recording of %s: %+v", r.Number, r.Recording)
		}
	}
	report, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil || !report.OK() || report.Kept != 2 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// TestRecordingWithoutAFile holds that the record of a call whose recording could not be
// written by its end says so, and why; and that the recording is there once there is a way.
func TestRecordingWithoutAFile(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Tones: true})
	h.awaitAgent("a1001", api.AgentReady)
	dir := h.cfg.Recording.Dir
	exchange := h.directoryAgainstFile(dir)
	exchange()
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	h.talkOn(c)
	c.Hangup()
	r := h.awaitInbound()
	if r.Recording == nil || !strings.Contains(r.Recording.Fault, "not a directory") || r.Recording.SHA256 != "" {
		t.Fatalf("recording %+v", r.Recording)
	}
	exchange()
	h.await("the recording", func() bool {
		x, err := chain.Load(dir)
		if err != nil {
			return false
		}
		it, ok := x.ID(r.ID)
		return ok && it.Kind == chain.Kept
	})
	sum, err := record.Find(dir, r.ID)
	if err != nil || sum.Duration.Milliseconds() == 0 || !sum.Complete {
		t.Errorf("what was written after all: %+v, %v", sum, err)
	}
	h.quit()
	all := h.file()
	if i := slices.IndexFunc(all, func(x cdr.Record) bool { return x.ID == r.ID }); i < 0 || all[i].Recording == nil || all[i].Recording.Fault != r.Recording.Fault {
		t.Errorf("the file has %+v", all)
	}
}

// TestSecondDaemon holds that a second daemon on the same port is told so.
func TestSecondDaemon(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1})
	second := *h.cfg
	second.HTTP.Listen = h.daemon.Addr().String()
	s, err := store.OpenEmbedded(t.Context(), store.Config{Node: "second", JournalDir: filepath.Join(t.TempDir(), "journal")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dialer.New(t.Context(), &second, dialer.Options{Logger: slog.New(slog.DiscardHandler), Store: s})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}

// TestDrain holds that a daemon told to stop makes no new call and lets the one
// that is up end by itself.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Talk: time.Second})
	h.load(0, 3)
	h.awaitAgent("a1001", api.AgentTalking)
	h.quit()
	recs := h.file()
	if len(recs) != 1 || recs[0].Outcome != cdr.Person || recs[0].HungUpBy != cdr.Customer {
		t.Errorf("records %+v", recs)
	}
	h.awaitIdleCarrier()
	if r := h.carrier.Report(); r.Calls != 1 || r.Registered {
		t.Errorf("the carrier saw %+v", r)
	}
}

// TestHangUpEndsADrain holds that calls are hung up when there is no more time.
func TestHangUpEndsADrain(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 20s", Behave: func(n string) lab.Behaviour {
		if n == number(0) {
			return lab.Person
		}
		return lab.NoAnswer
	}})
	h.load(0, 2)
	h.await("a conversation and a call that rings", func() bool {
		calls, err := h.daemon.Calls(t.Context())
		states := map[api.CallState]bool{}
		for _, c := range calls {
			states[c.State] = true
		}
		return err == nil && states[api.CallBridged] && states[api.CallRinging]
	})
	h.daemon.HangUp()
	h.quit()
	want := map[string]cdr.Outcome{number(0): cdr.Person, number(1): cdr.Cancelled}
	recs := h.file()
	for _, r := range recs {
		if r.Outcome != want[r.Number] || r.HungUpBy != cdr.Ringpace {
			t.Errorf("%s ended as %s by %s", r.Number, r.Outcome, r.HungUpBy)
		}
	}
	if len(recs) != 2 {
		t.Errorf("%d records, want 2", len(recs))
	}
	h.awaitIdleCarrier()
}

// TestReload holds that a reload applies what it may, tells what changed, and
// leaves all as it was where the file is wrong.
func TestReload(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 1, NoCalls: true, Campaign: "mode: power\n    ratio: 2"}
	h := build(t, p)
	p.Campaign = "mode: power\n    ratio: 0.2"
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "old configuration") {
		t.Errorf("a bad file: %v", err)
	}
	p.Campaign, p.Agents = "mode: power\n    ratio: 3", 2
	h.rewrite(p)
	changes, err := h.daemon.Reload(t.Context())
	if err != nil || len(changes) == 0 {
		t.Fatalf("%+v, %v", changes, err)
	}
	for _, c := range changes {
		if !c.Applied {
			t.Errorf("%+v was not applied", c)
		}
	}
	h.awaitAgents(t.Context(), 2)
}

func (h *house) awaitAgents(ctx context.Context, n int) {
	h.t.Helper()
	h.await("agents", func() bool {
		list, err := h.daemon.Agents(ctx)
		return err == nil && len(list) == n
	})
}
