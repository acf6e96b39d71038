package record

import (
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
	if got := fmt.Sprint(exist()); got != "[true true false true]" {
		t.Errorf("there are %s: all but the third are to stay", got)
	}
	if report := verified(t, dir); report.Gone != 1 || report.Held != 1 || report.Kept != 3 {
		t.Errorf("%+v", report)
	}
	if _, err := chain.Hold(dir, []string{"call3"}, "counsel", "closed", true); err != nil {
		t.Fatal(err)
	}
	reaper := chain.NewReaper(dir)
	for _, c := range []struct{ days, removed int }{{0, 1}, {1, 1}, {1, 0}, {3, 1}, {30, 0}} {
		if n, err := r.expire(reaper, now.AddDate(0, 0, c.days)); err != nil || n != c.removed {
			t.Errorf("%d days on: %d removed, want %d; %v", c.days, n, c.removed, err)
		}
	}
	verified(t, dir)
}
