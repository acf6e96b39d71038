package dialer

import (
	"testing"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// TestWhatPacingKnowsOfALead holds the words by which pacing tells leads apart.
func TestWhatPacingKnowsOfALead(t *testing.T) {
	sunday := time.Date(2026, 11, 22, 17, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		lead lead.Lead
		rule gate.Rules
		at   time.Time
		want pacing.Lead
	}{
		"the first attempt": {
			lead.Lead{List: "a", Numbers: []string{"+447400123456"}},
			gate.Rules{},
			sunday,
			pacing.Lead{List: "a", Hour: "weekend 17", Attempt: "1", Number: "mobile"},
		},
		"a later one, at their own time": {
			lead.Lead{List: "b", Numbers: []string{"+442079460000"}, TimeZone: "Asia/Tokyo", Attempts: 2, Outcomes: map[string]int{"busy": 1, "no_answer": 1}},
			gate.Rules{},
			sunday,
			pacing.Lead{List: "b", Hour: "weekday 02", Attempt: "3", Previous: "busy", Number: "fixed"},
		},
		"the tenth": {
			lead.Lead{Numbers: []string{"+442079460000"}, Attempts: 9, Outcomes: map[string]int{"busy": 8, "no_answer": 1}},
			gate.Rules{},
			sunday.Add(8 * time.Hour),
			pacing.Lead{Hour: "weekday 01", Attempt: "4+", Previous: "busy", Number: "fixed"},
		},
	} {
		if got := known(c.rule, &c.lead, c.at); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestLoosened holds what an explanation says would be if the limit that binds did not.
func TestLoosened(t *testing.T) {
	limits := pacing.Limits{Leads: 50, Channels: 2, Rate: pacing.Unlimited}
	agents := make([]pacing.Agent, 5)
	for name, c := range map[string]struct {
		limits pacing.Limits
		most   int
		want   string
	}{
		"channels":    {limits, 0, "With more channels, 5 would be dialed, and then the agents would bind."},
		"the maximum": {limits, 1, "With a greater max_in_flight, 2 would be dialed, and then the channels would bind."},
		"agents":      {pacing.Limits{Leads: 7, Channels: 20, Rate: 20}, 0, "With more free agents, 7 would be dialed, and then the list would bind."},
		"stopped":     {pacing.Limits{Leads: 7, Channels: 3, Rate: 20, Stop: "the disk is full"}, 0, "If nothing stopped it, 3 would be dialed, and then the channels would bind."},
	} {
		p, err := pacing.New(pacing.Config{Mode: pacing.Progressive, MaxInFlight: c.most})
		if err != nil {
			t.Fatal(err)
		}
		if got := loosened(p.Decide(pacing.Snapshot{Now: time.Now(), Agents: agents, Limits: c.limits})); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
