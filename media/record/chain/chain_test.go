package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

// TestLinkedDirectory: a recording directory may be a symbolic link, and have links to
// directories elsewhere in it, even back to itself.
func TestLinkedDirectory(t *testing.T) {
	a := newArchive(t)
	disk := t.TempDir()
	if err := os.Rename(filepath.Join(a.root, "one.wav"), filepath.Join(disk, "one.wav")); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"big": disk, "again": a.root, "nowhere": "/does/not/exist"} {
		if err := os.Symlink(to, filepath.Join(a.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"back": a.root, "itself": disk} {
		if err := os.Symlink(to, filepath.Join(disk, name)); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte("what was said in call one"))
	a.append(Entry{Kind: Deleted, ID: "one", Path: "one.wav"})
	a.append(Entry{Kind: Kept, ID: "one", Path: "big/one.wav", Bytes: 25, SHA256: hex.EncodeToString(sum[:])})
	link := filepath.Join(t.TempDir(), "recordings")
	if err := os.Symlink(a.root, link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{a.root, link, link + "/"} {
		r, err := Verify(t.Context(), root, Options{})
		if err != nil || !r.OK() || r.Kept != 6 || r.Bytes == 0 {
			t.Errorf("%s: %+v, %v", root, r, err)
		}
	}
	if err := os.WriteFile(filepath.Join(disk, "one.wav"), []byte("what was said in call 0ne"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.write("seven.wav", []byte("what nobody said"))
	r, err := Verify(t.Context(), link, Options{})
	if err != nil || len(r.Findings) != 2 || r.Findings[0].Kind != Altered || r.Findings[0].Path != "big/one.wav" || r.Findings[1].Path != "seven.wav" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestLinkedTwice: two folders of recordings are links to one directory, elsewhere or in the
// recording directory itself.
func TestLinkedTwice(t *testing.T) {
	for name, inside := range map[string]bool{"elsewhere": false, "inside": true} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			disk := t.TempDir()
			if inside {
				disk = filepath.Join(a.root, "disk")
				if err := os.Mkdir(disk, 0o750); err != nil {
					t.Fatal(err)
				}
			}
			for _, folder := range []string{"sales", "service"} {
				if err := os.Symlink(disk, filepath.Join(a.root, folder)); err != nil {
					t.Fatal(err)
				}
				content := []byte("what was said in " + folder)
				sum := sha256.Sum256(content)
				path := folder + "/" + folder + ".wav"
				a.write(path, content)
				a.append(Entry{Kind: Kept, ID: folder, Path: path, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
			}
			for range 2 {
				if r := a.verify(Options{}); !r.OK() || r.Kept != 8 {
					t.Errorf("%+v", r)
				}
			}
			a.write("service/service.wav", []byte("what was said in SERVICE"))
			a.write("service/other.wav", []byte("what nobody said"))
			if r := a.verify(Options{}); len(r.Findings) != 2 {
				t.Errorf("%+v", r)
			}
			if err := os.Remove(filepath.Join(disk, "sales.wav")); err != nil {
				t.Fatal(err)
			}
			if r := a.verify(Options{}); len(r.Findings) != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestOwner: what a process makes in the chain belongs to the owner of the recording
// directory, also if it is root's.
func TestOwner(t *testing.T) {
	root := t.TempDir()
	owner := os.Getuid()
	if owner == 0 {
		owner = 65534
		if err := os.Chown(root, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(Entry{Kind: Held, ID: "one"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{l.dir, filepath.Join(l.dir, lockName), l.name(l.day)} {
		stat, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if is := int(stat.Sys().(*syscall.Stat_t).Uid); is != owner {
			t.Errorf("%s belongs to %d, want %d", name, is, owner)
		}
	}
}

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

// TestLogSeesWhatIsDoneToIt: a daemon that runs remembers the end by itself, and what is
// done to the chain shows ever after.
func TestLogSeesWhatIsDoneToIt(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(a *archive)
	}{
		{"cut off", func(a *archive) { a.lines(secondDay, func(l [][]byte) [][]byte { return l[:5] }) }},
		{"removed", func(a *archive) { a.remove(secondDay) }},
		{"replaced", func(a *archive) {
			a.rename(secondDay, "chain/x")
			a.write(secondDay, nil)
		}},
		{"the directory removed", func(a *archive) {
			if err := os.RemoveAll(filepath.Join(a.root, Folder)); err != nil {
				a.t.Fatal(err)
			}
		}},
		{"a foreign line", func(a *archive) {
			a.lines(secondDay, func(l [][]byte) [][]byte { return append(l, l[len(l)-1]) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newArchive(t)
			if fault := a.log.Fault(); fault != "" {
				t.Fatal(fault)
			}
			c.do(a)
			a.keep("seven")
			if a.log.Fault() == "" {
				t.Error("it does not see it")
			}
			a.open()
			a.keep("eight")
			r := a.verify(Options{})
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == Unlinked }) {
				t.Errorf("it does not show: %+v", r.Findings)
			}
			if slices.ContainsFunc(r.Findings, func(f Finding) bool {
				return strings.Contains(f.Path, "seven") || strings.Contains(f.Path, "eight")
			}) {
				t.Errorf("what came later suffers: %+v", r.Findings)
			}
		})
	}
}

func TestTwoProcessesAppend(t *testing.T) {
	a := newArchive(t)
	daemon := a.log
	a.open()
	other := a.log
	for k := range 10 {
		a.log = []*Log{daemon, other}[k%2]
		if k == 5 {
			a.now = a.now.AddDate(0, 0, 1)
		}
		a.keep(fmt.Sprint("call", k))
	}
	if r := a.verify(Options{Refs: a.refs}); !r.OK() || daemon.Fault() != "" || other.Fault() != "" {
		t.Errorf("%+v, %q, %q", r.Findings, daemon.Fault(), other.Fault())
	}
}

func TestOpenCutsWhatACrashTore(t *testing.T) {
	a := newArchive(t)
	a.log.Close()
	a.lines(secondDay, func(l [][]byte) [][]byte { return append(l, []byte(`{"n":15,"at":"20`)) })
	a.open()
	a.keep("seven")
	if r := a.verify(Options{}); !r.OK() || r.Kept != 7 {
		t.Errorf("%+v", r)
	}
}

func TestClockSetBack(t *testing.T) {
	a := newArchive(t)
	a.now = a.now.AddDate(0, -1, 0)
	a.keep("seven")
	if r := a.verify(Options{}); !r.OK() {
		t.Errorf("%+v", r.Findings)
	}
}

func TestLegalHold(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Held, ID: "two", By: "counsel", Why: "case 7"})
	gone := Entry{Kind: Deleted, ID: "two", Path: "two.wav", Why: "older than 90 days"}
	if err := a.log.Remove(gone); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove of what is held: %v", err)
	}
	a.open() // another process knows it too
	if err := a.log.Remove(gone); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove by another process: %v", err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 1 || r.Gone != 0 {
		t.Errorf("%+v", r)
	}
	a.append(Entry{Kind: Released, ID: "two", By: "counsel"})
	if err := a.log.Remove(gone); err != nil {
		t.Error(err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 0 || r.Gone != 1 || r.Kept != 5 {
		t.Errorf("%+v", r)
	}
}

// TestHoldOfWhatGoes: a recording that retention removes while it is put under hold is not
// said to be under hold, and no other that was named with it is.
func TestHoldOfWhatGoes(t *testing.T) {
	a := newArchive(t)
	x, err := Load(a.root)
	if err != nil {
		t.Fatal(err)
	}
	a.now = a.now.AddDate(0, 0, 1) // the line is in a file that was not there
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "two", Path: "two.wav"}); err != nil {
		t.Fatal(err)
	}
	before := a.log.Last()
	counsel, err := Open(a.root)
	if err != nil {
		t.Fatal(err)
	}
	defer counsel.Close()
	counsel.now = a.log.now
	if n, err := counsel.change(x, []string{"one", "two"}, Entry{Kind: Held}); n != 0 || !errors.Is(err, ErrNotFound) {
		t.Errorf("%d were put under hold, %v", n, err)
	}
	if last := counsel.Last(); last != before {
		t.Errorf("line %d follows", last.N)
	}
	if n, err := counsel.change(x, []string{"one", "three"}, Entry{Kind: Held}); n != 2 || err != nil {
		t.Errorf("%d of two that are there were put under hold, %v", n, err)
	}
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "one", Path: "one.wav"}); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove of what is held: %v", err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 2 || r.Gone != 1 {
		t.Errorf("%+v", r)
	}
}

func TestFind(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Held, ID: "two"})
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "three", Path: "three.wav"}); err != nil {
		t.Fatal(err)
	}
	x, err := Load(a.root)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		query Query
		want  string
	}{
		{Query{}, "one two four five six"},
		{Query{Gone: true}, "one two three four five six"},
		{Query{Words: []string{"o"}}, "one two four"},
		{Query{Words: []string{"o", ".wav", "f"}}, "four"},
		{Query{Held: true}, "two"},
		{Query{From: day}, "four five six"},
		{Query{To: day}, "one two"},
	} {
		var ids []string
		for _, it := range x.Find(c.query) {
			ids = append(ids, it.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%+v finds %s, want %s", c.query, got, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Began, ID: "seven", Path: "seven.wav"})
	a.now = a.now.AddDate(0, 0, 1)
	a.keep("eight")
	list, err := Unfinished(a.root)
	if err != nil || len(list) != 1 || list[0].ID != "seven" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRef(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	ref, err := ParseRef("42:" + strings.ToUpper(hash))
	if err != nil || ref != (Ref{42, hash}) || ref.String() != "42:"+hash {
		t.Errorf("%v, %v", ref, err)
	}
	for _, bad := range []string{"", "42", "42:", ":" + hash, "0:" + hash, "x:" + hash, "42:zz", "42:" + hash + "00"} {
		if _, err := ParseRef(bad); !errors.Is(err, ErrRef) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	line, err := appendLine(nil, Entry{N: 1, Kind: Kept, ID: "a", Path: "b/a.wav", At: time.Unix(0, 0).UTC(), Prev: origin})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"n":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseLine(b)
		if err != nil {
			return
		}
		line, err := appendLine(nil, e)
		if err != nil {
			return // a year that JSON cannot say
		}
		again, err := parseLine(line)
		if err != nil || again.N != e.N || again.Path != e.Path || !again.At.Equal(e.At) {
			t.Errorf("%q becomes %+v, %v", b, again, err)
		}
	})
}
