package dialer

import (
	"strings"
	"testing"
	"time"

	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/media"
)

// TestSpokenHours holds which words tell callers when a campaign opens next, by the
// clock of its zone.
func TestSpokenHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const night = "2026-03-27T23:30:00Z" // Saturday 00:30 in Berlin, the day before the clocks change
	cases := []struct {
		hours, clock, now, want string
	}{
		{"08:00-17:30", "12h", night, "today from 8 am to 5 30 pm"},
		{"08:00-17:30", "24h", night, "today from 8 hundred to 17 30"},
		{"mon-fri 09:05-12:00", "12h", night, "on-monday from 9 oh 5 am to noon"},
		{"mon-fri 09:05-12:00", "24h", night, "on-monday from 9 oh 5 to 12 hundred"},
		{"sun 00:00-24:00", "12h", night, "tomorrow from midnight to midnight"},
		{"sun 22:45-01:21", "24h", night, "tomorrow from 20 2 40 5 to 1 20 1"},
		{"sat 12:30-24:00", "12h", night, "today from 12 30 pm to midnight"},
		{"sat 00:45-06:00", "12h", night, "today from 12 40 5 am to 6 am"},
		{"sat 00:45-06:00", "24h", night, "today from 0 40 5 to 6 hundred"},
		{"sun-wed 00:00-24:00", "12h", night, "tomorrow from midnight"}, // for days
		{"fri 10:00-11:00", "12h", "2026-03-27T12:00:00Z", "on-friday from 10 am to 11 am"},
	}
	for _, c := range cases {
		t.Run(c.hours+" "+c.clock, func(t *testing.T) {
			window, err := gate.ParseWindow(c.hours)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			hours := gate.Hours{window}
			next, ok := hours.NextOpen(now, []*time.Location{berlin})
			if !ok {
				t.Fatal("it never opens")
			}
			opens := next.In(berlin)
			words := spokenHours(opens, hours.OpenFor(opens), now, c.clock)
			if got := strings.Join(words, " "); got != "closed-now open-again "+c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if said := media.Words(words...).Duration(); said < 5*time.Second || said > 12*time.Second {
				t.Errorf("it takes %v", said)
			}
		})
	}
}

// TestEveryTimeIsSpoken holds that there is a piece for each word of each time.
func TestEveryTimeIsSpoken(t *testing.T) {
	day := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
	seen, pieces := map[string]bool{}, map[string]time.Duration{}
	for m := range 24 * 60 {
		for _, clock := range []string{config.Clock12, config.Clock24} {
			at := day.Add(time.Duration(m) * time.Minute)
			text := strings.Join(spokenTime(at, clock), " ")
			if clock == config.Clock12 {
				if seen[text] {
					t.Errorf("%q is two times", text)
				}
				seen[text] = true
			}
			for _, word := range spokenTime(at, clock) {
				if _, known := pieces[word]; !known {
					pieces[word] = media.Words(word).Duration()
				}
				if pieces[word] < 100*time.Millisecond {
					t.Errorf("%q of %q takes %v", word, text, pieces[word])
				}
			}
		}
	}
}
