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
		hours, clock, now, english, chinese string
	}{
		{"08:00-17:30", "12h", night, "today from 8 am to 5 30 pm", "today morning 8 oclock to afternoon 5 oclock 30 minutes serve"},
		{"08:00-17:30", "24h", night, "today from 8 hundred to 17 30", "today 8 oclock to 17 oclock 30 minutes serve"},
		{"mon-fri 09:05-12:00", "12h", night, "on-monday from 9 oh 5 am to noon", "on-monday morning 9 oclock 0 5 minutes to noon 12 oclock serve"},
		{"mon-fri 09:05-12:00", "24h", night, "on-monday from 9 oh 5 to 12 hundred", "on-monday 9 oclock 0 5 minutes to 12 oclock serve"},
		{"sun 00:00-24:00", "12h", night, "tomorrow from midnight to midnight", "tomorrow midnight to midnight serve"},
		{"sun 22:45-01:21", "24h", night, "tomorrow from 20 2 40 5 to 1 20 1", "tomorrow 20 2 oclock 40 5 minutes to 1 oclock 20 1 minutes serve"},
		{"sat 12:30-24:00", "12h", night, "today from 12 30 pm to midnight", "today noon 12 oclock 30 minutes to midnight serve"},
		{"sat 00:45-06:00", "12h", night, "today from 12 40 5 am to 6 am", "today night 12 oclock 40 5 minutes to morning 6 oclock serve"},
		{"sat 00:45-06:00", "24h", night, "today from 0 40 5 to 6 hundred", "today 0 oclock 40 5 minutes to 6 oclock serve"},
		{"sun-wed 00:00-24:00", "12h", night, "tomorrow from midnight", "tomorrow midnight onwards serve"}, // for days
		{"mon 14:02-22:10", "12h", night, "on-monday from 2 oh 2 pm to 10 10 pm", "on-monday afternoon two oclock 0 2 minutes to evening 10 oclock 10 minutes serve"},
		{"mon 02:00-20:02", "24h", night, "on-monday from 2 hundred to 20 oh 2", "on-monday two oclock to 20 oclock 0 2 minutes serve"},
		{"fri 10:00-11:00", "12h", "2026-03-27T12:00:00Z", "on-friday from 10 am to 11 am", "on-friday morning 10 oclock to morning 11 oclock serve"},
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
			for l, want := range map[media.Language]string{media.English: c.english, media.Chinese: c.chinese} {
				words := spokenHours(l, opens, hours.OpenFor(opens), now, c.clock)
				if got := strings.Join(words, " "); got != "closed-now open-again "+want {
					t.Errorf("%s: %q, want %q", l, got, want)
				}
				if said := media.Words(l, words...).Duration(); said < 5*time.Second || said > 13*time.Second {
					t.Errorf("%s: it takes %v", l, said)
				}
			}
		})
	}
}

// TestEveryTimeIsSpoken holds that there is a piece for each word of each time, in each
// language.
func TestEveryTimeIsSpoken(t *testing.T) {
	day := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
	for l, spoken := range map[media.Language]func(time.Time, string) []string{media.English: englishTime, media.Chinese: chineseTime} {
		seen, pieces := map[string]bool{}, map[string]time.Duration{}
		for m := range 24 * 60 {
			for _, clock := range []string{config.Clock12, config.Clock24} {
				at := day.Add(time.Duration(m) * time.Minute)
				words := spoken(at, clock)
				text := strings.Join(words, " ")
				if clock == config.Clock12 {
					if seen[text] {
						t.Errorf("%s: %q is two times", l, text)
					}
					seen[text] = true
				}
				for _, word := range words {
					if _, known := pieces[word]; !known {
						pieces[word] = media.Words(l, word).Duration()
					}
					if pieces[word] < 100*time.Millisecond {
						t.Errorf("%s: %q of %q takes %v", l, word, text, pieces[word])
					}
				}
			}
		}
		for _, day := range []string{"today", "tomorrow", "on-monday", "on-tuesday", "on-wednesday", "on-thursday", "on-friday", "on-saturday", "on-sunday"} {
			if media.Words(l, day).Duration() < 100*time.Millisecond {
				t.Errorf("%s: %s is not spoken", l, day)
			}
		}
	}
}

// TestDefaultsInTheLanguageOfTheCampaign holds that all that is spoken by default is.
func TestDefaultsInTheLanguageOfTheCampaign(t *testing.T) {
	disclosure := newDisclosure(&config.Recording{})
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)
	for _, l := range []media.Language{media.English, media.Chinese} {
		cfg := config.DefaultCampaign()
		cfg.Language, cfg.Consent = string(l), config.PromptDefault
		w, err := newWelcome(&cfg, terms{})
		if err != nil {
			t.Fatal(err)
		}
		message, err := loadMessage(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		consent, err := loadConsent(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2]*media.Prompt{
			"closed": {w.closed, media.Closed(l)}, "busy": {w.busy, media.AllBusy(l)}, "offer": {w.offer, media.CallbackOffer(l)},
			"kept": {w.kept, media.CallbackKept(l)}, "message": {message, media.SafeHarbour(l)}, "consent": {consent.prompt(disclosure), media.Recorded(l, 0)},
			"hours": {w.closedUntil(now, now), media.Words(l, spokenHours(l, now.In(w.zone), w.cfg.Inbound.Hours.OpenFor(now.In(w.zone)), now, config.Clock12)...)},
		} {
			if got, want := pair[0].Duration(), pair[1].Duration(); got != want {
				t.Errorf("%s: %s lasts %v, want %v", l, name, got, want)
			}
		}
	}
}
