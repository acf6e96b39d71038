package sim

import "testing"

// Knowing more must pay, and must not cost the ceiling.
func TestOraclesAreWorthWhatTheyKnow(t *testing.T) {
	s, err := FindScenario("A5")
	if err != nil {
		t.Fatal(err)
	}
	s.Hours = 3
	before := 0.0
	for _, name := range []string{"progressive", "predictive", "oracle-calls", "oracle-both"} {
		a, err := FindAlgorithm(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := a.Run(&s, 3)
		if err != nil {
			t.Fatal(err)
		}
		if d.Utilisation <= before+0.01 || d.Abandonment() > s.Ceiling {
			t.Errorf("%s: utilisation %.3f after %.3f, abandonment %.4f", name, d.Utilisation, before, d.Abandonment())
		}
		before = d.Utilisation
	}
}

func TestForesight(t *testing.T) {
	busy := &worker{done: 70, pause: 60, to: 8 * 3600}
	a := scene{talking: 1}.snapshot().Agents[0]
	foresight{calls: true}.agent(busy, &a)
	if !a.FreeAt.IsZero() || !a.Until.IsZero() {
		t.Error("who foresees calls foresees agents")
	}
	foresight{agents: true}.agent(busy, &a)
	if a.FreeAt != clock(70) || !a.Next || a.Until != clock(60) {
		t.Errorf("an agent who is done at 70 s, after a break was due at 60 s: %+v", a)
	}
	for _, c := range []struct {
		fate    fate
		answers bool
	}{{failed, false}, {unanswered, false}, {machine, false}, {missed, true}, {person, true}} {
		k := scene{dialing: 1}.snapshot().Calls[0]
		foresight{agents: true}.call(&call{fate: c.fate, ends: 9}, &k)
		if k.Foreseen {
			t.Error("who foresees agents foresees calls")
		}
		foresight{calls: true}.call(&call{fate: c.fate, ends: 9}, &k)
		if !k.Foreseen || k.AnswersAt.IsZero() == c.answers || c.answers && k.AnswersAt != clock(9) {
			t.Errorf("fate %d: %+v", c.fate, k)
		}
	}
}
