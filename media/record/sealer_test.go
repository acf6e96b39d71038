package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ringpace/media/record/chain"
)

// verified holds the recordings against the chain.
func verified(t *testing.T, dir string) *chain.Report {
	t.Helper()
	r, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		t.Errorf("verify finds %+v", r.Findings)
	}
	return r
}

func TestChainOfRecordings(t *testing.T) { eachKind(t, testChainOfRecordings) }

func testChainOfRecordings(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: 10 * ms}))
	kept, dropped, open := start(t, r, Meta{ID: "kept"}), start(t, r, Meta{ID: "dropped"}), start(t, r, Meta{ID: "open"})
	for k, rec := range []*Recording{kept, dropped, open} {
		newSource(rec, rec.Customer(), k).talk(0, 50)
	}
	sum, _, _ := closed(t, kept)
	deadline := time.Now().Add(patience)
	for {
		report := verified(t, r.cfg.Dir)
		if report.Open == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the open recordings are not in the chain: %+v", report)
		}
		await(t, "a tick", time.After(10*ms))
	}
	if err := dropped.Discard("no agent came"); err != nil {
		t.Fatal(err)
	}
	closed(t, open)
	x, err := chain.Load(r.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if it, _ := x.ID(dropped.meta.ID); it == nil || it.Gone != chain.Discarded || it.Ended.Why != "no agent came" {
		t.Errorf("of what was discarded the chain has %+v", it)
	}
	report := verified(t, r.cfg.Dir)
	if report.Kept != 2 || report.Gone != 1 || report.Open != 0 {
		t.Errorf("%+v", report)
	}
	again, err := chain.Verify(t.Context(), r.cfg.Dir, chain.Options{Refs: []chain.Ref{sum.Chain}})
	if err != nil || !again.OK() {
		t.Errorf("by the summary's line %s: %+v, %v", sum.Chain, again, err)
	}
	if err := os.Truncate(filepath.Join(r.cfg.Dir, sum.Path), sum.Bytes-1); err != nil {
		t.Fatal(err)
	}
	if again, err = chain.Verify(t.Context(), r.cfg.Dir, chain.Options{}); err != nil || len(again.Findings) != 1 {
		t.Errorf("a recording that was cut: %+v, %v", again, err)
	}
}

func TestHeldRecordingIsNotDiscarded(t *testing.T) { eachKind(t, testHeldRecordingIsNotDiscarded) }

