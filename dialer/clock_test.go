package dialer

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/clocktest"
	"ringpace/pacing"
)

// TestReportsAreByOneClock holds that what a node tells the one that decides shows true ages
// where its clock was set meanwhile: a telephone that has just begun to ring is not given up
// as one that has rung for an hour.
func TestReportsAreByOneClock(t *testing.T) {
	now := time.Now()
	before := clocktest.SetForward(t, now.Add(-5*time.Second), time.Hour)
	r := report{
		Now:    now,
		Agents: []pacing.Agent{{State: pacing.Engaged, Since: before, Busy: before}, {State: pacing.Free, Since: now}},
		Calls:  []pacing.Call{{State: pacing.Ringing, Since: before, Rings: before}, {State: pacing.Dialing, Since: now}},
	}
	byOneClock(r.Now, r.Agents, r.Calls)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]time.Time{
		"the agent's state": got.Agents[0].Since, "the agent's call": got.Agents[0].Busy, "the call": got.Calls[0].Since, "its ringing": got.Calls[0].Rings,
	} {
		if age := got.Now.Sub(at); age != 5*time.Second {
			t.Errorf("%s is %v old", name, age)
		}
	}
	if !got.Calls[1].Rings.IsZero() || !got.Agents[1].Busy.IsZero() {
		t.Errorf("what has not happened has a time: %+v", got)
	}
}

// TestWrongClockStopsDialing holds that a node's clock which disagrees with that of Redis
// is a reason to dial nobody, in words, and that small differences are none.
func TestWrongClockStopsDialing(t *testing.T) {
	for skew, want := range map[time.Duration]string{
		0: "", 59 * time.Second: "", -59 * time.Second: "",
		time.Hour:         "this node's clock is 1h0m0s ahead of that of Redis",
		-61 * time.Second: "this node's clock is 1m1s behind that of Redis",
	} {
		if got := clocksDiffer(skew); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%v: %q, want %q", skew, got, want)
		}
	}
}
