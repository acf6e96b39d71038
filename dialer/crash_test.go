package dialer_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"go.uber.org/goleak"

	"ringpace/dialer"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// childConfig, in the environment, makes the test binary be a daemon with that
// configuration, to be killed; SIGTERM ends it in order.
const childConfig = "RINGPACE_TEST_DAEMON"

func TestMain(m *testing.M) {
	if path := os.Getenv(childConfig); path != "" {
		if err := beDaemon(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The tests wait most of the time, each on a floor of its own.
	flag.Parse()
	together := true
	flag.Visit(func(f *flag.Flag) { together = together && f.Name != "test.parallel" })
	if together {
		if err := flag.Set("test.parallel", "6"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

func beDaemon(path string) error {
	cfg, _, err := config.Load(path)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	d, err := dialer.New(ctx, cfg, dialer.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Version: "test"})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, d.HangUp)
	return d.Run(ctx)
}

// spawn starts a daemon process; the log of all goes to one file.
func (h *house) spawn() *exec.Cmd {
	h.t.Helper()
	log, err := os.OpenFile(filepath.Join(h.dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childConfig+"="+h.path)
	child.Stderr = log
	if err := child.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	return child
}

// toBeKilled is a floor with one lead, whose daemon is a process of its own and dials it.
// The test kills it, and starts another by start.
func toBeKilled(t *testing.T, p *plan) (*house, *exec.Cmd) {
	t.Helper()
	p.NoCalls = true
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	h.openLab(*p)
	h.configure(*p)
	h.start(*p)
	h.load(0, 1)
	h.quit()
	h.killed, p.NoCalls = true, false
	h.rewrite(*p)
	return h, h.spawn()
}

// TestKilled kills the daemon again and again, each time at another point of the
// campaign: while it dials, while phones ring, while people talk, while records are
// written. At the end no lead is lost, none was dialed again within its retry delay,
// every call that reached the carrier has one record, and recordings play.
func TestKilled(t *testing.T) {
	t.Parallel()
	const leads, kills, delay = 40, 6, 10 * time.Second
	kinds := []lab.Behaviour{lab.Person, lab.Busy, lab.Person, lab.NoAnswer, lab.InvalidNumber}
	redis := peers.Redis(t)
	p := plan{
		Agents: 4, AgentSet: "wrap_up: 100ms, call_back: true", Redis: redis.URL(), Talk: 700 * time.Millisecond,
		Behave: func(n string) lab.Behaviour { return kinds[int(n[len(n)-1]-'0')%len(kinds)] },
		Campaign: fmt.Sprintf("mode: power\n    ratio: 2\n    abandon_after: 2s\n    max_attempts: 100\n    max_attempts_per_day: 100\n"+
			"    retry:\n      interrupted: {delay: %v, max: 100}\n      abandoned: {delay: 72h, max: 0}\n"+
			"      busy: {delay: 1h, max: 0}\n      no_answer: {delay: 1h, max: 0}", delay),
	}
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	h.openLab(p)
	p.NoCalls = true
	h.configure(p)
	h.start(p)
	h.load(0, leads)
	h.quit()
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(h.dir, "daemon.log"))
			t.Log(string(log))
		}
	})

	p.NoCalls, h.killed = false, true
	h.rewrite(p)
	for kill := range kills {
		before := h.carrier.Report().Calls
		child := h.spawn()
		// Each time a bit further on: the first call out, the third, …
		h.await(fmt.Sprintf("%d calls after start %d", 2*kill+1, kill), func() bool { return h.carrier.Report().Calls > before+2*kill })
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		for _, x := range p.extensions() {
			_ = h.pbx.Extension(x).Hangup() // the phone notices that the line is dead
		}
	}
	h.start(p)
	h.awaitFor(2*time.Minute, "the end of the list", func() bool {
		counts, err := h.daemon.LeadCounts(t.Context(), "test")
		return err == nil && counts.States["done"] == leads
	})
	recs := h.records()
	h.quit()
	h.checkAfterKills(recs, leads, delay)
}