func testHeldRecordingIsNotDiscarded(t *testing.T, as kind) {
	r, disk := newFaultyRecorder(t, as.of(Config{Flush: 10 * ms}))
	rec := start(t, r, Meta{ID: "h"})
	newSource(rec, rec.Customer(), 1).talk(0, 50)
	await(t, "a write", disk.writes)
	if _, err := r.chain.Append(chain.Entry{Kind: chain.Held, ID: "h", By: "counsel"}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Discard("no agent came"); err != nil {
		t.Fatal(err)
	}
	if report := verified(t, r.cfg.Dir); report.Kept != 1 || report.Held != 1 {
		t.Errorf("%+v", report)
	}
}

// TestCannotBeDiscarded: of a recording that is not to be kept nothing is left to the next
// process, where it could not be removed to the end of this one; the alarm tells.
func TestCannotBeDiscarded(t *testing.T) { eachKind(t, testCannotBeDiscarded) }

func testCannotBeDiscarded(t *testing.T, as kind) {
	r, disk := newFaultyRecorder(t, as.of(Config{Flush: 10 * ms, Pattern: "{id}.wav"}))
	rec := start(t, r, Meta{ID: "d"})
	newSource(rec, rec.Customer(), 1).talk(0, 50)
	await(t, "a write", disk.writes)
	away := filepath.Join(t.TempDir(), "chain")
	if err := errors.Join(os.Rename(r.chainDir(), away), os.WriteFile(r.chainDir(), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := rec.Discard("the customer refused"); err == nil {
		t.Fatal("what the chain cannot tell of is discarded without an error")
	}
	awaitAlarm(t, r)
	if err := r.Close(); err != nil { // which tries once more
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(r.chainDir()), os.Rename(away, r.chainDir())); err != nil {
		t.Fatal(err)
	}
	next, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if it := noted(t, next, "d"); it.Kind != chain.Lost {
		t.Errorf("the chain has %+v", it)
	}
	if _, err := os.Stat(r.nameOf(r.pathOf(rec.meta, 1))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was refused is there still: %v", err)
	}
	if report := verified(t, r.cfg.Dir); report.Kept != 0 || report.Lost != 1 {
		t.Errorf("%+v", report)
	}
}

// TestUnremovable: a file that cannot be removed raises the alarm.
func TestUnremovable(t *testing.T) {
	r, disk := newFaultyRecorder(t, Config{Flush: 10 * ms, Pattern: "{id}.wav"})
	rec := start(t, r, Meta{ID: "d"})
	newSource(rec, rec.Customer(), 1).talk(0, 50)
	await(t, "a write", disk.writes)
	name := r.nameOf(r.pathOf(rec.meta, 1))
	// The file keeps a name, or the writer would see that it is gone and write another.
	if err := errors.Join(os.Rename(name, name+".away"), os.MkdirAll(filepath.Join(name, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := rec.Discard("the customer refused"); err == nil {
		t.Fatal("what cannot be removed is discarded without an error")
	}
	awaitAlarm(t, r)
}

// TestRemovedWhileRecording: a directory that is removed beneath calls takes nothing of
// what they said.
func TestRemovedWhileRecording(t *testing.T) { eachKind(t, testRemovedWhileRecording) }

func testRemovedWhileRecording(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: 10 * ms, Writers: 1}))
	rec := start(t, r, Meta{})
	s := newSource(rec, rec.Customer(), 1)
	at := s.talk(0, 300) // more than a time line holds in memory
	written := r.nameOf(r.pathOf(rec.meta, 1))
	size := func() int64 {
		stat, err := os.Stat(written)
		if err != nil {
			return 0
		}
		return stat.Size()
	}
	for deadline := time.Now().Add(patience); size() < 2*48_000; {
		if time.Now().After(deadline) {
			t.Fatal("nothing is written")
		}
		await(t, "a tick", time.After(ms))
	}
	if err := os.RemoveAll(r.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	s.talk(at, 100)
	_, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 64_000))
	if r.Tampered() == "" {
		t.Error("nobody says that the chain was removed")
	}
}

// TestLateRoom: what could not be completed for want of room is, once there is some.
func TestLateRoom(t *testing.T) { eachKind(t, testLateRoom) }

func testLateRoom(t *testing.T, as kind) {
	r, disk := newFaultyRecorder(t, as.of(Config{Flush: 10 * ms, Writers: 1}))
	rec := start(t, r, Meta{ID: "late"})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 50)
	await(t, "a write", disk.writes)
	disk.fail(syscall.ENOSPC)
	s.talk(time.Second, 50)
	if _, err := rec.Close(); err == nil {
		t.Fatal("a recording on a full disk closes without an error")
	}
	if !r.Full() {
		t.Error("no alarm")
	}
	disk.fail(nil)
	if it := noted(t, r, "late"); it.Kind != chain.Kept || it.DurationMS != 2000 {
		t.Errorf("the chain has %+v", it)
	}
	verified(t, r.cfg.Dir)
}

// noted awaits that the chain has the outcome of a recording, and returns it.
func noted(t *testing.T, r *Recorder, id string) *chain.Item {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		x, err := chain.Load(r.cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if it, ok := x.ID(id); ok && it.Kind != chain.Began {
			return it
		}
		if time.Now().After(deadline) {
			t.Fatalf("the recording %s is not completed", id)
		}
		await(t, "a tick", time.After(50*ms))
	}
}

// noFiles lets no file be made until the function it returns is called.
func noFiles(r *Recorder) (mend func()) {
	var mended atomic.Bool
	r.create = func(name string) (file, error) {
		if !mended.Load() {
			return nil, syscall.EIO
		}
		return createFile(name)
	}
	return func() { mended.Store(true) }
}

// TestFileLaterThanTheCall: a call that is over before its file could be made is written
// when that can be.
func TestFileLaterThanTheCall(t *testing.T) { eachKind(t, testFileLaterThanTheCall) }

func testFileLaterThanTheCall(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: 10 * ms, Writers: 1}))
	mend := noFiles(r)
	rec, dropped := start(t, r, Meta{ID: "short"}), start(t, r, Meta{ID: "dropped"})
	customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
	customer.talk(0, 50)
	agent.talk(0, 50)
	awaitAlarm(t, r)
	if sum, err := rec.Close(); !errors.Is(err, syscall.EIO) || sum.Complete {
		t.Fatalf("a recording without a file closes: %+v, %v", sum, err)
	}
	if err := dropped.Discard("no agent came"); err != nil { // there is nothing to be tried again
		t.Error(err)
	}
	mend()
	it := noted(t, r, "short")
	if it.Kind != chain.Kept || it.DurationMS != 1000 {
		t.Fatalf("the chain has %+v", it)
	}
	parts := octetsOf(t, contents(t, r.nameOf(it.Path)))
	equal(t, "left", parts[left], customer.octets(0, 8000))
	equal(t, "right", parts[right], agent.octets(0, 8000))
	if report := verified(t, r.cfg.Dir); report.Kept != 1 || report.Gone != 0 || report.Lost != 0 {
		t.Errorf("%+v", report)
	}
}

