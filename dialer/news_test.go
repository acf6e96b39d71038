package dialer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringpace/pacing"
)

// looked is what a plan of campaign x is told, which then dials so many under a risk
// bound of 2 %.
func looked(f *floor, dial int) (news []pacing.Event, seen pacing.Snapshot, ids []string) {
	ids = f.plan("x", false, func(n []pacing.Event, s pacing.Snapshot) pacing.Decision {
		news, seen = n, s
		return pacing.Decision{Dial: dial, Theta: 0.02}
	})
	return news, seen, ids
}

var somebody = pacing.Lead{List: "a", Attempt: "2"}

func nothing() {}

// TestCallsTellPacingWhatBecameOfThem has calls go every way that they can, and holds
// what pacing sees of each before its end and what it is told after.
func TestCallsTellPacingWhatBecameOfThem(t *testing.T) {
	dial := func(f *floor, id string) { f.dialed(id, somebody, nothing) }
	ring := func(f *floor, id string) {
		dial(f, id)
		time.Sleep(2 * time.Second) // virtual
		f.advance(id, pacing.Ringing)
		time.Sleep(5 * time.Second) // virtual
	}
	answer := func(f *floor, id string) {
		ring(f, id)
		f.advance(id, pacing.Waiting)
		f.advance(id, pacing.Waiting) // who listens says it again
	}
	const dialing, ringing, waiting = pacing.Dialing, pacing.Ringing, pacing.Waiting
	for _, c := range []struct {
		name   string
		happen func(*floor, string)
		want   []pacing.EventKind
		states []pacing.CallState // of each, as it was before
	}{
		{"never dialed", func(f *floor, id string) { f.landed(id) }, nil, nil},
		{"taken back", func(f *floor, id string) { f.unplan("x", []string{id}) }, nil, nil},
		{"not carried by any trunk", func(f *floor, id string) { dial(f, id); f.failed(id); f.landed(id) }, nil, nil},
		{"busy", func(f *floor, id string) { dial(f, id); f.landed(id) }, []pacing.EventKind{pacing.CallEnded}, []pacing.CallState{dialing}},
		{"rang in vain", func(f *floor, id string) { ring(f, id); f.landed(id); f.landed(id) }, []pacing.EventKind{pacing.CallEnded}, []pacing.CallState{ringing}},
		{"reached an agent", func(f *floor, id string) { answer(f, id); f.landed(id) }, []pacing.EventKind{pacing.CallAnswered}, []pacing.CallState{ringing}},
		{"abandoned", func(f *floor, id string) { answer(f, id); f.abandoned(id); f.landed(id) }, []pacing.EventKind{pacing.CallAnswered, pacing.CallAbandoned}, []pacing.CallState{ringing, waiting}},
		{"answered without ringing", func(f *floor, id string) { dial(f, id); f.advance(id, waiting); f.landed(id) }, []pacing.EventKind{pacing.CallAnswered}, []pacing.CallState{dialing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := seated(map[string][]string{"a": {"x"}})
				f.learn("x", true)
				_, _, ids := looked(f, 1)
				c.happen(f, ids[0])
				news, _, _ := looked(f, 0)
				if len(news) != len(c.want) {
					t.Fatalf("pacing is told of %+v, want %v", news, c.want)
				}
				for i, e := range news {
					if e.Kind != c.want[i] || e.Call.State != c.states[i] || e.Call.Lead != somebody || e.Call.Theta != 0.02 || e.At != time.Now() {
						t.Errorf("event %d: %+v; want kind %d of a call in state %d", i, e, c.want[i], c.states[i])
					}
				}
				if again, _, _ := looked(f, 0); len(again) > 0 {
					t.Errorf("told twice: %+v", again)
				}
			})
		})
	}
}

// TestPacingSeesHowFarCallsAre holds since when a call is on its way and since when it
// rings, and that another trunk begins anew.
func TestPacingSeesHowFarCallsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		_, _, ids := looked(f, 1)
		time.Sleep(time.Second)             // virtual
		f.dialed(ids[0], somebody, nothing) // the first trunk fails
		time.Sleep(4 * time.Second)         // virtual
		f.dialed(ids[0], somebody, nothing)
		sent := time.Now()
		time.Sleep(3 * time.Second) // virtual
		f.advance(ids[0], pacing.Ringing)
		rings := time.Now()
		time.Sleep(time.Second)           // virtual
		f.advance(ids[0], pacing.Ringing) // 183 after 180
		_, s, _ := looked(f, 0)
		want := []pacing.Call{{State: pacing.Ringing, Since: sent, Rings: rings, Lead: somebody, Theta: 0.02}}
		if diff := cmp.Diff(want, s.Calls); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPacingLearnsNothingOfCallsThatAreNotItsOwn holds that neither a call that came in nor
