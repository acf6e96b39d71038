package pacing

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// taught is a predictive pacer that has seen n calls: a fifth answered after 5 to 15 s of
// ringing, the others over after 25; and agents who were busy for 30 to 150 s.
func taught(t testing.TB, c Config, n int) *predictive {
	t.Helper()
	c.Mode = Predictive
	p := must(t, c).(*predictive)
	r := rand.New(rand.NewPCG(7, 7))
	at := noon.Add(-time.Duration(n) * time.Second)
	for range n {
		p.last = at
		sent := at.Add(-2 * time.Second)
		end := at.Add(25 * time.Second)
		call := Call{State: Ringing, Since: sent, Rings: at}
		p.model.Calls.Dialing.spend(0, 2, 1)
		p.model.Calls.Dialing.leave(2, toRinging)
		if r.IntN(5) == 0 {
			end = at.Add(time.Duration(5+r.IntN(10)) * time.Second)
			p.Observe(Event{At: end, Kind: CallAnswered, Call: call})
			p.Observe(Event{At: at.Add(time.Duration(30+r.IntN(120)) * time.Second), Kind: AgentDone, Busy: at})
		} else {
			p.Observe(Event{At: end, Kind: CallEnded, Call: call})
		}
		at = at.Add(time.Second)
	}
	p.last = noon
	return p
}

func day(answered, abandoned int) Window {
	return Window{Name: "day", Ceiling: 0.03, Answered: answered, Abandoned: abandoned, Ends: noon.Add(6 * time.Hour)}
}

// busyFor gives every engaged agent of a snapshot a call of that age.
func busyFor(s Snapshot, age time.Duration) Snapshot {
	for i := range s.Agents {
		if s.Agents[i].State == Engaged {
			s.Agents[i].Busy = s.Now.Add(-age)
		}
	}
	return s
}

func dials(p *predictive, s Snapshot) int {
	model := p.Model()
	d := p.Decide(s)
	p.Resume(model)
	return d.Dial
}

func TestPredictiveWithoutCreditIsProgressive(t *testing.T) {
	p := taught(t, Config{}, 2000)
	s := snapshot(3, 5, 0, 0, 0)
	if n := dials(p, s); n != 3 {
		t.Errorf("dials %d without any window, want 3: one for each free agent", n)
	}
	s.Windows = []Window{day(1000, 60)}
	s.Windows[0].Ends = noon.Add(time.Minute)
	if n := dials(p, s); n != 3 {
		t.Errorf("dials %d in the last minute of a day over its ceiling, want 3", n)
	}
}

func TestPredictiveDialsMoreWhereMoreIsBorne(t *testing.T) {
	p := taught(t, Config{Patience: 2 * time.Second}, 2000)
	s := busyFor(snapshot(3, 17, 0, 0, 0), 40*time.Second)
	dial := func(w ...Window) int {
		s.Windows = w
		return dials(p, s)
	}
	poor, rich := dial(day(1000, 40)), dial(day(1000, 10))
	if poor >= rich || rich <= 3 {
		t.Errorf("dials %d with credit and %d without", rich, poor)
	}
	if both := dial(day(1000, 10), day(1000, 40)); both != poor {
		t.Errorf("dials %d where a second window has no credit, want %d as without", both, poor)
	}
	if n := dial(day(20_000, 900)); n != 3 {
		t.Errorf("dials %d where the window cannot end well any more, want 3: one for each free agent", n)
	}
	reserved := day(1000, 10)
	reserved.Reserved = 25
	if n := dial(reserved); n >= rich {
		t.Errorf("dials %d where other nodes have reserved the credit, %d where not", n, rich)
	}
}

