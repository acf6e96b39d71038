package chain

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWhatVerifyFinds(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(a *archive)
		want []string // kind and path of each finding
	}{
		{"nothing", func(*archive) {}, nil},
		{"a recording removed", func(a *archive) { a.remove("two.wav") }, []string{"removed two.wav"}},
		{"one added", func(a *archive) { a.write("seven.wav", []byte("x")) }, []string{"added seven.wav"}},
		{"one renamed", func(a *archive) { a.rename("two.wav", "2.wav") }, []string{"renamed two.wav"}},
		{"one altered", func(a *archive) { a.write("two.wav", []byte("what was said in call owt")) }, []string{"altered two.wav"}},
		{"one cut", func(a *archive) { a.write("two.wav", []byte("what was said")) }, []string{"altered two.wav"}},
		{"two exchanged", func(a *archive) {
			a.rename("one.wav", "x.wav")
			a.rename("two.wav", "one.wav")
			a.rename("x.wav", "two.wav")
		}, []string{"altered one.wav", "altered two.wav"}},
		{"one replaced by a link", func(a *archive) {
			a.remove("one.wav")
			if err := os.Symlink("two.wav", filepath.Join(a.root, "one.wav")); err != nil {
				a.t.Fatal(err)
			}
		}, []string{"altered one.wav"}},
		{"a line removed", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte { return slices.Delete(l, 4, 5) })
		}, []string{"cut off two.wav", "unlinked " + firstDay}},
		{"a recording and its lines removed", func(a *archive) {
			a.remove("two.wav")
			a.lines(firstDay, func(l [][]byte) [][]byte { return slices.Delete(l, 3, 5) })
		}, []string{"unlinked " + firstDay}},
		{"a line altered", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte {
				l[2] = bytes.Replace(l[2], []byte(`12:00`), []byte(`13:00`), 1)
				return l
			})
		}, []string{"unlinked " + firstDay}},
		{"the last line of a day altered", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte {
				l[6] = bytes.Replace(l[6], []byte(`12:00`), []byte(`13:00`), 1)
				return l
			})
		}, []string{"unlinked " + secondDay}},
		{"two lines exchanged", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte {
				l[2], l[4] = l[4], l[2]
				return l
			})
		}, []string{"unlinked " + firstDay, "cut off two.wav"}},
		{"a line added", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte { return slices.Insert(l, 3, l[2]) })
		}, []string{"unlinked " + firstDay}},
		{"a line that is none", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte { return slices.Insert(l, 3, []byte("{}\n")) })
		}, []string{"unlinked " + firstDay, "unread " + firstDay}},
		{"the end of a day cut off", func(a *archive) {
			a.lines(firstDay, func(l [][]byte) [][]byte { return l[:5] })
		}, []string{"unlinked " + secondDay, "added three.wav"}},
		{"the end of the chain cut off", func(a *archive) {
			a.lines(secondDay, func(l [][]byte) [][]byte { return l[:5] })
		}, []string{"added six.wav"}},
		{"a day removed", func(a *archive) { a.remove(firstDay) }, []string{
			"unlinked " + secondDay, "added one.wav", "added two.wav", "added three.wav",
		}},
		{"days exchanged", func(a *archive) {
			a.rename(firstDay, "chain/x")
			a.rename(secondDay, firstDay)
			a.rename("chain/x", secondDay)
		}, []string{"unlinked " + firstDay, "unlinked " + secondDay}},
		{"a day under another date", func(a *archive) { a.rename(secondDay, "chain/2026-03-11.jsonl") }, []string{
			"unlinked chain/2026-03-11.jsonl",
		}},
		{"a recording removed by rule", func(a *archive) {
			if err := a.log.Remove(Entry{Kind: Deleted, ID: "two", Path: "two.wav"}); err != nil {
				a.t.Fatal(err)
			}
		}, nil},
		{"and put back", func(a *archive) {
			if err := a.log.Remove(Entry{Kind: Deleted, ID: "two", Path: "two.wav"}); err != nil {
				a.t.Fatal(err)
			}
			a.write("two.wav", []byte("what was said in call two"))
		}, []string{"added two.wav"}},
		{"one that a crash cut off", func(a *archive) {
			a.append(Entry{Kind: Began, ID: "seven", Path: "seven.wav"})
			a.write("seven.wav", []byte("x"))
		}, []string{"cut off seven.wav"}},
		{"one that was lost", func(a *archive) {
			a.append(Entry{Kind: Began, ID: "seven", Path: "seven.wav"})
			a.append(Entry{Kind: Lost, ID: "seven", Path: "seven.wav", Why: "the disk broke"})
		}, nil},
		{"a line that a crash tore", func(a *archive) {
			a.lines(secondDay, func(l [][]byte) [][]byte { return append(l, []byte(`{"n":15,"at":"20`)) })
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newArchive(t)
			c.do(a)
			r := a.verify(Options{})
			found := map[string]bool{}
			for _, f := range r.Findings {
				found[f.Kind+" "+f.Path] = true
			}
			for _, want := range c.want {
				if !found[want] {
					t.Errorf("it does not find %q", want)
				}
				delete(found, want)
			}
			if len(found) > 0 || r.OK() != (len(c.want) == 0) {
				t.Errorf("findings: %+v", r.Findings)
			}
		})
	}
}

// TestRewrittenChain: who may write can make a chain that fits together. What was
// noted elsewhere shows it.
func TestRewrittenChain(t *testing.T) {
	a := newArchive(t)
	last := a.refs[len(a.refs)-1]
	if r := a.verify(Options{Refs: a.refs}); !r.OK() || r.Last != last.String() {
		t.Fatalf("the chain as it was: last %s, want %s; %+v", r.Last, last, r.Findings)
	}
	forged := &archive{t: t, root: t.TempDir(), now: time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)}
	forged.open()
	for k, id := range []string{"one", "three", "four", "five", "six", "seven"} { // no two
		if k == 2 {
			forged.now = forged.now.AddDate(0, 0, 1)
		}
		forged.keep(id)
	}
	if r := forged.verify(Options{}); !r.OK() {
		t.Fatalf("the forged chain does not fit together: %+v", r.Findings)
	}
	r := forged.verify(Options{Refs: []Ref{last}})
	if len(r.Findings) != 1 || r.Findings[0].Kind != Rewritten {
		t.Errorf("against the last line of the true one: %+v", r.Findings)
	}
	a.remove("six.wav")
	a.lines(secondDay, func(l [][]byte) [][]byte { return l[:5] })
	if r := a.verify(Options{}); !r.OK() {
		t.Errorf("an end that was cut off with its recording shows without a line noted elsewhere: %+v", r.Findings)
	}
	if r := a.verify(Options{Refs: []Ref{last}}); len(r.Findings) != 1 || r.Findings[0].Kind != Rewritten {
		t.Errorf("the end cut off, against its last line: %+v", r.Findings)
	}
}
