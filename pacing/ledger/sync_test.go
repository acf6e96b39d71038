package ledger

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringpace/pacing"
)

func (f *floor) sync(l *Ledger, reserve float64) []pacing.Window {
	f.Helper()
	windows, err := l.Sync(f.Context(), f.campaign, reserve)
	if err != nil {
		f.Fatal(err)
	}
	return windows
}

// wantReserved says what a node learns of the others' reservations while it makes one.
func (f *floor) wantReserved(l *Ledger, reserve, want float64) {
	f.Helper()
	for _, w := range f.sync(l, reserve) {
		if w.Reserved != want {
			f.Errorf("%s: the others reserve %v, want %v", w.Name, w.Reserved, want)
		}
	}
}

func TestReservations(t *testing.T) {
	onEach(t, func(f *floor) {
		a, b := f.node("a"), f.node("b")
		f.wantReserved(a, 1.25, 0)
		f.wantReserved(b, 0.1, 1.25)
		f.wantReserved(a, 0, 0.1) // its calls have ended
		f.wantReserved(b, 0.2, 0)
		f.wantReserved(f.node("c"), 0, 0.2)
		for _, bad := range []float64{math.NaN(), math.Inf(1), -0.1} {
			if _, err := a.Sync(f.Context(), f.campaign, bad); !errors.Is(err, ErrReserve) {
				f.Errorf("%v: %v", bad, err)
			}
		}
	})
}

func TestDeadNodesReservationLapses(t *testing.T) {
	f := virtual(t)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.mini.SetTime(at)
	lease := func(c *Config) { c.Lease = 10 * time.Second }
	a, b := f.node("a", lease), f.node("b", lease)
	f.sync(b, 3) // and then it dies
	for s := range 10 {
		f.mini.SetTime(at.Add(time.Duration(s) * time.Second))
		f.wantReserved(a, 1, 3)
	}
	f.mini.SetTime(at.Add(10 * time.Second))
	f.wantReserved(a, 1, 0)

	// After an outage in which all lapsed nobody knows who is dead, until a second has gone
	// by in which the living have come back.
	f.sync(b, 3)
	f.mini.SetTime(at.Add(time.Minute))
	f.wantReserved(a, 1, 3)
	f.wantReserved(b, 2, 1)
	f.wantReserved(a, 1, 2)
	f.mini.SetTime(at.Add(2 * time.Minute))
	f.wantReserved(a, 1, 2)
	f.mini.SetTime(at.Add(2*time.Minute + time.Second))
	f.wantReserved(a, 1, 0)
}

// The windows of one campaign over its first weeks, by the calendar of its zone.
func TestWindowsOverWeeks(t *testing.T) {
	f := virtual(t)
	york := zone(t, "America/New_York")
	rules := []WindowRule{
		{Kind: Day, Ceiling: 0.03}, {Kind: Days30, Ceiling: 0.03}, {Name: "canada", Kind: Month, Ceiling: 0.05},
	}
	l := f.node("a", func(c *Config) { c.Campaign = func(string) Campaign { return Campaign{york, rules} } })
	type want struct {
		answered [3]int
		ends     [3]string
	}
	for _, c := range []struct {
		now  string
		want want
	}{
		{"2026-02-20T23:59:00-05:00", want{[3]int{1, 1, 1}, [3]string{"2026-02-21T00:00:00-05:00", "2026-03-22T00:00:00-04:00", "2026-03-01T00:00:00-05:00"}}},
		{"2026-02-21T00:01:00-05:00", want{[3]int{1, 2, 2}, [3]string{"2026-02-22T00:00:00-05:00", "2026-03-22T00:00:00-04:00", "2026-03-01T00:00:00-05:00"}}},
		{"2026-03-01T12:00:00-05:00", want{[3]int{1, 3, 1}, [3]string{"2026-03-02T00:00:00-05:00", "2026-03-22T00:00:00-04:00", "2026-04-01T00:00:00-04:00"}}},
		{"2026-03-08T12:00:00-04:00", want{[3]int{1, 4, 2}, [3]string{"2026-03-09T00:00:00-04:00", "2026-03-22T00:00:00-04:00", "2026-04-01T00:00:00-04:00"}}},
		{"2026-03-21T23:59:59-04:00", want{[3]int{1, 5, 3}, [3]string{"2026-03-22T00:00:00-04:00", "2026-03-22T00:00:00-04:00", "2026-04-01T00:00:00-04:00"}}},
		{"2026-03-22T00:01:00-04:00", want{[3]int{1, 1, 4}, [3]string{"2026-03-23T00:00:00-04:00", "2026-04-21T00:00:00-04:00", "2026-04-01T00:00:00-04:00"}}},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		f.mini.SetTime(now)
		f.tell(l, call(), Answered)
		windows := f.sync(l, 0)
		if len(windows) != 3 || windows[2].Name != "canada" || windows[2].Ceiling != 0.05 {
			t.Fatalf("%s: %+v", c.now, windows)
		}
		for i, w := range windows {
			if got := w.Ends.In(york).Format(time.RFC3339); w.Answered != c.want.answered[i] || got != c.want.ends[i] {
				t.Errorf("%s, %s: %d until %s, want %d until %s", c.now, w.Name, w.Answered, got, c.want.answered[i], c.want.ends[i])
			}
		}
	}
}

