package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing/ledger"
)

// crashTask is what a child process gets in STORE_CRASH_CHILD.
type crashTask struct {
	URL, Node, Journal, Campaign, Diary string
}

// retryDelay is how long no lead is dialed again, in crash and interleaving tests.
const retryDelay = 40 * time.Millisecond

// diary is a file in which a child notes what it did, at once, so that it can be
// held against what the store says after its death.
type diary struct {
	What    string // "dialed" (after the start was recorded) or "finished"
	ID      string
	Lead    string
	At      time.Time
	Outcome cdr.Outcome
}

// crashChild dials and dials until it is killed.
func crashChild() {
	if err := func() error {
		var task crashTask
		if err := json.Unmarshal([]byte(os.Getenv("STORE_CRASH_CHILD")), &task); err != nil {
			return err
		}
		file, err := os.OpenFile(task.Diary, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		note := func(d diary) error {
			text, err := json.Marshal(d)
			if err != nil {
				return err
			}
			_, err = file.Write(append(text, '\n'))
			return err
		}
		ctx := context.Background()
		s, err := Open(ctx, Config{URL: task.URL, Node: task.Node, JournalDir: task.Journal, Timeout: 5 * time.Second})
		if err != nil {
			return err
		}
		epoch, err := s.Acquire(ctx, task.Campaign, time.Minute)
		if err != nil {
			return err
		}
		if _, err := s.Recover(ctx, task.Campaign, epoch, interrupt(time.Now().Add(retryDelay))); err != nil {
			return err
		}
		for pace := time.Tick(5 * time.Millisecond); ; <-pace {
			leads, err := s.Claim(ctx, task.Campaign, epoch, 5, 200*time.Millisecond)
			if err != nil {
				return err
			}
			for _, l := range leads {
				go func() {
					if err := dialAndEnd(ctx, s, task.Campaign, epoch, l, note); err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
				}()
			}
		}
	}(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// dialAndEnd makes one attempt that lasts some milliseconds.
func dialAndEnd(ctx context.Context, s *Store, campaign string, epoch int64, l lead.Lead, note func(diary) error) error {
	rec := cdr.Record{
		ID: ulid.Make().String(), Campaign: campaign, LeadID: l.ID, Number: l.Number(), Marks: cdr.Marks{Invite: time.Now()},
	}
	ordinal, err := s.StartAttempt(ctx, Start{
		ID: rec.ID, Campaign: campaign, Epoch: epoch, Lead: l, Number: rec.Number, Record: rec,
	})
	if errors.Is(err, ErrUnclaimed) { // the claim had lapsed
		return nil
	}
	if err != nil {
		return err
	}
	rec.Ordinal = ordinal
	if err := note(diary{"dialed", rec.ID, l.ID, time.Now(), ""}); err != nil {
		return err
	}
	if err := s.Progress(rec); err != nil {
		return err
	}
	<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond) // the call: so that death comes at any moment of one
	rec.Outcome = []cdr.Outcome{cdr.Busy, cdr.Person, cdr.NoAnswer}[rand.IntN(3)]
	if rec.Outcome == cdr.Person {
		s.Ledger().Count(ledger.Entry{Campaign: campaign, Attempt: rec.ID, Verdict: ledger.Answered})
	}
	if err := s.Finish(rec, Next{Due: time.Now().Add(retryDelay)}); err != nil {
		return err
	}
	return note(diary{"finished", rec.ID, l.ID, time.Now(), rec.Outcome})
}

// A process that is killed at any moment loses no lead, dials none twice within
// the retry delay, and leaves one record for each attempt.
func TestKilledAtAnyMoment(t *testing.T) {
	const leads, deaths = 60, 8
	dir := t.TempDir()
	task := crashTask{
		URL: servers.real, Node: name("node"), Journal: filepath.Join(dir, "journal"),
		Campaign: name("campaign"), Diary: filepath.Join(dir, "diary"),
	}
	b := backend{url: servers.real}
	func() {
		s := b.open(t, Config{})
		if _, _, err := s.AddLeads(t.Context(), task.Campaign, people(leads)); err != nil {
			t.Fatal(err)
		}
	}()
	env, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	for range deaths {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "STORE_CRASH_CHILD="+string(env))
		child.Stderr = os.Stderr
		before := len(readDiary(t, task.Diary))
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan error, 1)
		go func() { exited <- child.Wait() }()
		waitFor(t, "the child to dial", func() bool {
			select {
			case err := <-exited:
				t.Fatalf("the child ended by itself: %v", err)
			default:
			}
			return len(readDiary(t, task.Diary)) > before+rand.IntN(40)
		})
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-exited
	}

	f := &floor{t: t, s: b.open(t, Config{Node: task.Node, JournalDir: task.Journal}), campaign: task.Campaign}
	f.acquire()
	f.drain()
	recovered := f.recover()
	entries := readDiary(t, task.Diary)
	verdict := newVerdict(t)
	dialed := 0
	for _, d := range entries {
		switch d.What {
		case "dialed":
			dialed++
			verdict.dialed(d.ID, d.Lead, d.At)
		case "finished":
			verdict.ended(d.ID, d.Outcome)
		}
	}
	verdict.check(f, leads)
	outcomes := make(map[cdr.Outcome]int)
	for _, rec := range f.cdrs() {
		outcomes[rec.Outcome]++
	}
	answered, abandoned := f.count()
	if answered-abandoned != outcomes[cdr.Person] || abandoned > outcomes[cdr.Interrupted] {
		t.Errorf("%d answered, %d of them abandoned; the records have %v", answered, abandoned, outcomes)
	}
	t.Logf("%d dialed, the last process left %d open", dialed, recovered)
}

func readDiary(t *testing.T, path string) (entries []diary) {
	t.Helper()
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var d diary
		if err := json.Unmarshal(lines.Bytes(), &d); err == nil { // the last may be torn
			entries = append(entries, d)
		}
	}
	return entries
}
