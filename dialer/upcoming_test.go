package dialer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// TestLeadsToCome holds what pacing is told of the leads that are dialed next: the words
// that it will learn by, in their order, without those that the rules put off and those
// that are dialed meanwhile.
func TestLeadsToCome(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rules := gate.Rules{Zone: time.UTC, MaxAttempts: 8, MaxAttemptsPerDay: 3, Hours: gate.Daytime()}
	var leads []lead.Lead
	for i := range 6 {
		leads = append(leads, lead.Lead{
			ID: fmt.Sprint(i), List: "north", Numbers: []string{fmt.Sprintf("+4479000000%02d", i)},
			Attempts: 2, Outcomes: map[string]int{"busy": 2},
		})
	}
	leads[1].List, leads[1].Attempts, leads[1].Outcomes = "south", 0, nil
	leads[3].TimeZone = "Asia/Tokyo" // where it is night
	leads[4].Attempts, leads[4].Outcomes = 8, map[string]int{"busy": 8}

	var u upcoming
	lists := func() (all []string) {
		for i, l := range u.leads {
			all = append(all, u.next[i].id+" "+l.List)
		}
		return all
	}
	u.saw(rules, leads, noon, nil)
	if got := lists(); !slices.Equal(got, []string{"0 north", "1 south", "2 north", "5 north"}) {
		t.Fatalf("to come: %v", got)
	}
	if want := known(rules, &leads[0], noon); u.leads[0] != want || want.Previous != "busy" || want.Attempt != "3" {
		t.Errorf("%+v, and pacing learns by %+v", u.leads[0], want)
	}
	before := slices.Clone(u.leads)
	given := u.leads
	u.claimed([]lead.Lead{leads[0], {ID: "a callback that came due"}, leads[2]})
	if got := lists(); !slices.Equal(got, []string{"1 south", "5 north"}) {
		t.Errorf("after two were claimed: %v", got)
	}
	if !slices.Equal(given, before) {
		t.Error("what a decision was given has changed under it")
	}
	for _, c := range []struct {
		taken    int
		arranged bool
		want     int
	}{{0, false, leastAhead}, {3, false, leastAhead}, {40, false, 80}, {5000, true, mostAhead}, {3, true, batchAhead}, {40, true, 80}} {
		u.taken = c.taken
		if got := u.wanted(c.arranged); got != c.want {
			t.Errorf("after %d were dialed %d are looked at, want %d", c.taken, got, c.want)
		}
	}
	if u.forget(); len(u.leads) > 0 || u.taken != 0 {
		t.Errorf("%+v", u)
	}
}

// TestLeadsToComeAreDecidedOn holds that a decision is told of the leads to come.
func TestLeadsToComeAreDecidedOn(t *testing.T) {
	c := bookkeeper(t, &shelf{}, pacing.Predictive)
	want := []pacing.Lead{{List: "north", Attempt: "3"}, {List: "south", Attempt: "1"}}
	c.ahead.leads = want
	var s pacing.Snapshot
	if c.tell(&s, pacing.Limits{Leads: 7}); !slices.Equal(s.Next, want) || s.Limits.Leads != 7 {
		t.Errorf("%+v", s)
	}
}
