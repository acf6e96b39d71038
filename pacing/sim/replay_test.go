package sim

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"ringpace/pacing"
)

// recorded is what the records of some days of a scenario tell, and what really came of them.
func recorded(t *testing.T, s *Scenario, algorithm string, days int) (*History, Figures) {
	t.Helper()
	a := algorithms(t, algorithm)[0]
	var all []RecordedCall
	var truth sums
	for i := range days {
		d, calls, err := a.Record(s, 5+uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		truth.add(&d)
		for n := range calls {
			all = append(all, calls[n].Later(time.Duration(i)*24*time.Hour))
		}
	}
	h, err := NewHistory(all)
	if err != nil {
		t.Fatal(err)
	}
	return h, truth.figures()
}

// TestReplayTellsWhatWouldHaveBeen records days that were paced in one mode, and holds what
// their replay says of the other against the same days paced so.
func TestReplayTellsWhatWouldHaveBeen(t *testing.T) {
	s := preset(t, "A5")
	s.Hours = 1.2
	h, _ := recorded(t, &s, "progressive", 2)
	if h.Days() != 2 || h.Agents != 10 || h.LeftOut != 0 {
		t.Fatalf("%d days, %d shifts, %d left out", h.Days(), h.Agents, h.LeftOut)
	}
	_, otherwise := recorded(t, &s, "predictive", 2)
	was, err := DefaultConditions().With("mode=progressive")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := was.With("mode=predictive")
	if err != nil {
		t.Fatal(err)
	}
	r := Replay{History: h, Was: was, Changed: changed, Times: 5, First: 1}
	c, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Figures {
		if !(f.Was.CI.Low <= float64(f.Was.Mean) && float64(f.Was.Mean) <= f.Was.CI.High) {
			t.Errorf("%s: %+v", f.Name, f.Was)
		}
		slack := map[string]float64{"utilisation": 0.1, "wait_s": 30, "abandonment": 0.015, "talk_min_per_h": 6}[f.Name]
		if slack == 0 {
			continue
		}
		if off := math.Abs(float64(f.Was.Mean - f.Recorded)); off > slack {
			t.Errorf("%s was %.3f, and is replayed as %.3f", f.Name, f.Recorded, f.Was.Mean)
		}
		for _, of := range compared {
			if of.name == f.Name && math.Abs(of.of(&otherwise)-float64(f.Changed.Mean)) > slack {
				t.Errorf("%s would have been %.3f, and the replay says %.3f", f.Name, of.of(&otherwise), f.Changed.Mean)
			}
		}
		if d := float64(f.Changed.Mean - f.Was.Mean - f.Difference.Mean); math.Abs(d) > 1e-9 {
			t.Errorf("%s: the difference is off by %v", f.Name, d)
		}
	}
	if u := c.Figures[0]; u.Difference.CI.Low <= 0 {
		t.Errorf("the gain in utilisation is not certain: %+v", u.Difference)
	}
	first, _, err := r.once(1)
	again, _, errAgain := r.once(1)
	if err != nil || errAgain != nil || first != again {
		t.Errorf("the same seed replays otherwise: %+v, then %+v, %v, %v", first, again, err, errAgain)
	}
}

// More agents of the same kind share the same work; a shorter ring loses answers.
func TestReplayOfChangedFloors(t *testing.T) {
	s := preset(t, "A10")
	s.Hours = 1
	h, _ := recorded(t, &s, "progressive", 1)
	was, err := DefaultConditions().With("mode=progressive")
	if err != nil {
		t.Fatal(err)
	}
	figure := func(change, name string) float64 {
		changed, err := was.With(change)
		if err != nil {
			t.Fatal(err)
		}
		c, err := (&Replay{History: h, Was: was, Changed: changed, Times: 6, First: 3}).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Figures {
			if f.Name == name {
				return float64(f.Changed.Mean / f.Was.Mean)
			}
		}
		t.Fatal(name)
		return 0
	}
	if x := figure("agents=+10", "dials"); x < 1.7 || x > 2.3 {
		t.Errorf("twice the agents dial %.2f times as much", x)
	}
	if x := figure("agents=-5", "dials"); x < 0.35 || x > 0.65 {
		t.Errorf("half the agents dial %.2f times as much", x)
	}
	if x := figure("ring_timeout=8s", "dials"); x < 1.3 {
		t.Errorf("where calls ring for 8 s only, %.2f times as many are dialed", x)
	}
	c := was
	c.RingTimeout = time.Minute
	if err := (&Replay{History: h, Was: was, Changed: c, Times: 1}).Check(); !errors.Is(err, ErrConditions) || !strings.Contains(err.Error(), "no recorded call rang") {
		t.Errorf("a longer ring than any recorded: %v", err)
	}
}

// TestCutCallsAreCompleted holds that calls which we gave up do not count as unanswered: of
// those that rang on half were answered, so half of these are.
func TestCutCallsAreCompleted(t *testing.T) {
	var calls []*recordedCall
	for i := range 400 {
		c := &recordedCall{at: float64(i), rings: 1, ends: 11, cut: true}
		if i%2 == 0 {
			c.cut, c.ends, c.answered = false, 21, i%4 == 0
		}
		calls = append(calls, c)
	}
	p := newPool(calls, func(*recordedCall) int { return 1 })
	answered := 0
	for n, c := range calls {
		x := source(1).of(aboutCall, n)
		if end, ok := p.completed(c, &x); ok && end.answered {
			answered++
		}
	}
	if answered < 170 || answered > 230 {
		t.Errorf("%d of 400 are answered, want half", answered)
	}
	last := &recordedCall{rings: 1, ends: 99, cut: true}
	x := source(1).of(aboutCall, 1)
	if _, ok := p.completed(last, &x); ok {
		t.Error("a call that was cut later than any other is taken for known")
	}
}

// TestBreaksAreFound holds that agents' time is inferred from who gets which call.
func TestBreaksAreFound(t *testing.T) {
	s := preset(t, "C") // breaks of 5 to 15 minutes
	s.Hours = 3
	for _, mode := range []string{"progressive", "predictive"} {
		a := algorithms(t, mode)[0]
		d, calls, err := a.Record(&s, 9)
		if err != nil {
			t.Fatal(err)
		}
		h, err := NewHistory(calls)
		if err != nil {
			t.Fatal(err)
		}
		there, breaks := 0.0, 0
		for _, a := range h.days[0].agents {
			there += a.there() / 3600
			breaks += len(a.away)
		}
		if math.Abs(there/d.AgentHours-1) > 0.03 {
			t.Errorf("%s: agents are there for %.1f h, really %.1f", mode, there, d.AgentHours)
		}
		if breaks < 10 || breaks > 35 {
			t.Errorf("%s: %d breaks of 10 agents in 3 hours", mode, breaks)
		}
		if math.Abs(h.Recorded.Utilisation-d.Utilisation) > 0.02 {
			t.Errorf("%s: utilisation is %.3f, really %.3f", mode, h.Recorded.Utilisation, d.Utilisation)
		}
	}
}

func TestHistoriesThatTellNothing(t *testing.T) {
	if _, err := NewHistory(nil); !errors.Is(err, ErrHistory) {
		t.Error(err)
	}
	var calls []RecordedCall
	for i := range 100 {
		at := epoch.Add(time.Duration(i) * time.Second)
		calls = append(calls, RecordedCall{Sent: at, Ended: at.Add(20 * time.Second)})
	}
	if _, err := NewHistory(calls); !errors.Is(err, ErrHistory) || !strings.Contains(err.Error(), "no call of theirs reached an agent") {
		t.Error(err)
	}
	calls[0].Ended = epoch.Add(-time.Second)
	calls[1].Agent, calls[1].Answered, calls[1].Claimed = "anna", calls[1].Ended, calls[1].Ended
	calls[1].Ready = calls[1].Claimed.Add(time.Minute)
	h, err := NewHistory(calls)
	if err != nil || h.LeftOut != 1 || h.Calls != 99 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestConditions(t *testing.T) {
	c, err := DefaultConditions().With("ceiling=2%, max_ratio=3.5,give_up=off,agents=-2,abandon_after=1s")
	if err != nil || !near(c.Ceiling, 0.02) || !near(c.Target, 0.02*pacing.DefaultTarget) || c.MaxRatio != 3.5 || c.GiveUp || c.Agents != -2 || c.Patience != time.Second {
		t.Errorf("%+v, %v", c, err)
	}
	for _, text := range []string{
		"", "mode", "mode=preview", "mode=x", "ceiling=0", "ceiling=1", "ceiling=NaN", "target=4%", "agents=2", "agents=+x", "speed=3",
		"mode=power,ratio=0.5", "mode=power,mode=power", "max_ratio=0.5", "ratio=Inf", "give_up=maybe", "ring_timeout=-1s", "abandon_after=5m", "max_in_flight=-1",
	} {
		if _, err := DefaultConditions().With(text); !errors.Is(err, ErrConditions) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzConditions holds that settings are refused, or can be paced by.
func FuzzConditions(f *testing.F) {
	f.Add("mode=predictive,ceiling=3%,target=0.029,max_ratio=4,max_in_flight=9,give_up=on,abandon_after=2s,ring_timeout=20s,agents=+2")
	f.Add("mode=power,ratio=1.5")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := DefaultConditions().With(text)
		if err != nil {
			if !errors.Is(err, ErrConditions) {
				t.Error(err)
			}
			return
		}
		if _, err := c.pacer(); err != nil {
			t.Error(err)
		}
	})
}