// wipe makes Redis forget a campaign, as FLUSHALL does.
func (f *floor) wipe() {
	f.Helper()
	today := dateAt(f.now(), time.UTC)
	sp, _ := spaceOf(f.campaign)
	for d := today - 40; d <= today; d++ {
		if err := f.client.Del(f.Context(), sp.day(d), string(sp)+"ledger:calls:"+d.String()).Err(); err != nil {
			f.Fatal(err)
		}
	}
	if err := f.client.Del(f.Context(), sp.ledger(), sp.reserved()).Err(); err != nil {
		f.Fatal(err)
	}
}

// Nothing is lost with Redis that a living node has counted, nor counted twice when the
// ends of those calls are told.
func TestWipedCounts(t *testing.T) {
	onEach(t, func(f *floor) {
		a, b := f.node("a"), f.node("b")
		var ids []string
		for i := range 6 {
			ids = append(ids, call())
			f.tell([]*Ledger{a, b}[i%2], ids[i], Answered)
		}
		f.tell(a, ids[0], Abandoned)
		before := f.sync(a, 0) // a has seen b's counts
		f.wipe()
		f.tell(a, ids[0], Abandoned) // again
		f.tell(a, ids[2], Abandoned)
		f.tell(b, ids[1], Reached)
		f.tell(b, ids[3], Machine)
		for _, l := range []*Ledger{a, b, f.node("c")} {
			w := f.sync(l, 0)
			if w[1].Answered != 5 || w[1].Abandoned != 2 || !w[1].Ends.Equal(before[1].Ends) {
				f.Errorf("%+v", w)
			}
		}
		f.wantSums(Counts{Answered: 6, Abandoned: 2, Machine: 1})

		// b dies with them; a has seen what it had.
		f.sync(a, 0)
		if err := b.Close(); err != nil {
			f.Fatal(err)
		}
		f.wipe()
		f.tell(a, call(), Answered) // before the sync: it hides nothing
		f.sync(a, 0)
		f.wantSums(Counts{Answered: 7, Abandoned: 2, Machine: 1})
	})
}

// A failover loses the last moments only: what is there is less than it was.
func TestFailoverLosesTheLastCounts(t *testing.T) {
	onEach(t, func(f *floor) {
		a := f.node("a")
		ids := []string{call(), call(), call()}
		f.tell(a, ids[0], Answered)
		f.tell(a, ids[1], Answered)
		f.tell(a, ids[0], Abandoned)
		sp, _ := spaceOf(f.campaign)
		today := sp.day(dateAt(f.now(), time.UTC))
		if err := errors.Join(
			f.client.HSet(f.Context(), today, "answered:a", 1).Err(),
			f.client.HDel(f.Context(), today, "abandoned:a").Err(),
			f.client.HSet(f.Context(), sp.calls(ids[0]), ids[0], dateAt(f.now(), time.UTC).String()+" answered").Err(),
			f.client.HDel(f.Context(), sp.calls(ids[1]), ids[1]).Err(),
		); err != nil {
			f.Fatal(err)
		}
		f.tell(a, ids[2], Answered)
		f.tell(a, ids[0], Abandoned)
		f.tell(a, ids[1], Reached)
		f.wantSums(Counts{Answered: 3, Abandoned: 1})
	})
}

