package dialer

import (
	"fmt"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
	"ringpace/pacing/workload"
)

// TestForecastKnowsTheRules holds what a forecast takes from leads, counters and rules.
func TestForecastKnowsTheRules(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // in New York 07:00
	window, err := gate.ParseWindow("mon-fri 08:00-20:00")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Campaign{
		Mode: pacing.Predictive, Hours: gate.Hours{window}, MaxAttempts: 3, TimeZone: "Europe/London",
		Retry: map[cdr.Outcome]gate.Retry{cdr.Busy: {Delay: 10 * time.Minute, Max: 1}, cdr.NoAnswer: {Delay: 3 * time.Hour, Max: 5}},
	}
	p := &planner{cfg: cfg, rules: cfg.Rules(), policy: cfg.Policy(), model: &pacing.Model{}, hours: map[string]func(time.Time) bool{}}
	w := &workload.Work{Start: noon}
	total, err := p.pick(func(yield func(store.LeadStatus, error) bool) {
		for i := range 3000 {
			l := lead.Lead{ID: fmt.Sprint(i), Numbers: []string{"+442079460000"}}
			state := store.Ready
			switch {
			case i%3 == 1:
				l.Numbers = []string{"+12125550100"}
			case i%30 == 0:
				state = store.Done
			case i%30 == 3:
				l.Attempts = 3 // as often as is allowed
			}
			if !yield(store.LeadStatus{Lead: l, State: state}, nil) {
				return
			}
		}
	}, w)
	if err != nil || total != 2800 || p.barred != 100 || len(w.Leads) != forecastLeads || w.Each != 2.8 {
		t.Fatalf("%d leads, %d barred, %d picked, %v each, %v", total, p.barred, len(w.Leads), w.Each, err)
	}
	american := 0
	for i := range w.Leads {
		l := &w.Leads[i]
		if open, late := l.Hours(noon), l.Hours(noon.Add(9*time.Hour)); open == late {
			t.Errorf("lead %d may be called at noon: %v, at nine: %v", i, open, late)
		} else if late {
			american++
		}
	}
	if american < 250 || american > 450 {
		t.Errorf("%d of %d are American, want a third", american, len(w.Leads))
	}

	for _, c := range []struct {
		outcome  cdr.Outcome
		attempts int
		before   int
		after    time.Duration
		again    bool
	}{
		{cdr.Busy, 0, 0, 10 * time.Minute, true},
		{cdr.Busy, 1, 1, 0, false},
		{cdr.NoAnswer, 1, 1, 3 * time.Hour, true},
		{cdr.NoAnswer, 2, 2, 0, false},
		{cdr.Person, 0, 0, 0, false},
	} {
		l := &workload.Lead{Attempts: c.attempts, Outcomes: map[string]int{string(c.outcome): c.before}}
		after, again := p.retry(l, &workload.Ending{Name: string(c.outcome)})
		if again != c.again || again && after != c.after {
			t.Errorf("%s after %d attempts: %v %v", c.outcome, c.attempts, after, again)
		}
	}

	if calls := p.learned(w, map[string]int64{"person": 38, "abandoned": 2, "busy": 60, "no_answer": 100, "skipped": 7, "bridged": 38, "talk_ms": 3_800_000}); calls != 200 {
		t.Errorf("%d calls", calls)
	}
	if w.Answers.Hits != 42 || w.Answers.Of != 210 || w.Handling != (workload.Mean{Mean: 100, Cases: 38}) || !w.Pace.Predictive {
		t.Errorf("%+v %+v %+v", w.Answers, w.Handling, w.Pace)
	}
	sum := 0.0
	for _, e := range w.Others {
		sum += e.Share
		if e.Name == string(cdr.NoAnswer) && (e.Share < 0.6 || e.Share > 0.65) {
			t.Errorf("%+v", e)
		}
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("endings come to %v", sum)
	}
}
