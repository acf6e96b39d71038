package dialer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/pacing"
)

// seated puts agents on a floor, each working for the campaigns given, free, and
// each free a second longer than the next.
func seated(campaigns map[string][]string) (*floor, map[string]*agent) {
	f, agents := newFloor(), map[string]*agent{}
	ids := make([]string, 0, len(campaigns))
	for id := range campaigns {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		agents[id] = &agent{id: id}
		f.sit(agents[id], campaigns[id])
		f.free(id)
		time.Sleep(time.Second) // virtual
	}
	return f, agents
}

func got(w *waiter) string {
	select {
	case a := <-w.got:
		return a.id
	default:
		return ""
	}
}

// release gives a claim up, as an attempt does with an agent who is ready.
func release(f *floor, w *waiter) {
	if a := f.giveUp(w); a != nil {
		f.free(a.id)
	}
}

func TestClaimTakesTheLongestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}, "b": {"x", "y"}, "c": {"y"}})
		if id := got(f.claim("y")); id != "b" {
			t.Errorf("campaign y got %q, want b, who serves it and has waited longest", id)
		}
		if id := got(f.claim("x")); id != "a" {
			t.Errorf("campaign x got %q, want a", id)
		}
		if id := got(f.claim("x")); id != "" {
			t.Errorf("campaign x got %q, and nobody was free", id)
		}
	})
}

func TestFreedAgentGoesToTheLongestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x", "y"}})
		f.busy("a", pacing.WrapUp)
		z, first, second := f.claim("z"), f.claim("y"), f.claim("x")
		f.free("a")
		if got(z) != "" || got(first) != "a" || got(second) != "" {
			t.Fatal("the agent did not go to the call of theirs that has waited longest")
		}
		f.free("a")
		if got(second) != "a" {
			t.Fatal("the agent did not go to the next call")
		}
	})
}

func TestGiveUpReturnsTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		w := f.claim("x") // found, and not looked at
		next := f.claim("x")
		release(f, w)
		if got(next) != "a" {
			t.Error("the agent of a claim that was given up did not go to the next call")
		}
		release(f, next)
		f.free("a")
		if got(f.claim("x")) != "a" {
			t.Error("an ended claim took an agent")
		}
	})
}

func TestBusyLosesAgainstAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}})
		f.claim("x")
		if f.busy("a", pacing.Away) {
			t.Error("an agent whom a call has claimed could still go on a break")
		}
	})
}

// plan asks for one line per free agent and says how many it got.
func plan(f *floor, campaign string) []string {
	return planLines(f, campaign, 1)
}

// planLines is plan for several lines per free agent.
func planLines(f *floor, campaign string, perAgent int) []string {
	return f.plan(campaign, false, func(_ []pacing.Event, s pacing.Snapshot) pacing.Decision {
		free := 0
		for _, a := range s.Agents {
			if a.State == pacing.Free {
				free++
			}
		}
		return pacing.Decision{Dial: max(0, perAgent*free-len(s.Calls)), Bound: pacing.ByAgents}
	})
}

func TestCampaignsDoNotCountOnTheSameAgent(t *testing.T) {
	cases := []struct {
		name       string
		agents     map[string][]string
		x, y, then int // lines that x, then y, then x again may have
	}{
		{"all shared", map[string][]string{"a": {"x", "y"}, "b": {"x", "y"}}, 2, 0, 0},
		{"one of their own each", map[string][]string{"a": {"x"}, "b": {"y"}, "c": {"x", "y"}}, 2, 1, 0},
		{"nothing shared", map[string][]string{"a": {"x"}, "b": {"y"}}, 1, 1, 0},
		{"y has more of its own", map[string][]string{"a": {"x", "y"}, "b": {"y"}, "c": {"y"}}, 1, 2, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := seated(c.agents)
				x, y, then := plan(f, "x"), plan(f, "y"), plan(f, "x")
				if len(x) != c.x || len(y) != c.y || len(then) != c.then {
					t.Fatalf("x %d, y %d, x again %d; want %d, %d, %d", len(x), len(y), len(then), c.x, c.y, c.then)
				}
				for _, id := range append(x, y...) {
					f.landed(id)
				}
				if len(f.flights) != 0 {
					t.Error("calls are left in flight")
				}
			})
		})
	}
}

func TestPlannedCallsTakeNobodyElsesAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x", "y"}})
		f.plan("x", true, func([]pacing.Event, pacing.Snapshot) pacing.Decision { return pacing.Decision{Dial: 1} })
		if n := len(plan(f, "y")); n != 1 {
			t.Errorf("y may place %d calls, want 1: the call for an agent of x has its own", n)
		}
	})
}

// TestEveryAgentHasOneCall has calls and agents come and go at random, and holds
// that no agent is ever given to two calls and that none is lost.
func TestEveryAgentHasOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 7))
		f, agents := seated(map[string][]string{"a": {"x"}, "b": {"x", "y"}, "c": {"y"}, "d": {"x", "y"}})
		open := map[*waiter]bool{}
		busy := map[string]bool{}
		collect := func() {
			for w := range open {
				if id := got(w); id != "" {
					if busy[id] {
						t.Fatalf("agent %s was given to two calls", id)
					}
					busy[id] = true
					delete(open, w)
				}
			}
		}
		for range 20_000 {
			switch r.IntN(4) {
			case 0, 1:
				open[f.claim([]string{"x", "y"}[r.IntN(2)])] = true
			case 2:
				for id := range busy {
					delete(busy, id)
					f.free(id)
					break
				}
			case 3:
				for w := range open {
					release(f, w)
					delete(open, w)
					break
				}
			}
			collect()
			free := 0
			for _, s := range f.seats {
				if s.state == pacing.Free {
					free++
				}
			}
			if free+len(busy) != len(agents) {
				t.Fatalf("%d free and %d busy of %d agents", free, len(busy), len(agents))
			}
		}
	})
}

// TestCallerGetsTheAgentWhomTheyKnow holds whom a caller gets, and whom they wait for.
func TestCallerGetsTheAgentWhomTheyKnow(t *testing.T) {
	cases := []struct {
		name  string
		known pacing.AgentState // of b, whom the caller knows; a is free, and has been for longer
		last  string
		hold  bool
		want  string // at once; "" waits
		wide  string // after widen
	}{
		{"free", pacing.Free, "b", true, "b", ""},
		{"free, and nobody is waited for", pacing.Free, "b", false, "b", ""},
		{"talking", pacing.Engaged, "b", true, "", "a"},
		{"talking, and nobody is waited for", pacing.Engaged, "b", false, "a", ""},
		{"at lunch", pacing.Away, "b", true, "a", ""},
		{"works for others", pacing.Free, "c", true, "a", ""},
		{"gone home", pacing.Free, "z", true, "a", ""},
		{"nobody", pacing.Free, "", true, "a", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := seated(map[string][]string{"a": {"x"}, "b": {"x"}, "c": {"y"}})
				if c.known != pacing.Free {
					f.busy("b", c.known)
				}
				w := f.claimFor("x", c.last, c.hold)
				if who := got(w); who != c.want {
					t.Fatalf("got %q, want %q", who, c.want)
				}
				if c.want == "" {
					if f.widen(w); got(w) != c.wide {
						t.Errorf("not %q after the wait for the known one", c.wide)
					}
				}
			})
		})
	}
}

// TestWhoWasCalledGoesFirst holds that an agent who comes free goes to the person who was
// called and has answered before the one who called earlier, and to a caller who waits
// for them alone only if they are the one.
func TestWhoWasCalledGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}, "b": {"x"}})
		f.busy("a", pacing.WrapUp)
		f.busy("b", pacing.WrapUp)
		alone, caller, called := f.claimFor("x", "b", false), f.claimFor("x", "", false), f.claim("x")
		f.mark("b", pacing.Engaged)
		alone.only = "b"
		f.free("a")
		if got(called) != "a" || got(caller) != "" {
			t.Error("who was called and has answered did not go first")
		}
		f.free("a")
		if got(caller) != "a" || got(alone) != "" {
			t.Error("the caller who waits for another was given the agent, or the other one was not")
		}
		f.free("b")
		if got(alone) != "b" {
			t.Error("the known agent did not go to the caller who waits for them")
		}
	})
}

// TestPacingLeavesAnAgentToTheCaller holds that a caller who waits takes a line of
// pacing's, until they are with an agent or gone.
func TestPacingLeavesAnAgentToTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x"}, "b": {"x"}})
		f.arrive("call", "x")
		if n := len(plan(f, "x")); n != 1 {
			t.Errorf("%d lines with a caller waiting and two agents free, want 1", n)
		}
		f.landed("call")
		if n := len(plan(f, "x")); n != 1 {
			t.Errorf("%d more lines when the caller is gone, want 1", n)
		}
	})
}
