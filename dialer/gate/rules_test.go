package gate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

func TestJudge(t *testing.T) {
	// Monday noon in London, 20:00 in Shanghai, 07:00 in New York.
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return now.Add(time.Duration(hours * float64(time.Hour))) }
	base := Rules{Hours: hours(t, "08:00-20:00"), MaxAttempts: 5, MaxAttemptsPerDay: 3}
	london := lead.Lead{ID: "1", Numbers: []string{"+442079460100"}}
	with := func(change func(*lead.Lead)) lead.Lead {
		l := london
		change(&l)
		return l
	}
	number := func(n string) lead.Lead { return lead.Lead{ID: "2", Numbers: []string{n}} }

	tests := []struct {
		name  string
		rules func(*Rules)
		lead  lead.Lead
		want  Action
		rule  Rule
		until time.Time
		words string // in the reason
	}{
		{name: "nothing forbids it", lead: london, want: Allow},
		{name: "closed since this minute", lead: number("+8613800138000"), want: Wait, rule: RuleHours, until: at(12), words: "20:00 in Asia/Shanghai"},
		{name: "not open yet", lead: number("+12025550100"), want: Wait, rule: RuleHours, until: at(1), words: "07:00 in America/New_York"},
		{name: "the lead's zone is believed more than the number's", lead: with(func(l *lead.Lead) { l.TimeZone = "Asia/Tokyo" }), want: Wait, rule: RuleHours, until: at(11)},
		{name: "a zone that does not exist is as none", lead: with(func(l *lead.Lead) { l.TimeZone = "Mars/Olympus" }), want: Allow},
		{name: "every candidate zone must be open", lead: number("+19075550100"), want: Wait, rule: RuleHours, until: at(6)}, // Anchorage 17:00Z, Adak 18:00Z
		{name: "no common hour", lead: number("+18005550100"), rules: func(r *Rules) { r.Hours = hours(t, "10:00-12:00") }, want: Skip, rule: RuleNeverOpen},
		{name: "the zone is not known", lead: number("+870773111632"), want: Skip, rule: RuleTimeZone},
		{name: "the campaign's zone steps in", lead: number("+870773111632"), rules: func(r *Rules) { r.Zone = time.UTC }, want: Allow},
		{name: "no number", lead: lead.Lead{ID: "3"}, want: Skip, rule: RuleNumber},
		{name: "dead number", lead: with(func(l *lead.Lead) { l.Dead = l.Numbers }), want: Skip, rule: RuleNumber},
		{name: "deadline past", lead: with(func(l *lead.Lead) { l.Deadline = now }), want: Skip, rule: RuleDeadline},
		{name: "deadline ahead", lead: with(func(l *lead.Lead) { l.Deadline = at(1) }), want: Allow},
		{name: "deadline before it opens", lead: lead.Lead{Numbers: []string{"+12025550100"}, Deadline: at(0.5)}, want: Skip, rule: RuleDeadline},
		{name: "tried often enough", lead: with(func(l *lead.Lead) { l.Attempts = 5 }), want: Skip, rule: RuleAttempts, words: "5"},
		{
			name: "our own failures are not the callee's", want: Allow,
			lead: with(func(l *lead.Lead) {
				l.Attempts = 9
				l.Outcomes = map[string]int{string(cdr.TrunkFailure): 3, string(cdr.Congestion): 2}
			}),
		},
		{name: "no limit", lead: with(func(l *lead.Lead) { l.Attempts = 500 }), rules: func(r *Rules) { r.MaxAttempts = 0 }, want: Allow},
		{name: "due later", lead: with(func(l *lead.Lead) { l.Due = at(2) }), want: Wait, rule: RuleDue, until: at(2)},
		{name: "due at night waits for the morning", lead: with(func(l *lead.Lead) { l.Due = at(10) }), want: Wait, rule: RuleDue, until: at(20)},
		{
			name: "enough for today, so tomorrow when it opens", want: Wait, rule: RulePerDay, until: at(20),
			lead: with(func(l *lead.Lead) { l.Attempts, l.Today, l.LastTry = 3, 3, at(-1) }),
		},
		{name: "enough yesterday", lead: with(func(l *lead.Lead) { l.Attempts, l.Today, l.LastTry = 3, 3, at(-13) }), want: Allow},
		{
			name: "enough for today, and the deadline is today", want: Skip, rule: RuleDeadline,
			lead: with(func(l *lead.Lead) { l.Today, l.LastTry, l.Deadline = 3, at(-1), at(6) }),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := base
			if tt.rules != nil {
				tt.rules(&r)
			}
			v := Judge(r, &tt.lead, now)
			if v.Action != tt.want || v.Rule != tt.rule || !v.Until.Equal(tt.until) || !strings.Contains(v.Reason, tt.words) {
				t.Errorf("%v %v until %v: %q; want %v %v until %v", v.Action, v.Rule, v.Until, v.Reason, tt.want, tt.rule, tt.until)
			}
			if (v.Reason == "") != (v.Action == Allow) {
				t.Errorf("%v with the reason %q", v.Action, v.Reason)
			}
		})
	}
}

