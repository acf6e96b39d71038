package sim

import (
	"math"
	"reflect"
	"testing"
	"time"

	"ringpace/pacing"
)

func preset(t *testing.T, name string) Scenario {
	t.Helper()
	for _, s := range Presets() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no scenario %s", name)
	return Scenario{}
}

func play(t *testing.T, s Scenario, c pacing.Config, seed uint64) Day {
	t.Helper()
	p, err := pacing.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return Run(&s, p, seed)
}

// TestProgressiveComesOutAsReckoned checks the simulator itself: an agent who is dialed
// for one number after the other until a person answers is busy for H of every
// H + cycle/p seconds.
func TestProgressiveComesOutAsReckoned(t *testing.T) {
	s := preset(t, "A20")
	handling := s.Talk.mean() + s.WrapUp.mean()
	// A dial takes the set-up, and then as long as its kind does; until the next decision
	// half a second passes, on average. 1.5 % of who would answer ring for too long.
	people, machines, failures := 0.2*0.985, 0.3, 0.1
	cycle := 0.5 + s.Setup.mean() + people*s.Ring.mean() + machines*s.MachineRing.mean() +
		failures*s.Failure.mean() + (1-people-machines-failures)*s.GiveUp
	want := handling / (handling + cycle/people)
	got := 0.0
	const days = 3
	for seed := range uint64(days) {
		d := play(t, s, pacing.Config{Mode: pacing.Progressive}, seed)
		got += d.Utilisation / days
		if d.Abandoned > 0 {
			t.Errorf("%d abandoned with one call for each free agent", d.Abandoned)
		}
	}
	if math.Abs(got-want) > 0.01 {
		t.Errorf("utilisation is %.3f, want %.3f", got, want)
	}
}

// TestPredictiveDay plays an hour and a half of a day.
func TestPredictiveDay(t *testing.T) {
	s := preset(t, "A10")
	s.Hours = 1.5
	c := pacing.Config{Mode: pacing.Predictive, Patience: 2 * time.Second, LeastRing: 15 * time.Second}
	d := play(t, s, c, 1)
	if again := play(t, s, c, 1); !reflect.DeepEqual(d, again) {
		t.Error("the same seed gives another day")
	}
	if p := play(t, s, pacing.Config{Mode: pacing.Progressive}, 1); d.Utilisation < p.Utilisation+0.1 {
		t.Errorf("utilisation is %.3f, progressive %.3f", d.Utilisation, p.Utilisation)
	}
	if d.Abandonment() > s.Ceiling {
		t.Errorf("%d of %d are abandoned, over the ceiling", d.Abandoned, d.Answered)
	}
	if d.GivenUp == 0 {
		t.Error("no call was given up")
	}
}

// fixed dials so many each second.
type fixed int

func (n fixed) Decide(pacing.Snapshot) pacing.Decision { return pacing.Decision{Dial: int(n)} }

// TestCallsAreTheSameForAll checks that days with the same seed bring the same calls,
// whoever dials them and when.
func TestCallsAreTheSameForAll(t *testing.T) {
	s := preset(t, "A5")
	fates := func(rate int) (all []fate) {
		d := &day{floor: &scripted{s: &s, src: source(mix(3))}, pacer: fixed(rate)}
		for range 100 / rate {
			for range rate {
				d.dial(0)
			}
			d.now++
		}
		for _, c := range d.flight {
			all = append(all, c.fate)
		}
		return all
	}
	if a, b := fates(1), fates(10); !reflect.DeepEqual(a, b) {
		t.Error("calls differ by when they are dialed")
	}
}

// TestEveryoneIsAccountedFor checks the books of days at which too much is dialed.
func TestEveryoneIsAccountedFor(t *testing.T) {
	for _, s := range Presets() {
		s.Hours = 0.5
		d := Run(&s, fixed(3), 1)
		if d.Utilisation < 0 || d.Utilisation > 1.0001 || d.AgentHours <= 0 {
			t.Errorf("%s: utilisation %.3f of %.1f agent-hours", s.Name, d.Utilisation, d.AgentHours)
		}
		if d.Dials != 3*1800 {
			t.Errorf("%s: %d dials, want %d", s.Name, d.Dials, 3*1800)
		}
		if d.Answered < d.Abandoned || s.Missed == 0 && d.Answered > d.Abandoned+d.Conversations+10 {
			t.Errorf("%s: %d answered, %d abandoned, %d talked", s.Name, d.Answered, d.Abandoned, d.Conversations)
		}
		for _, w := range d.Speed {
			if w < 0 || w > s.Patience {
				t.Fatalf("%s: a person waited for %.1f s", s.Name, w)
			}
		}
	}
}