// one that an agent had asked for is told of, and nothing to a pacer that does not learn.
func TestPacingLearnsNothingOfCallsThatAreNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		f.learn("x", true)
		f.arrive("in", "x")
		f.advance("in", pacing.Waiting)
		f.landed("in")
		asked := f.plan("x", true, func([]pacing.Event, pacing.Snapshot) pacing.Decision { return pacing.Decision{Dial: 1} })
		f.dialed(asked[0], somebody, nothing)
		f.landed(asked[0])
		if news, _, _ := looked(f, 0); len(news) > 0 {
			t.Errorf("told of %+v", news)
		}
		f.learn("x", false)
		_, _, ids := looked(f, 1)
		f.dialed(ids[0], somebody, nothing)
		f.landed(ids[0])
		f.learn("x", true)
		if news, _, _ := looked(f, 0); len(news) > 0 {
			t.Errorf("told of what was before it learned: %+v", news)
		}
	})
}

// TestHandlingIsOneTime holds that talk and wrap-up, however the states change in between,
// are one time to pacing, from when the agent got the call to when they are free or away.
func TestHandlingIsOneTime(t *testing.T) {
	for name, end := range map[string]func(*floor){
		"free":  func(f *floor) { f.free("a") },
		"break": func(f *floor) { f.mark("a", pacing.Away) },
		"home":  func(f *floor) { f.leave("a") },
		"next":  func(f *floor) { f.claim("x"); f.free("a") }, // somebody waits already
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := seated(map[string][]string{"a": {"x", "y"}, "b": {"x"}})
				f.busy("b", pacing.Away)
				f.learn("x", true)
				f.learn("y", true)
				if got(f.claim("x")) != "a" {
					t.Fatal("nobody took the call")
				}
				began := time.Now()
				for _, s := range []pacing.AgentState{pacing.Engaged, pacing.Engaged, pacing.WrapUp, pacing.Engaged, pacing.WrapUp} {
					time.Sleep(7 * time.Second) // virtual
					f.mark("a", s)
				}
				news, s, _ := looked(f, 0)
				for _, a := range s.Agents {
					if a.State == pacing.WrapUp && a.Busy != began {
						t.Errorf("busy since %v, want %v", a.Busy, began)
					}
				}
				if len(news) > 0 {
					t.Errorf("told before the end: %+v", news)
				}
				time.Sleep(time.Second) // virtual
				end(f)
				want := []pacing.Event{{Kind: pacing.AgentDone, At: time.Now(), Busy: began}}
				news, _, _ = looked(f, 0)
				if diff := cmp.Diff(want, news); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(want, f.catchUp("y")); diff != "" {
					t.Error("the other campaign:", diff)
				}
			})
		})
	}
}

// TestPacingKnowsWhoLeaves holds that a break after the call is announced, and that an
// agent whose telephone is rung is known to take as long as those before.
func TestPacingKnowsWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		f.claim("x")
		f.manner("a", true, true, time.Time{})
		for range 500 {
			f.rang(6 * time.Second)
		}
		_, s, _ := looked(f, 0)
		if a := s.Agents[0]; !a.Next || a.Ring < 5500*time.Millisecond || a.Ring > 6*time.Second {
			t.Errorf("pacing sees %+v", a)
		}
		f.manner("a", false, false, time.Time{})
		_, s, _ = looked(f, 0)
		if a := s.Agents[0]; a.Next || a.Ring != 0 {
			t.Errorf("pacing sees %+v", a)
		}
	})
}

