package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// archive is a directory with recordings and their chain.
type archive struct {
	t    *testing.T
	root string
	log  *Log
	now  time.Time
	refs []Ref // of the lines that vouch for recordings
}

// newArchive has six recordings of two days: one.wav to six.wav, three a day.
func newArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{t: t, root: t.TempDir(), now: time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)}
	a.open()
	for k, id := range []string{"one", "two", "three", "four", "five", "six"} {
		if k == 3 {
			a.now = a.now.AddDate(0, 0, 1)
		}
		a.keep(id)
	}
	return a
}

func (a *archive) open() {
	a.t.Helper()
	log, err := Open(a.root)
	if err != nil {
		a.t.Fatal(err)
	}
	log.now = func() time.Time { return a.now }
	a.log = log
	a.t.Cleanup(log.Close)
}

func (a *archive) append(e Entry) {
	a.t.Helper()
	ref, err := a.log.Append(e)
	if err != nil {
		a.t.Fatal(err)
	}
	a.refs = append(a.refs, ref)
}

// keep makes a recording and both its lines.
func (a *archive) keep(id string) {
	a.t.Helper()
	path, content := id+".wav", []byte("what was said in call "+id)
	a.append(Entry{Kind: Began, ID: id, Path: path, Start: a.now})
	a.write(path, content)
	sum := sha256.Sum256(content)
	a.append(Entry{Kind: Kept, ID: id, Path: path, Start: a.now, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
}

func (a *archive) write(path string, content []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.root, path), content, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) remove(path string) {
	a.t.Helper()
	if err := os.Remove(filepath.Join(a.root, path)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) rename(from, to string) {
	a.t.Helper()
	if err := os.Rename(filepath.Join(a.root, from), filepath.Join(a.root, to)); err != nil {
		a.t.Fatal(err)
	}
}

const (
	firstDay  = "chain/2026-03-09.jsonl"
	secondDay = "chain/2026-03-10.jsonl"
)

// lines changes the lines of a day.
func (a *archive) lines(path string, change func([][]byte) [][]byte) {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.root, path))
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(path, bytes.Join(change(slices.Collect(bytes.Lines(b))), nil))
}

func (a *archive) verify(o Options) *Report {
	a.t.Helper()
	r, err := Verify(context.Background(), a.root, o)
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}
