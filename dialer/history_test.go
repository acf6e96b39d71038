package dialer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringpace/dialer/cdr"
	"ringpace/pacing"
	"ringpace/pacing/sim"
)

// TestSimulatedRecordsReplay holds that what is written of a simulated call is what a replay
// reads of it.
func TestSimulatedRecordsReplay(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	who := pacing.Lead{List: "july", Hour: "weekday 12", Attempt: "4+"}
	for name, want := range map[string]sim.RecordedCall{
		"reached": {
			Sent: noon, Rang: at(2), Answered: at(9), Agent: "anna", Claimed: at(9), Joined: at(10), Parted: at(70), Ready: at(80), Ended: at(70), Lead: who,
		},
		"abandoned":  {Sent: noon, Rang: at(2), Answered: at(9), Ended: at(11), Queued: true, Lead: who},
		"given up":   {Sent: noon, Rang: at(2), Ended: at(17), Cut: true, Lead: who},
		"unanswered": {Sent: noon, Rang: at(2), Ended: at(27), Lead: who},
		"never rang": {Sent: noon, Ended: at(3), Lead: who},
	} {
		r := RecordOf(&want, "x", "1")
		got, ok := Replayable(&r, "x")
		if d := cmp.Diff(want, got); d != "" || !ok || !r.Outcome.Valid() {
			t.Errorf("%s (-simulated +read): %s", name, d)
		}
		got, ok = Replayable(&r, "y")
		if ok != (want.Agent != "") || ok && !got.Elsewhere {
			t.Errorf("%s, of another campaign: %v %+v", name, ok, got)
		}
	}
	if _, ok := Replayable(&cdr.Record{Campaign: "x", Outcome: cdr.Skipped}, "x"); ok {
		t.Error("a lead that was not dialed is taken for a call")
	}
}