// A node that comes back remembers by its file.
func TestMemoryOutlivesTheProcess(t *testing.T) {
	onEach(t, func(f *floor) {
		dir := filepath.Join(t.TempDir(), f.campaign)
		kept := func(c *Config) { c.Dir = dir }
		a := f.node("a", kept)
		f.tell(a, call(), Answered, Abandoned)
		ends := f.sync(a, 0)[1].Ends
		path := filepath.Join(dir, FileName)
		if !holds(func() bool { _, err := os.Stat(path); return err == nil }) {
			f.Error("nothing is written while the process lives")
		}
		f.tell(a, call(), Answered)
		if err := a.Close(); err != nil {
			f.Fatal(err)
		}
		f.wipe()
		a = f.node("a", kept)
		if w := f.sync(a, 0); w[1].Answered != 2 || w[1].Abandoned != 1 || !w[1].Ends.Equal(ends) {
			f.Errorf("%+v", w)
		}
		f.wantSums(Counts{Answered: 2, Abandoned: 1})
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			f.Errorf("beside the file there is %v, %v", left, err)
		}
	})
}

// Without counts nothing is known, and what is no count is not taken for one.
func TestSpoiltCounts(t *testing.T) {
	onEach(t, func(f *floor) {
		a := f.node("a")
		sp, _ := spaceOf(f.campaign)
		today := sp.day(dateAt(f.now(), time.UTC))
		for _, spoil := range []func() error{
			func() error { return f.client.HSet(f.Context(), today, "answered:b", "many").Err() },
			func() error { return f.client.HSet(f.Context(), today, "answered:b", "-3").Err() },
			func() error { return f.client.HSet(f.Context(), sp.ledger(), "first", "yesterday").Err() },
		} {
			f.wipe()
			if _, err := a.Sync(f.Context(), f.campaign, 0); err != nil {
				f.Fatal(err)
			}
			if err := spoil(); err != nil {
				f.Fatal(err)
			}
			if w, err := a.Sync(f.Context(), f.campaign, 0); !errors.Is(err, ErrCount) {
				f.Errorf("%+v, %v", w, err)
			}
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add(int64(1), "0", "", "answered:a", "3")
	f.Add(int64(1763800000000), "0.30000000000000004", "2026-11-22", "abandoned:a", "x")
	f.Add(int64(0), "nan", "never", "", "")
	f.Add(int64(1), "-1", "0000-00-00", "machine", "-1")
	f.Fuzz(func(t *testing.T, now int64, reserved, first, field, count string) {
		s, err := parseState([]any{now, reserved, first, []any{field, count}})
		if err != nil {
			return
		}
		if s.now == 0 || !finite(s.reserved) || s.reserved < 0 || len(s.days) != 1 || s.days[0][field] < 0 {
			t.Errorf("%+v", s)
		}
		w := WindowRule{Kind: Days30}.window(s.first, s.first, map[date]Counts{s.first: s.days[0].counts()}, time.UTC)
		if s.first != never && w.Ends.IsZero() {
			t.Errorf("%+v", w)
		}
	})
}

// Answers that no script of ours gives are errors, not zeros.
func TestStrangeAnswers(t *testing.T) {
	for _, strange := range [][]any{
		nil,
		{},
		{int64(1)},
		{int64(1), "0", ""},
		{"1", "0", "", []any{}},
		{int64(1), int64(0), "", []any{}},
		{int64(1), "inf", "", []any{}},
		{int64(1), "0", "2026-13-01", []any{}},
		{int64(1), "0", "", []any{"answered:a", int64(3)}},
	} {
		if s, err := parseState(strange); !errors.Is(err, ErrCount) {
			t.Errorf("%v: %+v, %v", strange, s, err)
		}
		if c, err := parseCounted(strange); !errors.Is(err, ErrCount) {
			t.Errorf("%v: %+v, %v", strange, c, err)
		}
	}
}
