package chain

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

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

// TestRemoveAgain: what cannot be removed has one line that says so, however often it is
// tried, and goes in the end.
func TestRemoveAgain(t *testing.T) {
	a := newArchive(t)
	a.rename("two.wav", "away.wav")
	inTheWay := filepath.Join(a.root, "two.wav", "x")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	gone, line := Entry{Kind: Discarded, ID: "two", Path: "two.wav"}, Ref{}
	for k := range 3 {
		if err := a.log.Remove(gone); err == nil {
			t.Fatal("a folder with a file in it was removed")
		}
		if k == 0 {
			line = a.log.Last()
		}
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	a.rename("away.wav", "two.wav")
	if err := a.log.Remove(gone); err != nil || a.log.Last() != line {
		t.Errorf("%v; the last line is %d, the one of the removal %d", err, a.log.Last().N, line.N)
	}
	if r := a.verify(Options{}); !r.OK() || r.Gone != 1 {
		t.Errorf("%+v", r)
	}
}
