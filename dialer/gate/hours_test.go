package gate

import (
	"math/rand/v2"
	"testing"
	"time"

	_ "time/tzdata"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func hours(t testing.TB, windows ...string) Hours {
	t.Helper()
	var h Hours
	for _, s := range windows {
		w, err := ParseWindow(s)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, w)
	}
	return h
}

func TestParseWindow(t *testing.T) {
	tests := []struct{ in, want string }{ // want "" is an error
		{"08:00-20:00", "08:00-20:00"},
		{"8:00-20:00", "08:00-20:00"},
		{"mon-fri 09:00-20:00", "mon-fri 09:00-20:00"},
		{"Monday,wed 09:00-12:30", "mon,wed 09:00-12:30"},
		{"sat,sun 10:00-18:00", "sat,sun 10:00-18:00"},
		{"fri-mon 10:00-18:00", "mon,fri-sun 10:00-18:00"},
		{"22:00-02:00", "22:00-02:00"},
		{"00:00-24:00", "00:00-24:00"},
		{"20:00-00:00", "20:00-24:00"},
		{"08:00-08:00", ""},
		{"24:00-08:00", ""},
		{"08:00", ""},
		{"", ""},
		{"8-20", ""},
		{"08:60-20:00", ""},
		{"24:01-25:00", ""},
		{"-1:00-20:00", ""},
		{"moo-fri 09:00-20:00", ""},
		{"mon- 09:00-20:00", ""},
		{"mon fri 09:00-20:00", ""},
	}
	for _, tt := range tests {
		w, err := ParseWindow(tt.in)
		if got := w.String(); err == nil && got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("ParseWindow(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("mon-fri 09:00-20:00")
	f.Add("sat,sun 22:00-02:00")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWindow(s)
		if err != nil {
			return
		}
		if again, err := ParseWindow(w.String()); err != nil || again != w {
			t.Errorf("%q is %+v, and %q is %+v, %v", s, w, w, again, err)
		}
	})
}

func TestOpen(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	// 21 November 2026 is a Saturday.
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 59, 0, berlin) }
	tests := []struct {
		name string
		h    Hours
		t    time.Time
		want bool
	}{
		{"first minute", hours(t, "08:00-20:00"), at(21, 8, 0), true},
		{"minute before", hours(t, "08:00-20:00"), at(21, 7, 59), false},
		{"last minute", hours(t, "08:00-20:00"), at(21, 19, 59), true},
		{"the end is outside", hours(t, "08:00-20:00"), at(21, 20, 0), false},
		{"other weekday", hours(t, "mon-fri 08:00-20:00"), at(21, 12, 0), false},
		{"that weekday", hours(t, "mon-fri 08:00-20:00"), at(20, 12, 0), true},
		{"second window", hours(t, "mon-fri 08:00-20:00", "sat 10:00-18:00"), at(21, 12, 0), true},
		{"before midnight", hours(t, "fri 22:00-02:00"), at(20, 23, 0), true},
		{"after midnight, on the next day", hours(t, "fri 22:00-02:00"), at(21, 1, 59), true},
		{"after midnight of another day", hours(t, "fri 22:00-02:00"), at(20, 1, 0), false},
		{"always", Always(), at(21, 23, 59), true},
		{"never", nil, at(21, 12, 0), false},
	}
	for _, tt := range tests {
		if got := tt.h.Open(tt.t); got != tt.want {
			t.Errorf("%s: %v at %v: %v, want %v", tt.name, tt.h, tt.t, got, tt.want)
		}
	}
}

