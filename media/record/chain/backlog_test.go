package chain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// uploaded notes that a storage has a recording, whose contents keep knows.
func (a *archive) uploaded(id string) {
	a.t.Helper()
	x, err := Load(a.root)
	if err != nil {
		a.t.Fatal(err)
	}
	it, ok := x.ID(id)
	if !ok {
		a.t.Fatalf("no recording %s", id)
	}
	a.append(Entry{Kind: Uploaded, ID: id, Path: it.Path, Bytes: it.Bytes, SHA256: it.SHA256, Object: "s3://calls/" + it.Path})
}

// cleared removes its file as well.
func (a *archive) cleared(id string) {
	a.t.Helper()
	if err := a.log.Remove(Entry{Kind: Cleared, ID: id, Path: id + ".wav", Object: "s3://calls/" + id + ".wav"}); err != nil {
		a.t.Fatal(err)
	}
}

func TestBacklog(t *testing.T) {
	a := newArchive(t)
	a.uploaded("two")
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "three", Path: "three.wav"}); err != nil {
		t.Fatal(err)
	}
	a.append(Entry{Kind: Began, ID: "open", Path: "open.wav"})
	b := NewBacklog(a.root)
	rest := func() string {
		t.Helper()
		if err := b.Read(); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for {
			e, ok := b.Next()
			if !ok {
				return strings.Join(ids, " ")
			}
			ids = append(ids, e.ID)
		}
	}
	if got := rest(); got != "one four five six" || b.Len() != 4 {
		t.Errorf("%s wait, %d", got, b.Len())
	}
	if got := rest(); got != "" || b.Len() != 4 {
		t.Errorf("given twice: %s, %d wait", got, b.Len())
	}
	a.now = a.now.AddDate(0, 0, 1) // another day, and what was given comes off
	a.keep("seven")
	for _, id := range []string{"one", "four", "five", "six"} {
		a.uploaded(id)
	}
	if got := rest(); got != "seven" || b.Len() != 1 {
		t.Errorf("%s wait, %d", got, b.Len())
	}
	a.lines("chain/2026-03-11.jsonl", func(l [][]byte) [][]byte { return append(l, []byte(`{"n":`)) })
	if got := rest(); got != "" {
		t.Errorf("of a torn line: %s", got)
	}
	a.lines("chain/2026-03-11.jsonl", func(l [][]byte) [][]byte { return l[:3] })
	if got := rest(); got != "one four five six seven" || b.Len() != 5 {
		t.Errorf("after the chain was cut: %s, %d", got, b.Len())
	}
}

func TestCleared(t *testing.T) {
	a := newArchive(t)
	for _, id := range []string{"one", "two", "four"} {
		a.uploaded(id)
	}
	a.cleared("one")
	r := a.verify(Options{})
	if !r.OK() || r.Uploaded != 3 || r.Cleared != 1 || r.Kept != 5 || r.Gone != 0 {
		t.Errorf("%+v", r)
	}
	x, err := Load(a.root)
	if err != nil {
		t.Fatal(err)
	}
	if it, ok := x.ID("one"); !ok || it.Gone != Cleared || it.Uploaded.Object != "s3://calls/one.wav" || len(x.Find(Query{Words: []string{"one"}})) != 1 {
		t.Errorf("it is in the chain as %+v", it)
	}
	if _, err := Hold(a.root, []string{"one"}, "counsel", "case 7", false); !errors.Is(err, ErrCleared) || !strings.Contains(err.Error(), "s3://calls/one.wav") {
		t.Errorf("a hold of what is not here: %v", err)
	}
	a.remove("two.wav") // which the storage has, and yet nobody was to remove it
	a.cleared("three")  // which the storage does not have
	if r := a.verify(Options{}); len(r.Findings) != 2 || r.Findings[0].Path != "three.wav" || r.Findings[1].Path != "two.wav" || r.Findings[0].Kind != Removed {
		t.Errorf("%+v", r.Findings)
	}
}

// TestUploadedIsOfTheContents: what a storage has of an earlier recording of that path says
// nothing of the next.
func TestUploadedIsOfTheContents(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Uploaded, ID: "one", Path: "one.wav", SHA256: strings.Repeat("0", 64)})
	a.append(Entry{Kind: Uploaded, ID: "none", Path: "none.wav", SHA256: strings.Repeat("0", 64)})
	if r := a.verify(Options{}); !r.OK() || r.Uploaded != 0 || r.Kept != 6 {
		t.Errorf("%+v", r)
	}
}

func TestClearer(t *testing.T) {
	a := newArchive(t)
	a.uploaded("one")
	a.now = a.now.Add(24 * time.Hour)
	a.uploaded("four")
	c := NewClearer(a.root)
	for _, k := range []struct {
		before time.Time
		want   []string
	}{
		{a.now.Add(-25 * time.Hour), nil},
		{a.now, []string{"one.wav"}},
		{a.now.Add(time.Hour), []string{"four.wav", "one.wav"}},
	} {
		list, err := c.Expired(k.before)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, e := range list {
			paths = append(paths, e.Path)
		}
		if !slices.Equal(paths, k.want) {
			t.Errorf("before %v: %v, want %v", k.before, paths, k.want)
		}
	}
	if err := os.Remove(filepath.Join(a.root, "one.wav")); err != nil {
		t.Fatal(err)
	}
	if list, err := c.Expired(a.now.Add(time.Hour)); err != nil || len(list) != 1 {
		t.Errorf("what is gone is given again: %v, %v", fmt.Sprint(list), err)
	}
}
