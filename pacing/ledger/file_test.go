package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFileForgetsOldDays(t *testing.T) {
	m := newMemory(make(map[string]*seen))
	d := day(t, "2026-11-22")
	for _, at := range []date{d - 400, d - rememberDays, d - rememberDays + 1, d} {
		m.see("c", at, fields{"answered:a": 1})
		m.seeFirst("c", at)
	}
	text, err := m.text()
	if err != nil {
		t.Fatal(err)
	}
	back, err := parseFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := back["c"]; len(got.days) != 2 || got.days[d]["answered:a"] != 1 || got.first != d-400 {
		t.Errorf("%+v of %s", got, text)
	}
	if again, err := m.text(); again != nil || err != nil {
		t.Errorf("unchanged, and written again: %s, %v", again, err)
	}
}

// Redis has the counts: a damaged file does not keep a node from its work.
func TestDamagedFile(t *testing.T) {
	f := virtual(t)
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	for _, text := range []string{"", "{", `{"version":2}`, `{"version":1,"campaigns":{"camp":{"days":{"today":{}}}}}`} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		l := f.node("a", func(c *Config) { c.Dir = dir })
		f.tell(l, call(), Answered)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), `"answered:a"`) {
			t.Errorf("after %q: %s, %v", text, got, err)
		}
	}
}

// A disk that takes nothing is no reason not to count: Redis has it.
func TestFullDisk(t *testing.T) {
	f := virtual(t)
	dir := filepath.Join(t.TempDir(), "gone")
	var l *Ledger
	l, err := Open(Config{Redis: f.client, Node: "a", Boot: "a", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	f.tell(l, call(), Answered)
	f.sync(l, 0)
	if err := l.write(); err == nil {
		t.Error("written into a directory that is gone")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if back, damage, err := readFile(dir); err != nil || damage != nil || back[f.campaign].days[dateAt(f.now(), time.UTC)]["answered:a"] != 1 {
		t.Errorf("%+v, %v, %v", back, damage, err)
	}
}

func TestCallsAreForgotten(t *testing.T) {
	m := newMemory(make(map[string]*seen))
	m.seeCall(callID{"c", "old"}, "2026-11-22 answered")
	old := m.calls[callID{"c", "old"}]
	old.at = old.at.Add(-2 * rememberCalls)
	m.calls[callID{"c", "old"}] = old
	for range leastCalls {
		m.seeCall(callID{"c", call()}, "2026-11-22 answered")
	}
	if m.call(callID{"c", "old"}) != "" || len(m.calls) != leastCalls {
		t.Errorf("%d calls are remembered", len(m.calls))
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"campaigns":{"c":{"first":"2026-11-01","days":{"2026-11-22":{"answered:a":12,"abandoned:b":1}}}}}`))
	f.Add([]byte(`{"version":1,"campaigns":{"c":{"days":{"2026-11-22":null}}}}`))
	f.Add([]byte(`{"version":1,"campaigns":{"c":{"days":{"2026-11-22":{"answered:a":-1}}}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		campaigns, err := parseFile(text)
		if err != nil {
			return
		}
		m := newMemory(campaigns)
		m.changed = true
		once, err := m.text()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseFile(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		m = newMemory(back)
		m.changed = true
		if twice, err := m.text(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s, then %s, %v", once, twice, err)
		}
	})
}