// TestMemoryOfTheUnwritten: what calls that are over leave in memory is bounded, and the
// recordings whose sound that costs are kept, as long as they were.
func TestMemoryOfTheUnwritten(t *testing.T) {
	r := newTestRecorder(t, Config{Flush: 10 * ms, Memory: 20_000})
	mend := noFiles(r)
	first, second := start(t, r, Meta{ID: "first"}), start(t, r, Meta{ID: "second"})
	var sources []*source
	for k, rec := range []*Recording{first, second} {
		s := newSource(rec, rec.Customer(), k)
		s.talk(0, 50) // 16 kB
		sources = append(sources, s)
		if _, err := rec.Close(); err == nil {
			t.Fatal("a recording without a file closes without an error")
		}
	}
	mend()
	for k, want := range [][]byte{sources[0].octets(0, 8000), silence(8000)} {
		it := noted(t, r, []string{"first", "second"}[k])
		if it.Kind != chain.Kept || it.DurationMS != 1000 {
			t.Errorf("the chain has %+v", it)
		}
		l, _ := split(t, r.nameOf(it.Path))
		equal(t, "left", l, want)
	}
}

// TestLostForGood: what had no file to the end of the process has a line in the chain that
// says so.
func TestLostForGood(t *testing.T) {
	r := newTestRecorder(t, Config{Flush: 10 * ms})
	noFiles(r)
	rec, open := start(t, r, Meta{ID: "over"}), start(t, r, Meta{ID: "open"})
	for k, rec := range []*Recording{rec, open} {
		newSource(rec, rec.Customer(), k).talk(0, 50)
	}
	if _, err := rec.Close(); err == nil {
		t.Fatal("a recording without a file closes without an error")
	}
	if err := r.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("the recorder closes: %v", err)
	}
	for _, id := range []string{"over", "open"} {
		if it := noted(t, r, id); it.Kind != chain.Lost || it.DurationMS != 1000 || !strings.Contains(it.Why, syscall.EIO.Error()) {
			t.Errorf("of %s the chain has %+v", id, it)
		}
	}
	if report := verified(t, r.cfg.Dir); report.Lost != 2 {
		t.Errorf("%+v", report)
	}
}

// TestChainCannotBeWritten: without a line in the chain nothing is dialed.
func TestChainCannotBeWritten(t *testing.T) { eachKind(t, testChainCannotBeWritten) }

func testChainCannotBeWritten(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: 10 * ms}))
	if err := os.RemoveAll(r.chainDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.chainDir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rec := start(t, r, Meta{ID: "c"})
	newSource(rec, rec.Customer(), 1).talk(0, 10)
	awaitAlarm(t, r)
	if err := os.Remove(r.chainDir()); err != nil {
		t.Fatal(err)
	}
	awaitAllClear(t, r)
	closed(t, rec)
	x, err := chain.Load(r.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if it, ok := x.ID("c"); !ok || it.Kind != chain.Kept {
		t.Errorf("in the chain: %+v", it)
	}
}