// Whatever the lead, an Allow is inside the hours in every zone, and a Wait ends
// at a time at which the same lead is allowed.
func TestJudgeNeverAllowsOutsideHours(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	numbers := []string{"+442079460100", "+8613800138000", "+12025550100", "+18005550100", "+19075550100", "+61212345678", "+5511912345678"}
	allowed, waited := 0, 0
	for range 400 {
		r := Rules{
			Hours:             Hours{{Days: Days(1 + rng.IntN(127)), From: rng.IntN(24 * 60), To: 1 + rng.IntN(24*60)}},
			MaxAttemptsPerDay: rng.IntN(4),
		}
		if r.Hours[0].From == r.Hours[0].To {
			continue
		}
		now := time.Unix(1767225600+rng.Int64N(365*86400), 0)
		l := lead.Lead{
			Numbers: []string{numbers[rng.IntN(len(numbers))]},
			LastTry: now.Add(-time.Duration(rng.Int64N(int64(48 * time.Hour)))), Today: rng.IntN(5), Attempts: 5,
		}
		switch v := Judge(r, &l, now); v.Action {
		case Allow:
			allowed++
			if !allOpen(r.Hours, now, l.Zones(l.Number())) {
				t.Fatalf("%+v at %v was allowed", l, now.UTC())
			}
		case Wait:
			waited++
			if again := Judge(r, &l, v.Until); !v.Until.After(now) || again.Action != Allow {
				t.Fatalf("%+v at %v waits until %v, and then: %+v", l, now.UTC(), v.Until.UTC(), again)
			}
		}
	}
	if allowed < 20 || waited < 20 {
		t.Errorf("only %d were allowed and %d waited: the test shows little", allowed, waited)
	}
}

func TestTodayFollowsTheCalleesMidnight(t *testing.T) {
	r := Rules{Hours: Always()}
	l := lead.Lead{Numbers: []string{"+8613800138000"}, Today: 2, LastTry: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)} // 23:00 there
	if got := Today(r, &l, l.LastTry.Add(59*time.Minute)); got != 2 {
		t.Errorf("%d before midnight, want 2", got)
	}
	if got := Today(r, &l, l.LastTry.Add(time.Hour)); got != 0 {
		t.Errorf("%d after midnight, want 0", got)
	}
	if got := Today(r, &lead.Lead{Numbers: l.Numbers}, l.LastTry); got != 0 {
		t.Errorf("%d for a lead that was never tried", got)
	}
}

// In Cairo the clocks go forward at midnight: that day begins at 01:00.
func TestEndOfDayWithoutMidnight(t *testing.T) {
	cairo := zone(t, "Africa/Cairo")
	got := endOfDay(time.Date(2026, 4, 23, 18, 0, 0, 0, cairo), []*time.Location{cairo})
	if want := time.Date(2026, 4, 24, 1, 0, 0, 0, cairo); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func BenchmarkJudge(b *testing.B) {
	r := Rules{Hours: Daytime(), MaxAttempts: 5, MaxAttemptsPerDay: 3}
	for name, number := range map[string]string{"one zone": "+442079460100", "forty zones": "+18005550100"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l := lead.Lead{Numbers: []string{number}}
			for b.Loop() {
				Judge(r, &l, time.Unix(1767225600, 0))
			}
		})
	}
}

// TestCallbackIsNeverTooMuch holds that the caps on attempts do not hold against a person
// who asked to be called, and that all else does.
func TestCallbackIsNeverTooMuch(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	r := Rules{Hours: Daytime(), Zone: time.UTC, MaxAttempts: 3, MaxAttemptsPerDay: 1}
	l := lead.Lead{Numbers: []string{"+491511234567"}, TimeZone: "UTC", Attempts: 3, Today: 1, LastTry: now.Add(-time.Hour)}
	if v := Judge(r, &l, now); v.Rule != RuleAttempts {
		t.Errorf("without a callback: %+v", v)
	}
	l.Callback = lead.Callback{Asked: now.Add(-time.Minute), Number: "+491511234567"}
	if v := Judge(r, &l, now); v.Action != Allow {
		t.Errorf("with a callback: %+v", v)
	}
	if v := Judge(r, &l, now.Add(11*time.Hour)); v.Rule != RuleHours {
		t.Errorf("at night: %+v", v)
	}
}
