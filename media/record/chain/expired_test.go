package chain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestExpiredAstray: of recordings whose disk is not there nothing is taken to be gone. The
// others go meanwhile, and these as soon as it is back.
func TestExpiredAstray(t *testing.T) {
	a := newArchive(t)
	folder, away := filepath.Join(a.root, "sales"), filepath.Join(t.TempDir(), "sales")
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(folder, 0o700), os.Mkdir(filepath.Join(a.root, "house"), 0o700))
	for _, id := range []string{"sales/seven", "sales/eight", "sales/nine", "house/ten"} {
		a.keep(id)
	}
	a.append(Entry{Kind: Lost, ID: "eleven", Path: "lost/eleven.wav", Start: a.now})
	must(a.log.Remove(Entry{Kind: Deleted, ID: "house/ten", Path: "house/ten.wav"}), os.Remove(filepath.Join(a.root, "house")))
	a.remove("two.wav") // by hand, as this one
	a.remove("sales/eight.wav")

	r := NewReaper(a.root)
	expired := func() (paths []string, err error) {
		list, err := r.Expired(a.now.AddDate(0, 1, 0))
		for _, e := range list {
			paths = append(paths, e.Path)
		}
		return paths, err
	}
	others := []string{"five.wav", "four.wav", "one.wav", "six.wav", "three.wav"}
	for _, c := range []struct {
		how      string
		do, undo func() error
	}{
		{"no folder", func() error { return nil }, func() error { return nil }},
		{"an empty folder", func() error { return os.Mkdir(folder, 0o700) }, func() error { return os.Remove(folder) }},
		{"no folder but a file", func() error { return os.WriteFile(folder, nil, 0o600) }, func() error { return os.Remove(folder) }},
	} {
		must(os.Rename(folder, away), c.do())
		if paths, err := expired(); !errors.Is(err, ErrAstray) || !slices.Equal(paths, others) {
			t.Errorf("%s: %v, %v", c.how, paths, err)
		}
		must(c.undo(), os.Rename(away, folder))
	}
	want := append(others[:5:5], "sales/nine.wav", "sales/seven.wav")
	slices.Sort(want)
	if paths, err := expired(); err != nil || !slices.Equal(paths, want) {
		t.Errorf("with the disk back: %v, %v", paths, err)
	}
}

// TestExpiredIsDone: a day of which nothing is left is not read again.
func TestExpiredIsDone(t *testing.T) {
	a := newArchive(t)
	r := NewReaper(a.root)
	for _, id := range []string{"one", "two", "three"} {
		if err := a.log.Remove(Entry{Kind: Deleted, ID: id, Path: id + ".wav"}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := r.Expired(a.now.Add(time.Hour)); err != nil || len(list) != 3 {
		t.Errorf("%d are past their time, %v", len(list), err)
	}
	if _, err := r.Expired(a.now.AddDate(0, 0, 1)); err != nil || !r.done["2026-03-09"] || r.done["2026-03-10"] {
		t.Errorf("done are %v, %v", r.done, err)
	}
}