func TestPredictiveUsesWhatItKnows(t *testing.T) {
	base := busyFor(snapshot(2, 8, 0, 12, 0), 60*time.Second)
	for i := range base.Calls {
		base.Calls[i].Since, base.Calls[i].Rings = noon.Add(-8*time.Second), noon.Add(-6*time.Second)
	}
	base.Windows = []Window{day(2000, 30)}
	compare := func(what string, ignore Knowledge, change func(*Snapshot)) {
		t.Helper()
		s := base
		s.Agents, s.Calls = append([]Agent(nil), base.Agents...), append([]Call(nil), base.Calls...)
		change(&s)
		know, not := taught(t, Config{Patience: 2 * time.Second}, 2000), taught(t, Config{Patience: 2 * time.Second, Ignore: ignore}, 2000)
		// Risk tells the difference also where the number of calls is the same.
		a, b := know.Decide(s), not.Decide(s)
		if a.Dial == b.Dial && math.Abs(a.Predictive.Risk-b.Predictive.Risk) < 1e-6 {
			t.Errorf("%s makes no difference: %d calls, risk %.4f", what, a.Dial, a.Predictive.Risk)
		}
	}
	compare("ringing", OfRinging, func(*Snapshot) {})
	compare("the end of a shift", OfLeaving, func(s *Snapshot) { s.Agents[0].Until = noon.Add(5 * time.Second) })
	compare("a break after this call", OfLeaving, func(s *Snapshot) { s.Agents[9].Next = true })
	compare("how long agents have been busy", OfHandling, func(*Snapshot) {})
}

func TestPredictiveGivesUpWhatRangLongEnough(t *testing.T) {
	p := taught(t, Config{Patience: 2 * time.Second, LeastRing: 15 * time.Second}, 2000)
	s := snapshot(1, 0, 0, 30, 0)
	for i := range s.Calls {
		s.Calls[i].Since, s.Calls[i].Rings = noon.Add(-10*time.Second), noon.Add(-8*time.Second)
	}
	s.Calls[4].Since, s.Calls[4].Rings = noon.Add(-18*time.Second), noon.Add(-16*time.Second)
	s.Windows = []Window{day(2000, 59)}
	d := p.Decide(s)
	for _, i := range d.GiveUp {
		if i != 4 {
			t.Errorf("call %d is given up, which has rung for 8 s", i)
		}
	}
	// Answers after 16 s of ringing were never seen, but the prior has some.
	if len(d.GiveUp) != 1 {
		t.Errorf("%d calls are given up, want the one that has rung long enough", len(d.GiveUp))
	}
}

// TestPredictiveBearsFaults holds decisions to the law where nothing is as it should be.
func TestPredictiveBearsFaults(t *testing.T) {
	p := taught(t, Config{Patience: 2 * time.Second, LeastRing: 15 * time.Second}, 2000)
	s := busyFor(snapshot(5, 15, 10, 20, 0), time.Minute)
	s.Windows = []Window{day(2000, 20)}
	gone := s
	gone.Agents = nil
	if d := p.Decide(gone); d.Dial != 0 {
		t.Errorf("dials %d after all agents have vanished", d.Dial)
	}
	for _, jump := range []time.Duration{-time.Hour, 24 * time.Hour} {
		stepped := s
		stepped.Now = noon.Add(jump)
		before := p.model.Calls.Ringing.Exposure[stageBins-1]
		d := p.Decide(stepped)
		if math.IsNaN(d.Theta) || d.Dial < 0 {
			t.Errorf("after a step of %s: %+v", jump, d)
		}
		if grown := p.model.Calls.Ringing.Exposure[stageBins-1] - before; grown > 100 {
			t.Errorf("a step of %s counts for %.0f s of ringing", jump, grown)
		}
	}
	s.Windows[0].Answered, s.Windows[0].Abandoned = 0, 0 // wiped
	if d := p.Decide(s); d.Bound != ByCredit {
		t.Errorf("bound by %s with wiped counters, want the credit", d.Bound)
	}
}

func TestPredictiveFollowsTheList(t *testing.T) {
	p := taught(t, Config{Patience: 2 * time.Second}, 2000)
	s := busyFor(snapshot(4, 16, 0, 0, 0), time.Minute)
	s.Windows = []Window{day(2000, 30)}
	usual := dials(p, s)
	at := noon
	for range 150 { // three of five are answered all at once
		at = at.Add(time.Second)
		p.last = at
		kind := CallAnswered
		if at.Second()%5 > 2 {
			kind = CallEnded
		}
		p.Observe(Event{At: at, Kind: kind, Call: Call{State: Ringing, Since: at.Add(-10 * time.Second), Rings: at.Add(-8 * time.Second)}})
	}
	if n := dials(p, s); n >= usual {
		t.Errorf("dials %d after the list has become three times as good, %d before", n, usual)
	}
}
