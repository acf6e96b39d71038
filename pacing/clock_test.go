package pacing

import (
	"reflect"
	"testing"
	"time"
)

// TestNothingIsLearnedOfAStepOfTheClock holds that the time that a clock jumps over, or
// goes back by, is none in which calls rang and agents talked, and that the campaign goes
// on as before.
func TestNothingIsLearnedOfAStepOfTheClock(t *testing.T) {
	for name, step := range map[string]time.Duration{"forth": time.Hour, "back": -time.Hour, "a process that was held": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			p := newPredictive(Config{Mode: Predictive, Patience: 2 * time.Second})
			now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			look := func() Decision {
				return p.Decide(Snapshot{
					Now:     now,
					Agents:  []Agent{{State: Engaged, Since: now.Add(-30 * time.Second), Busy: now.Add(-30 * time.Second)}, {State: Free, Since: now}},
					Calls:   []Call{{State: Ringing, Since: now.Add(-8 * time.Second), Rings: now.Add(-5 * time.Second)}},
					Limits:  Limits{Leads: 10, Channels: 10, Rate: 10},
					Windows: []Window{{Name: "day", Ceiling: 0.03, Answered: 1000, Abandoned: 10, Ends: now.Add(8 * time.Hour)}},
				})
			}
			look()
			now = now.Add(time.Second)
			before := look()
			known := p.Model()
			if known.Calls.Ringing.Exposure == (stage{}).Exposure || known.Handling.Exposure == (handlingTable{}).Exposure {
				t.Fatal("nothing is learned of a second that passed")
			}
			now = now.Add(step)
			after := look()
			if got := p.Model(); !reflect.DeepEqual(got, known) {
				t.Errorf("learned of the step: %+v", got)
			}
			if before.Dial != after.Dial || before.Bound != after.Bound {
				t.Errorf("dials %d (%s) after the step, %d (%s) before", after.Dial, after.Bound, before.Dial, before.Bound)
			}
		})
	}
}
