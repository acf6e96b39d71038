package ledger

import (
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func day(t testing.TB, s string) date {
	t.Helper()
	d, err := parseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhereDaysBegin(t *testing.T) {
	for _, c := range []struct{ zone, day, begins string }{
		{"UTC", "2026-11-22", "2026-11-22T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"}, // 23 hours
		{"Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"}, // 25 hours
		{"Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z"},
		{"America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // at 01:00: there was no midnight
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // the day before ended twice
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"},    // midnight came twice
		{"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"}, // a day that was left out
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"},
	} {
		got := day(t, c.day).begins(zone(t, c.zone))
		if want, err := time.Parse(time.RFC3339, c.begins); err != nil || !got.Equal(want) {
			t.Errorf("%s in %s begins at %s, want %s (%v)", c.day, c.zone, got.UTC(), want, err)
		}
	}
}

// Days follow each other without a gap, whatever the clocks do: each instant lies on the
// one day that has begun last.
func TestEachInstantLiesOnOneDay(t *testing.T) {
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/St_Johns", "America/Havana", "America/Sao_Paulo",
		"Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo",
	} {
		z := zone(t, name)
		for _, year := range []int{2009, 2011, 2018, 2026} {
			for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(7*time.Hour + 59*time.Second) {
				d := dateAt(at, z)
				if at.Before(d.begins(z)) || !at.Before((d + 1).begins(z)) {
					t.Fatalf("%s is not on %s in %s", at, d, name)
				}
			}
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-11-22", "1970-01-01", "0001-01-01", "9999-12-31", "2026-02-29", "", "2026-1-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDate(s); err == nil && d.String() != s {
			t.Errorf("%q is read as %s", s, d)
		}
	})
}