// TestGivenUpCalls holds that a call which pacing gives up is cancelled once and not
// counted on any more, unless its answer was quicker.
func TestGivenUpCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		f.learn("x", true)
		_, _, ids := looked(f, 3)
		cancelled := map[string]int{}
		for _, id := range ids {
			f.dialed(id, pacing.Lead{List: id}, func() { cancelled[id]++ })
			f.advance(id, pacing.Ringing)
		}
		giveUp := func(id string) (left int) {
			f.plan("x", false, func(_ []pacing.Event, s pacing.Snapshot) (d pacing.Decision) {
				for i, k := range s.Calls {
					if k.Lead.List == id {
						d.GiveUp = append(d.GiveUp, i)
					}
				}
				left = len(s.Calls)
				if id == ids[1] {
					f.mu.Lock() // somebody picks up while pacing decides
					f.flights[id].call.State = pacing.Waiting
					f.mu.Unlock()
				}
				return d
			})
			return left
		}
		if n := giveUp(ids[0]); n != 3 || cancelled[ids[0]] != 1 {
			t.Errorf("%d calls in flight, cancelled %v", n, cancelled)
		}
		if n := giveUp(ids[0]); n != 2 || cancelled[ids[0]] != 1 {
			t.Errorf("%d calls in flight after one was given up, cancelled %v", n, cancelled)
		}
		if giveUp(ids[1]); cancelled[ids[1]] != 0 {
			t.Error("an answered call was given up")
		}
		f.advance(ids[0], pacing.Waiting) // the answer and the CANCEL have crossed
		news, s, _ := looked(f, 0)
		if len(s.Calls) != 3 || len(news) != 1 || news[0].Kind != pacing.CallAnswered {
			t.Errorf("%d calls, news %+v", len(s.Calls), news)
		}
	})
}

// TestBusyAgentsAreDealtOut holds that no two campaigns count on the same busy agent to
// become free, and that one alone counts on all.
func TestBusyAgentsAreDealtOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x", "y"}, "b": {"x", "y"}, "c": {"x", "y"}, "d": {"x"}})
		for range 4 {
			f.claim("x")
		}
		count := func(campaign string) (n int) {
			f.plan(campaign, false, func(_ []pacing.Event, s pacing.Snapshot) pacing.Decision {
				for _, a := range s.Agents {
					if !a.Next {
						n++
					}
				}
				return pacing.Decision{Bound: pacing.ByRisk}
			})
			return n
		}
		if n := count("x"); n != 4 {
			t.Errorf("x counts on %d agents while y wants none, want 4", n)
		}
		if x, y := 0, count("y"); y != 1 {
			t.Errorf("y counts on %d of 3", y)
		} else if x = count("x"); x != 3 {
			t.Errorf("x counts on %d of 4, and y on %d", x, y)
		}
	})
}

// TestAgentOnTheirWay holds that a call for which an agent was found wants no other to a
// pacer that learns, unless they do not come, and that others hold one ready for it.
func TestAgentOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}, "b": {"x"}})
		_, _, ids := looked(f, 1)
		f.dialed(ids[0], somebody, nothing)
		f.advance(ids[0], pacing.Waiting)
		f.claim("x")
		for _, c := range []struct{ learns, found bool }{{false, true}, {true, true}, {true, false}} {
			f.learn("x", c.learns)
			f.met(ids[0], c.found)
			_, s, _ := looked(f, 0)
			if wants := len(s.Calls) == 1; wants == (c.learns && c.found) {
				t.Errorf("%+v: %d calls want an agent", c, len(s.Calls))
			}
		}
	})
}

// TestStepsOfTheClockAreNotSeen holds that all times by which pacing reckons ages are of the
// clock that never steps (see package time, "Monotonic Clocks").
func TestStepsOfTheClockAreNotSeen(t *testing.T) {
	f := newFloor()
	f.learn("x", true)
	for _, id := range []string{"a", "b"} {
		f.sit(&agent{id: id}, []string{"x"})
		f.free(id)
	}
	f.claim("x") // who has it is busy
	_, _, ids := looked(f, 2)
	for _, id := range ids {
		f.dialed(id, somebody, nothing)
		f.advance(id, pacing.Ringing)
	}
	f.landed(ids[0])
	news, s, _ := looked(f, 0)
	times := map[string]time.Time{"now": s.Now, "the call's end": news[0].At, "its dialing": news[0].Call.Since, "dialing": s.Calls[0].Since, "ringing": s.Calls[0].Rings}
	for _, a := range s.Agents {
		times["the agent's state"] = a.Since
		if a.State == pacing.Engaged {
			times["the agent's call"] = a.Busy
		}
	}
	if len(times) != 7 {
		t.Fatalf("%v", times)
	}
	for name, at := range times {
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%s is by the clock on the wall: %v", name, at)
		}
	}
}
