package pacing

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// TestModelOutlivesItsPacer holds that a pacer which resumes what another had learned, be
// it through JSON, decides as that one would, and that neither learns for the other.
func TestModelOutlivesItsPacer(t *testing.T) {
	c := Config{Mode: Predictive, Patience: 2 * time.Second}
	first, now := newPredictive(c), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	lead := Lead{List: "a", Hour: "weekday 12", Attempt: "1", Number: "mobile"}
	for i := range 200 {
		call := Call{Since: now, Rings: now.Add(2 * time.Second), State: Ringing, Lead: lead, Theta: 0.02}
		kind := CallEnded
		if i%3 == 0 {
			kind = CallAnswered
		}
		now = now.Add(9 * time.Second)
		first.Observe(Event{At: now, Kind: kind, Call: call})
		first.Observe(Event{At: now, Kind: AgentDone, Busy: now.Add(-time.Duration(i) * time.Second)})
	}
	text, err := json.Marshal(first.Model())
	if err != nil {
		t.Fatal(err)
	}
	var kept Model
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(kept, first.Model()) {
		t.Fatal("a model is not the same after it was kept")
	}
	agents := make([]Agent, 8)
	for i := range agents {
		agents[i] = Agent{State: Engaged, Busy: now.Add(-40 * time.Second)}
	}
	agents[0] = Agent{State: Free, Since: now}
	s := Snapshot{
		Now: now, Agents: agents, Limits: Limits{Leads: Unlimited, Channels: Unlimited, Rate: Unlimited},
		Windows: []Window{{Name: "day", Ceiling: 0.03, Answered: 2000, Abandoned: 20, Ends: now.Add(6 * time.Hour)}},
	}
	second, cold := newPredictive(c), newPredictive(c)
	second.Decide(Snapshot{Now: now, Limits: s.Limits}) // has made a forecast of its own
	second.Resume(kept)
	a, b, z := first.Decide(s), second.Decide(s), cold.Decide(s)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("one decides %+v (%+v), the other %+v (%+v)", a, a.Predictive, b, b.Predictive)
	}
	if reflect.DeepEqual(a, z) || z.Predictive.Learned != 0 || a.Predictive.Learned < 100 {
		t.Errorf("learned %v and nothing make the same decision: %+v", a.Predictive.Learned, a)
	}
	second.Observe(Event{At: now, Kind: CallAnswered, Call: Call{Since: now, Lead: lead}})
	if !reflect.DeepEqual(kept, first.Model()) {
		t.Error("one pacer learns for another")
	}
}
