package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringpace/media/record/chain"
)

func TestRetention(t *testing.T) { eachKind(t, testRetention) }

func testRetention(t *testing.T, as kind) {
	dir := t.TempDir()
	made := newTestRecorder(t, as.of(Config{Dir: dir}))
	now := time.Now()
	var paths []string
	for k := range 4 { // of now, and of one to three days ago
		rec := start(t, made, Meta{ID: fmt.Sprint("call", k), Start: now.AddDate(0, 0, -k)})
		newSource(rec, rec.Customer(), k).talk(0, 10)
		sum, err := rec.Close()
		if err != nil {
			t.Fatal(err)
		}
		line := sum.entry(chain.Kept)
		line.Start = now.AddDate(0, 0, -k)
		if _, err := made.chain.Append(line); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(sum.Path)))
	}
	if _, err := chain.Hold(dir, []string{"call3"}, "counsel", "case 7", false); err != nil {
		t.Fatal(err)
	}
	exist := func() (list []bool) {
		for _, name := range paths {
			_, err := os.Stat(name)
			list = append(list, err == nil)
		}
		return list
	}

	r := newTestRecorder(t, as.of(Config{Dir: dir, Retention: 36 * time.Hour}))
	for deadline := time.Now().Add(patience); exist()[2]; {
		if time.Now().After(deadline) {
			t.Fatal("a recording of two days ago stays")
		}
		await(t, "a tick", time.After(10*ms))
	}
	if err := r.Close(); err != nil { // it may be at the next one
		t.Fatal(err)
	}
	if got := fmt.Sprint(exist()); got != "[true true false true]" {
		t.Errorf("there are %s: all but the third are to stay", got)
	}
	if report := verified(t, dir); report.Gone != 1 || report.Held != 1 || report.Kept != 3 {
		t.Errorf("%+v", report)
	}
	if _, err := chain.Hold(dir, []string{"call3"}, "counsel", "closed", true); err != nil {
		t.Fatal(err)
	}
	r = newTestRecorder(t, as.of(Config{Dir: dir})) // which leaves it to the test
	r.cfg.Retention = 36 * time.Hour
	reaper := chain.NewReaper(dir)
	for _, c := range []struct{ days, removed int }{{0, 1}, {1, 1}, {1, 0}, {3, 1}, {30, 0}} {
		if n, err := r.expire(reaper, now.AddDate(0, 0, c.days)); err != nil || n != c.removed {
			t.Errorf("%d days on: %d removed, want %d; %v", c.days, n, c.removed, err)
		}
	}
	verified(t, dir)
}

// TestLinkedRetention: retention, what clears uploads, and the seeing to what a crash left go
// through links to the directory, and to one in it, and remove the file behind them.
func TestLinkedRetention(t *testing.T) {
	root, disk := t.TempDir(), t.TempDir()
	link := filepath.Join(t.TempDir(), "recordings")
	if err := errors.Join(os.Symlink(root, link), os.Symlink(disk, filepath.Join(root, "sales"))); err != nil {
		t.Fatal(err)
	}
	r := newTestRecorder(t, Config{Dir: link, Pattern: "{campaign}/{id}.wav"})
	for _, id := range []string{"old", "uploaded", "refused"} {
		rec := start(t, r, Meta{ID: id, Campaign: "sales"})
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		closed(t, rec)
	}
	b := chain.NewBacklog(link)
	if err := b.Read(); err != nil {
		t.Fatal(err)
	}
	there := func(id string) bool {
		_, err := os.Lstat(filepath.Join(disk, id+".wav"))
		return err == nil
	}
	for e, ok := b.Next(); ok; e, ok = b.Next() {
		if !there(e.ID) {
			t.Fatalf("%s is not behind the link", e.ID)
		}
		if e.ID == "uploaded" {
			if err := errors.Join(r.Uploaded(e, "s3://calls/"+e.Path), r.Clear(e)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Remove("refused", "sales/refused.wav", "the customer refused it"); err != nil {
		t.Fatal(err)
	}
	r.cfg.Retention = time.Hour
	if n, err := r.expire(chain.NewReaper(link), time.Now().Add(2*time.Hour)); n != 1 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	for _, id := range []string{"old", "uploaded", "refused"} {
		if there(id) {
			t.Errorf("%s is there still", id)
		}
	}
	if report := verified(t, link); report.Gone != 2 || report.Cleared != 1 {
		t.Errorf("%+v", report)
	}

	// A process died at this one.
	name := filepath.Join(link, "sales", "cut.wav")
	f, err := createFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := r.chain.Append(chain.Entry{Kind: chain.Began, ID: "cut", Path: "sales/cut.wav", Start: time.Now()}); err != nil {
		t.Fatal(err)
	}
	newTestRecorder(t, Config{Dir: link})
	if report := verified(t, link); report.Lost != 1 || there("cut") {
		t.Errorf("%+v, there %v", report, there("cut"))
	}
}

// TestRetentionWithoutADisk: a disk that is not mounted is told of, keeps nothing else, and
// costs nothing of what is on it its turn.
func TestRetentionWithoutADisk(t *testing.T) {
	dir, away := t.TempDir(), filepath.Join(t.TempDir(), "far")
	r := newTestRecorder(t, Config{Dir: dir, Pattern: "{campaign}/{id}.wav"})
	for _, campaign := range []string{"near", "far"} {
		rec := start(t, r, Meta{ID: campaign, Campaign: campaign})
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		closed(t, rec)
	}
	folder := filepath.Join(dir, "far")
	if err := errors.Join(os.Rename(folder, away), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	r.cfg.Retention = time.Hour
	reaper, later := chain.NewReaper(dir), time.Now().Add(2*time.Hour)
	if n, err := r.expire(reaper, later); n != 1 || !errors.Is(err, chain.ErrAstray) {
		t.Errorf("%d removed, %v", n, err)
	}
	if err := errors.Join(os.Remove(folder), os.Rename(away, folder)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.expire(reaper, later); n != 1 || err != nil {
		t.Errorf("with the disk back %d removed, %v", n, err)
	}
	if report := verified(t, dir); report.Gone != 2 {
		t.Errorf("%+v", report)
	}
}
