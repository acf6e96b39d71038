package ledger

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		kind                   Kind
		today, first, from, to string
	}{
		{Day, "2026-11-22", "2026-11-01", "2026-11-22", "2026-11-23"},
		{Month, "2026-11-22", "2026-11-21", "2026-11-01", "2026-12-01"},
		{Month, "2026-12-31", "2020-01-01", "2026-12-01", "2027-01-01"},
		{Month, "2028-02-29", "2020-01-01", "2028-02-01", "2028-03-01"},
		{Month, "2026-01-31", "2020-01-01", "2026-01-01", "2026-02-01"},
		{Days30, "2026-11-22", "2026-11-22", "2026-11-22", "2026-12-22"},
		{Days30, "2026-12-21", "2026-11-22", "2026-11-22", "2026-12-22"}, // its last day
		{Days30, "2026-12-22", "2026-11-22", "2026-12-22", "2027-01-21"}, // the next
		{Days30, "2026-11-21", "2026-11-22", "2026-11-21", "2026-12-21"}, // the clock went back
	} {
		from, to := c.kind.period(day(t, c.today), day(t, c.first))
		if from.String() != c.from || to.String() != c.to {
			t.Errorf("%s of %s since %s: %s to %s, want %s to %s", c.kind, c.today, c.first, from, to, c.from, c.to)
		}
	}
}

// Whatever the first day is, a window holds today and no day that was not asked for.
func TestPeriodsHoldToday(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		today, first := date(20_000+rng.IntN(2000)), date(19_000+rng.IntN(4000))
		for _, k := range []Kind{Day, Days30, Month} {
			from, to := k.period(today, first)
			if from > today || to <= today || from < k.earliest(today) || to-from > 31 {
				t.Fatalf("%s of %s since %s: %s to %s, asked from %s", k, today, first, from, to, k.earliest(today))
			}
		}
	}
}

func TestWindowSumsItsDays(t *testing.T) {
	d := day(t, "2026-03-29")
	days := map[date]Counts{
		d - 29: {Answered: 1000, Abandoned: 500}, // of another period
		d - 28: {Answered: 100, Abandoned: 3, Machine: 5, Detected: 15},
		d:      {Answered: 20, Abandoned: 1, Machine: 1},
	}
	berlin := zone(t, "Europe/Berlin")
	w := WindowRule{Kind: Days30, Ceiling: 0.03}.window(d, d-28, days, berlin)
	if w.Name != "30_days" || w.Ceiling != 0.03 || w.Answered != 80+19 || w.Abandoned != 4 || w.Reserved != 0 {
		t.Errorf("%+v", w)
	}
	w = WindowRule{Name: "operator", Kind: Day}.window(d, d-28, days, berlin)
	if w.Name != "operator" || w.Answered != 19 || w.Abandoned != 1 {
		t.Errorf("%+v", w)
	}
	if want := time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC); !w.Ends.Equal(want) {
		t.Errorf("a day of 23 hours ends at %s, want %s", w.Ends.UTC(), want)
	}
}

// TestClockSetBackOverMidnight holds that calls counted on a day to come, which happened
// before the clock was set back, are held against today's window and never speak for it; and
// that they are in the windows that hold both days once.
func TestClockSetBackOverMidnight(t *testing.T) {
	f := virtual(t)
	l := f.node("a")
	night := time.Date(2026, 11, 23, 0, 30, 0, 0, time.UTC)
	want := func(what string, day, days30 [2]int) {
		t.Helper()
		w := f.sync(l, 0)
		if got := [][2]int{{w[0].Answered, w[0].Abandoned}, {w[1].Answered, w[1].Abandoned}}; got[0] != day || got[1] != days30 {
			t.Errorf("%s: %v, want %v and %v", what, got, day, days30)
		}
	}
	f.mini.SetTime(night.Add(-time.Hour))
	f.tell(l, call(), Answered)
	f.mini.SetTime(night)
	f.tell(l, call(), Answered)
	f.mini.SetTime(night.Add(-time.Hour))
	want("one who got an agent", [2]int{1, 0}, [2]int{2, 0})
	f.mini.SetTime(night)
	f.tell(l, call(), Answered, Abandoned)
	want("ahead", [2]int{2, 1}, [2]int{3, 1})
	f.mini.SetTime(night.Add(-time.Hour))
	want("set back", [2]int{3, 1}, [2]int{3, 1})
	f.mini.SetTime(night.Add(time.Hour))
	want("the day after", [2]int{2, 1}, [2]int{3, 1})
}
