package dialer

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestCampaignsTakeTurns has campaigns dial that share agents, several lines for each,
// with calls that end after random times and always more leads. All of them dial, about
// equally much; and never are there more calls than the agents allow.
func TestCampaignsTakeTurns(t *testing.T) {
	cases := []struct {
		name      string
		agents    map[string][]string
		campaigns []string
		perAgent  int
	}{
		{"one agent, one line", map[string][]string{"a": {"x", "y"}}, []string{"x", "y"}, 1},
		{"one agent", map[string][]string{"a": {"x", "y"}}, []string{"x", "y"}, 3},
		{"two agents", map[string][]string{"a": {"x", "y"}, "b": {"x", "y"}}, []string{"x", "y"}, 3},
		{"three agents", map[string][]string{"a": {"x", "y"}, "b": {"x", "y"}, "c": {"x", "y"}}, []string{"x", "y"}, 2},
		{"three campaigns", map[string][]string{"a": {"x", "y", "z"}, "b": {"x", "y", "z"}}, []string{"x", "y", "z"}, 2},
		{"a ring", map[string][]string{"a": {"x", "y"}, "b": {"y", "z"}, "c": {"z", "x"}}, []string{"x", "y", "z"}, 2},
		{"own and shared", map[string][]string{"a": {"x"}, "b": {"x", "y"}, "c": {"y"}}, []string{"x", "y"}, 2},
	}
	for _, c := range cases {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(c.name, " ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, agents := seated(c.agents)
					r := rand.New(rand.NewPCG(seed, 1))
					ends, dialed := map[string]time.Time{}, map[string]int{}
					for range 2000 {
						now := time.Now()
						for id, end := range ends {
							if !now.Before(end) {
								f.landed(id)
								delete(ends, id)
							}
						}
						// The first is the busiest to ask.
						for _, k := range append([]string{"x", "x"}, c.campaigns[r.IntN(len(c.campaigns))]) {
							for _, id := range planLines(f, k, c.perAgent) {
								ends[id] = now.Add(time.Duration(r.Int64N(int64(20 * time.Second))))
								dialed[k]++
							}
							if len(ends) > c.perAgent*len(agents) {
								t.Fatalf("%d calls for %d agents with %d lines each", len(ends), len(agents), c.perAgent)
							}
						}
						time.Sleep(100 * time.Millisecond) // virtual
					}
					total := 0
					for _, n := range dialed {
						total += n
					}
					for _, k := range c.campaigns {
						if fair := total / len(c.campaigns); dialed[k] < fair/2 {
							t.Errorf("campaign %s dialed %d of %d calls", k, dialed[k], total)
						}
					}
				})
			})
		}
	}
}

// TestTurnIsNotKeptForWhoHasNoLeads holds that a campaign that wants no more agents keeps
// none from the others.
func TestTurnIsNotKeptForWhoHasNoLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := seated(map[string][]string{"a": {"x", "y"}, "b": {"x", "y"}})
		x, y := planLines(f, "x", 2), planLines(f, "y", 2)
		if len(x) != 4 || len(y) != 0 {
			t.Fatalf("x dials %d, y %d", len(x), len(y))
		}
		time.Sleep(turnTime)
		if n := len(planLines(f, "y", 2)); n != 0 {
			t.Fatalf("y dials %d while all agents are counted on", n)
		}
		for _, id := range x[:2] {
			f.landed(id)
		}
		if n := len(planLines(f, "x", 2)); n != 0 {
			t.Errorf("x dials %d more, and it is the turn of y", n)
		}
		if n := len(planLines(f, "y", 2)); n != 2 {
			t.Errorf("y dials %d, and an agent is over for it", n)
		}
		time.Sleep(hungerTime) // y says nothing any more
		f.landed(x[2])
		f.landed(x[3])
		if n := len(planLines(f, "x", 2)); n != 2 {
			t.Errorf("x dials %d, and nobody else wants its agent", n)
		}
	})
}