func TestNextOpenOverClockChanges(t *testing.T) {
	berlin, york, howe := zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe")
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := []struct {
		name  string
		h     Hours
		from  string
		zones []*time.Location
		want  string // "" is never
	}{
		{"morning after clocks went forward", hours(t, "08:00-20:00"), "2026-03-28T21:00:00Z", []*time.Location{berlin}, "2026-03-29T06:00:00Z"},
		{"morning after clocks went back", hours(t, "08:00-20:00"), "2026-10-24T20:00:00Z", []*time.Location{berlin}, "2026-10-25T07:00:00Z"},
		{"the window begins in the hour that is left out", hours(t, "02:30-03:30"), "2026-03-29T00:00:00Z", []*time.Location{berlin}, "2026-03-29T01:00:00Z"},
		{"the window is all in the hour that is left out", hours(t, "02:15-02:45"), "2026-03-29T00:00:00Z", []*time.Location{berlin}, "2026-03-30T00:15:00Z"},
		{"the window comes twice", hours(t, "02:10-02:20"), "2026-10-25T00:30:00Z", []*time.Location{berlin}, "2026-10-25T01:10:00Z"},
		{"half an hour's change", hours(t, "02:15-02:45"), "2026-10-03T14:30:00Z", []*time.Location{howe}, "2026-10-03T15:30:00Z"},
		{"two zones, the later opens last", hours(t, "09:00-21:00"), "2026-11-23T00:00:00Z", []*time.Location{berlin, york}, "2026-11-23T14:00:00Z"},
		{"two zones without a common hour", hours(t, "08:00-10:00"), "2026-11-23T00:00:00Z", []*time.Location{berlin, york}, ""},
		{"no window", nil, "2026-11-23T00:00:00Z", []*time.Location{berlin}, ""},
		{"only on Sundays", hours(t, "sun 10:00-11:00"), "2026-11-23T00:00:00Z", []*time.Location{berlin}, "2026-11-29T09:00:00Z"},
	}
	for _, tt := range tests {
		got, ok := tt.h.NextOpen(utc(tt.from), tt.zones)
		if ok != (tt.want != "") || ok && !got.Equal(utc(tt.want)) {
			t.Errorf("%s: %v, %v; want %q", tt.name, got.UTC(), ok, tt.want)
		}
	}
}

// NextOpen against the definition: step by minutes and ask.
func TestNextOpenIsTheFirst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Africa/Cairo", "America/St_Johns",
		"Asia/Kathmandu", "Africa/Casablanca", "America/Havana", "Asia/Beirut", "Pacific/Apia",
	}
	for range 300 {
		var h Hours
		for range 1 + rng.IntN(2) {
			w := Window{Days: Days(1 + rng.IntN(127)), From: rng.IntN(24 * 60), To: 1 + rng.IntN(24*60)}
			if w.To != w.From {
				h = append(h, w)
			}
		}
		zones := []*time.Location{zone(t, names[rng.IntN(len(names))])}
		if rng.IntN(3) == 0 {
			zones = append(zones, zone(t, names[rng.IntN(len(names))]))
		}
		from := time.Unix(1767225600+rng.Int64N(365*86400), 0).UTC() // in 2026
		got, ok := h.NextOpen(from, zones)
		want := from
		for limit := from.Add(horizon); want.Before(limit) && !allOpen(h, want, zones); {
			want = want.Truncate(time.Minute).Add(time.Minute)
		}
		if found := allOpen(h, want, zones); ok != found || ok && !got.Equal(want) {
			t.Fatalf("%v from %v in %v: %v, %v; want %v, %v", h, from, zones, got.UTC(), ok, want, found)
		}
	}
}

func allOpen(h Hours, t time.Time, zones []*time.Location) bool {
	for _, z := range zones {
		if !h.Open(t.In(z)) {
			return false
		}
	}
	return true
}

func TestWithin(t *testing.T) {
	tests := []struct {
		h    Hours
		want bool
	}{
		{hours(t, "08:00-20:00"), true},
		{hours(t, "mon-fri 09:00-12:00", "mon 13:00-20:00"), true},
		{hours(t, "08:00-21:00"), false},
		{hours(t, "sun 07:59-12:00"), false},
		{hours(t, "22:00-02:00"), false},
		{Always(), false},
		{nil, true},
	}
	for _, tt := range tests {
		if got := tt.h.Within(Daytime()); got != tt.want {
			t.Errorf("%v within %v: %v", tt.h, Daytime(), got)
		}
	}
}
