package dialer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
)

// TestWhyALeadIsNotDialed holds that whatever stands against dialing a lead is told, with
// the time until when it does.
func TestWhyALeadIsNotDialed(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday
	const stopped = "the campaign is stopped"
	for _, c := range []struct {
		name string
		with func(*standing)
		want string    // in the summary
		fact string    // NAME VALUE
		next time.Time // zero: not told
		can  bool
	}{
		{"nothing", func(s *standing) {}, "it is dialed when its turn comes, after 41 others.", "turn 41", time.Time{}, true},
		{"put in order", func(s *standing) { s.batched = true }, "it is dialed when its turn comes, after about 41 others.", "turn 41", time.Time{}, true},
		{"pacing", func(s *standing) { s.limit, s.pace = "agents", "The agents bind: none is free." }, "No call is placed now, though: The agents bind: none is free.", "pacing agents", time.Time{}, true},
		{"due, and no claim has found it", func(s *standing) { s.State, s.inTurn, s.Lead.Due = store.Waiting, false, now.Add(-time.Hour) }, "it is dialed when its turn comes.", "state waiting", time.Time{}, true},
		{"waits", func(s *standing) {
			s.State, s.inTurn, s.Lead.Due, s.Reason = store.Waiting, false, now.Add(time.Hour), "busy"
		}, "not dialed now: it waits until 2026-11-23T13:00:00Z: busy.", "rule due", now.Add(time.Hour), false},
		{"hours", func(s *standing) { s.Lead.TimeZone = "Asia/Tokyo" }, "not dialed now: ", "rule hours", now.Add(11 * time.Hour), false},
		{"waits, and into the night", func(s *standing) { s.State, s.Lead.Due = store.Waiting, now.Add(9*time.Hour) }, "it waits until 2026-11-23T21:00:00Z", "rule due", now.Add(20 * time.Hour), false},
		{"attempts", func(s *standing) { s.Lead.Attempts, s.Lead.Outcomes = 8, map[string]int{"busy": 8} }, "8", "rule max_attempts", time.Time{}, false},
		{"attempts of the day", func(s *standing) { s.Lead.Attempts, s.Lead.Today, s.Lead.LastTry = 3, 3, now.Add(-time.Hour) }, "not dialed now: ", "rule max_attempts_per_day", now.Add(20 * time.Hour), false},
		{"deadline", func(s *standing) { s.Lead.Deadline = now.Add(-time.Minute) }, "not dialed now: ", "rule deadline", time.Time{}, false},
		{"do not call", func(s *standing) { s.forbidden = "+4479*" }, "its number is on the do-not-call list (+4479*).", "do_not_call +4479*", time.Time{}, false},
		{"no trunk", func(s *standing) { s.unserved = "no trunk takes it" }, "no trunk takes it", "", time.Time{}, false},
		{"claimed", func(s *standing) { s.State, s.inTurn = store.Claimed, false }, "it is about to be dialed", "state claimed", time.Time{}, false},
		{"being dialed", func(s *standing) { s.State = store.Dialing }, "it is being dialed", "state dialing", time.Time{}, false},
		{"done", func(s *standing) { s.State = store.Done }, "it is done", "state done", time.Time{}, false},
		{"withdrawn", func(s *standing) { s.State = store.Withdrawn }, "it was withdrawn", "state withdrawn", time.Time{}, false},
		{"campaign", func(s *standing) { s.stop = stopped }, stopped, "", time.Time{}, false},
		{"all at once", func(s *standing) { s.forbidden, s.stop, s.Lead.TimeZone = "+4479", stopped, "Asia/Tokyo" }, "(+4479); ", "rule hours", now.Add(11 * time.Hour), false},
		{"asked for", func(s *standing) {
			s.Lead.Callback = lead.Callback{Asked: now.Add(-time.Hour), Number: "+447900000000"}
		}, "It has a callback asked for by the caller at 2026-11-23T11:00:00Z, from +447900000000.", "callback 2026-11-23T11:00:00Z", time.Time{}, true},
	} {
		s := standing{
			LeadStatus: store.LeadStatus{State: store.Ready, Lead: lead.Lead{ID: "7", Numbers: []string{"+447900000000"}}},
			before:     41, inTurn: true,
			rules: gate.Rules{Zone: time.UTC, MaxAttempts: 8, MaxAttemptsPerDay: 3, Hours: gate.Daytime()},
		}
		c.with(&s)
		x := s.explain(now)
		var facts []string
		for _, f := range x.Facts {
			facts = append(facts, f.Name+" "+f.Value)
		}
		if !strings.Contains(x.Summary, c.want) || c.fact != "" && !slices.Contains(facts, c.fact) || x.Dialable != c.can || !x.NextTry.Equal(c.next) {
			t.Errorf("%s: dialable %v, next %v, %q, %q", c.name, x.Dialable, x.NextTry, x.Summary, facts)
		}
	}
}