// TestKilledWhileEncrypting kills a daemon whose recordings only a reviewer can read amid a
// conversation. What lies there, "ringpace recordings decrypt" turns into a WAV file that
// plays up to the last second, before the next start and after it.
func TestKilledWhileEncrypting(t *testing.T) {
	t.Parallel()
	reviewer, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(key, []byte(reviewer.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Redis: peers.Redis(t).URL(),
		Recording: "encrypt_to: [" + reviewer.Recipient().String() + "]",
	}
	h, child := toBeKilled(t, &p)
	h.customerHears(phoneHz, true)
	began := time.Now()
	h.someTime(3 * time.Second)
	talked := time.Since(began)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	_ = h.pbx.Extension("1001").Hangup()
	var files []string
	if err := filepath.WalkDir(h.cfg.Recording.Dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".wav.age") {
			files = append(files, path)
		}
		return err
	}); err != nil || len(files) != 1 {
		t.Fatalf("recordings %q, %v", files, err)
	}
	cutOff := decrypted(t, key, files[0])
	if lasts := cutOff.Duration(); lasts < talked-time.Second {
		t.Errorf("of %v and more it plays %v", talked, lasts)
	}
	for channel, hz := range []float64{calleeHz, phoneHz} {
		if got := tone.Dominant(cutOff.Channels[channel], cutOff.Rate); got.Hz != hz || got.Share < 0.8 {
			t.Errorf("channel %d holds %+v, want %v Hz", channel, got, hz)
		}
	}

	h.start(p)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Interrupted || r.Recording == nil || !r.Recording.Encrypted {
		t.Fatalf("record %+v", r)
	}
	salvaged := decrypted(t, key, filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Recording.Path)))
	if salvaged.Duration() != cutOff.Duration() || salvaged.Duration().Milliseconds() != r.Recording.DurationMS {
		t.Errorf("it plays %v before the next start and %v after it; its record says %d ms", cutOff.Duration(), salvaged.Duration(), r.Recording.DurationMS)
	}
}

// decrypted is what the command line makes of an encrypted recording.
func decrypted(t *testing.T, key, file string) tone.Sound {
	t.Helper()
	out := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "run", "ringpace/cmd/ringpace", "recordings", "decrypt", "--identity", key, "--out", out, file)
	command.Dir = module
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	sound, err := tone.ReadFile(filepath.Join(out, strings.TrimSuffix(filepath.Base(file), ".age")))
	if err != nil {
		t.Fatal(err)
	}
	return sound
}

func (h *house) checkAfterKills(recs []cdr.Record, leads int, delay time.Duration) {
	h.t.Helper()
	byID, byLead, interrupted := map[string]cdr.Record{}, map[string][]cdr.Record{}, 0
	for _, r := range recs {
		if _, twice := byID[r.ID]; twice {
			h.t.Errorf("attempt %s has two records", r.ID)
		}
		byID[r.ID] = r
		byLead[r.Number] = append(byLead[r.Number], r)
		if r.Outcome == cdr.Interrupted {
			interrupted++
		}
		if r.Recording != nil {
			h.checkPlays(r)
		}
	}
	if len(byLead) != leads {
		h.t.Errorf("%d leads have records, want %d", len(byLead), leads)
	}
	if interrupted == 0 {
		h.t.Error("no attempt was interrupted: the kills came at the wrong times")
	}
	for n, list := range byLead {
		for i, r := range list {
			if last := i == len(list)-1; last == (r.Outcome == cdr.Interrupted) {
				h.t.Errorf("%s: attempt %d of %d was %s", n, i+1, len(list), r.Outcome)
			}
			if i > 0 && r.Marks.Claimed.Sub(list[i-1].Marks.Claimed) < delay {
				h.t.Errorf("%s was dialed again within its retry delay", n)
			}
			if r.Ordinal != i+1 {
				h.t.Errorf("%s: record %d has the ordinal %d", n, i+1, r.Ordinal)
			}
		}
	}
	seen := map[string]int{}
	for _, c := range h.carrier.Calls() {
		seen[c.Number]++
	}
	for n, calls := range seen {
		if calls > len(byLead[n]) {
			h.t.Errorf("%s was called %d times and has %d records", n, calls, len(byLead[n]))
		}
	}
	h.t.Logf("%d leads, %d attempts, %d interrupted", leads, len(recs), interrupted)
}

// checkPlays reads a recording as any player would.
func (h *house) checkPlays(r cdr.Record) {
	h.t.Helper()
	path := filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Recording.Path))
	sound, err := tone.ReadFile(path)
	switch {
	case err != nil:
		h.t.Errorf("recording of %s (%s): %v", r.Number, r.Outcome, err)
	case len(sound.Channels) != 2:
		h.t.Errorf("recording of %s has %d channels", r.Number, len(sound.Channels))
	case sound.Duration().Milliseconds() != r.Recording.DurationMS:
		h.t.Errorf("recording of %s plays %v, its record says %d ms", r.Number, sound.Duration(), r.Recording.DurationMS)
	case !strings.Contains(path, r.ID):
		h.t.Errorf("recording %s does not name its attempt %s", path, r.ID)
	}
}
