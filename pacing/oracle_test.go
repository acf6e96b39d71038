package pacing

import (
	"testing"
	"time"
)

// What is foreseen takes the place of what the tables say, and only where it is told.
func TestForesightReplacesTables(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	in := func(seconds float64) time.Time { return now.Add(time.Duration(seconds * float64(time.Second))) }
	decide := func(agents []Agent, calls []Call) int {
		p, err := New(Config{Mode: Predictive, Patience: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return p.Decide(Snapshot{
			Now: now, Agents: agents, Calls: calls,
			Limits:  Limits{Leads: Unlimited, Channels: Unlimited, Rate: Unlimited},
			Windows: []Window{{Name: "day", Ceiling: 0.03, Answered: 5000, Abandoned: 60, Ends: in(4 * 3600)}},
		}).Dial
	}
	busy := func(free float64) []Agent {
		a := make([]Agent, 4)
		for i := range a {
			a[i] = Agent{State: Engaged, Since: in(-30), Busy: in(-30)}
			if free > 0 {
				a[i].FreeAt = in(free)
			}
		}
		return a
	}
	flight := func(k Call) []Call {
		calls := make([]Call, 8)
		for i := range calls {
			calls[i] = k
			calls[i].Since = in(-6)
		}
		return calls
	}
	free := make([]Agent, 4)
	unknown, soon, late := decide(busy(0), nil), decide(busy(1), nil), decide(busy(300), nil)
	if late != 0 || soon <= unknown {
		t.Errorf("agents who are free in 1 s: %d dialed, in 5 minutes: %d, not known: %d", soon, late, unknown)
	}
	guess := decide(free, flight(Call{}))
	never, answered := decide(free, flight(Call{Foreseen: true})), decide(free, flight(Call{Foreseen: true, AnswersAt: in(1)}))
	if answered != 0 || never <= guess || never != decide(free, nil) {
		t.Errorf("calls that nobody answers: %d dialed beside them, that all answer: %d, not known: %d", never, answered, guess)
	}
}
