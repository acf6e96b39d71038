package gate

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	policy := Policy{
		MaxAttempts: 8, Outcomes: DefaultRetries(),
		Dispositions: map[string]Retry{"call_again": {Delay: 24 * time.Hour, Max: 2}, "gone": {}},
	}
	one, two := []string{"+442079460100"}, []string{"+442079460100", "+442079460200"}
	before := func(o cdr.Outcome, n int) map[string]int { return map[string]int{string(o): n} }

	tests := []struct {
		name    string
		lead    lead.Lead
		outcome cdr.Outcome
		given   bool          // up by pacing
		chosen  string        // disposition
		delay   time.Duration // 0 is final
		dead    bool
	}{
		{name: "a person is final", outcome: cdr.Person},
		{name: "the agent wants it again", outcome: cdr.Person, chosen: "call_again", delay: 24 * time.Hour},
		{name: "the agent wants it again too often", outcome: cdr.Person, chosen: "call_again", lead: lead.Lead{Outcomes: before(cdr.Person, 2)}},
		{name: "an unknown disposition changes nothing", outcome: cdr.Person, chosen: "other"},
		{name: "a disposition ends what the outcome would try again", outcome: cdr.Machine, chosen: "gone"},
		{name: "busy", outcome: cdr.Busy, delay: 10 * time.Minute},
		{name: "busy for the last time", outcome: cdr.Busy, lead: lead.Lead{Outcomes: before(cdr.Busy, 5), Attempts: 5}},
		{name: "busy, after as many others", outcome: cdr.Busy, lead: lead.Lead{Outcomes: before(cdr.NoAnswer, 5), Attempts: 5}, delay: 10 * time.Minute},
		{name: "the last attempt of all", outcome: cdr.NoAnswer, lead: lead.Lead{Attempts: 7}},
		{name: "one before the last", outcome: cdr.NoAnswer, lead: lead.Lead{Attempts: 6}, delay: 3 * time.Hour},
		{name: "congestion is no attempt of the callee's", outcome: cdr.Congestion, lead: lead.Lead{Attempts: 9, Outcomes: before(cdr.Congestion, 9)}, delay: 5 * time.Minute},
		{name: "nor counts what came before", outcome: cdr.NoAnswer, lead: lead.Lead{Attempts: 9, Outcomes: before(cdr.TrunkFailure, 9)}, delay: 3 * time.Hour},
		{name: "abandoned: three days", outcome: cdr.Abandoned, delay: 72 * time.Hour},
		{name: "invalid, and no other number", outcome: cdr.InvalidNumber, dead: true},
		{name: "invalid, and another number", outcome: cdr.InvalidNumber, lead: lead.Lead{Numbers: two}, dead: true, delay: time.Minute},
		{name: "invalid, and the other is dead", outcome: cdr.InvalidNumber, lead: lead.Lead{Numbers: two, Dead: two[1:]}, dead: true},
		{name: "cancelled", outcome: cdr.Cancelled, delay: 15 * time.Minute},
		{name: "given up: as if nobody had answered", outcome: cdr.Cancelled, given: true, delay: 3 * time.Hour},
		{name: "given up as often as nobody may answer", outcome: cdr.Cancelled, given: true, lead: lead.Lead{Outcomes: map[string]int{string(cdr.Cancelled): 3, string(cdr.NoAnswer): 2}, Attempts: 5}},
		{name: "picked up as it was given up", outcome: cdr.Abandoned, given: true, delay: 72 * time.Hour},
		{name: "skipped is final", outcome: cdr.Skipped},
		{name: "interrupted", outcome: cdr.Interrupted, delay: 15 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := tt.lead
			if l.Numbers == nil {
				l.Numbers = one
			}
			rec := &cdr.Record{Outcome: tt.outcome, GivenUp: tt.given, Disposition: tt.chosen, Number: l.Numbers[0], Ordinal: l.Attempts + 1}
			p := Next(policy, &l, rec, now)
			want := Plan{Final: tt.delay == 0, Dead: tt.dead, Reason: p.Reason}
			if !want.Final {
				want.Due = now.Add(tt.delay)
			}
			if p != want || p.Reason == "" {
				t.Errorf("%+v, want %+v", p, want)
			}
		})
	}
}

func TestEveryOutcomeHasARetryRule(t *testing.T) {
	retries := DefaultRetries()
	for _, o := range cdr.All() {
		if _, ok := retries[o]; !ok {
			t.Errorf("no rule for %s", o)
		}
	}
	if len(retries) != len(cdr.All()) {
		t.Errorf("%d rules for %d outcomes", len(retries), len(cdr.All()))
	}
}

// A lead with several numbers passes dead ones over and ends when all are.
func TestDeadNumbersArePassedOver(t *testing.T) {
	l := lead.Lead{Numbers: []string{"a", "b", "c"}}
	var dialed []string
	for range 4 {
		dialed = append(dialed, l.Number())
		plan := Next(Policy{Outcomes: DefaultRetries()}, &l, &cdr.Record{Outcome: cdr.InvalidNumber, Number: l.Number(), Ordinal: l.Attempts + 1}, time.Time{})
		l.Attempts++
		l.Dead = append(l.Dead, dialed[len(dialed)-1])
		if plan.Final {
			break
		}
	}
	if len(dialed) != 3 || l.Number() != "" {
		t.Errorf("dialed %v, then %q", dialed, l.Number())
	}
}
