package pacing

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// floorOf is a floor in full swing: one agent of twelve is free, calls have been dialed for
// up to 25 s and most of them ring, and 5,000 answers were counted in each of three windows.
func floorOf(agents, calls int, lead func(*rand.Rand) Lead) Snapshot {
	r := rand.New(rand.NewPCG(1, 1))
	s := Snapshot{Now: noon, Limits: open()}
	for _, name := range []string{"day", "30_days", "month"} {
		w := day(5000, 100)
		w.Name = name
		s.Windows = append(s.Windows, w)
	}
	for i := range agents {
		a := Agent{State: Engaged, Busy: noon.Add(-time.Duration(r.IntN(150)) * time.Second)}
		if i%12 == 0 {
			a = Agent{}
		}
		s.Agents = append(s.Agents, a)
	}
	for i := range calls {
		c := Call{Since: noon.Add(-time.Duration(r.IntN(25_000)) * time.Millisecond)}
		if i%4 > 0 {
			c.State, c.Rings = Ringing, c.Since.Add(2*time.Second)
		}
		if lead != nil {
			c.Lead = lead(r)
		}
		s.Calls = append(s.Calls, c)
	}
	for range 50 {
		if lead != nil {
			s.Next = append(s.Next, lead(r))
		}
	}
	return s
}

// anyLead is of one of five lists, and of some six hundred kinds that can be told apart.
func anyLead(r *rand.Rand) Lead {
	return Lead{
		List: fmt.Sprint("list ", r.IntN(5)), Hour: fmt.Sprintf("weekday %02d", 9+r.IntN(4)), Attempt: fmt.Sprint(1 + r.IntN(4)),
		Previous: []string{"", "busy", "no_answer", "machine"}[r.IntN(4)], Number: []string{"mobile", "fixed"}[r.IntN(2)],
	}
}

// acquainted is a pacer that has been taught, of leads too, that at each attempt fewer
// answer than at the one before.
func acquainted(tb testing.TB, leads bool) *predictive {
	p := taught(tb, Config{Patience: 2 * time.Second, LeastRing: 15 * time.Second}, 5000)
	r := rand.New(rand.NewPCG(2, 2))
	for range 3000 {
		if l := anyLead(r); leads {
			p.model.Odds.learn(&l, 0.2, r.Float64() < 0.2*(1.5-float64(l.Attempt[0]-'1')/3))
		}
	}
	return p
}

// BenchmarkDecide measures one decision. What the pacer learns by it is forgotten, so that
// it is the same decision however often it is made.
func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name          string
		agents, calls int
		lead          func(*rand.Rand) Lead
		anew          bool // forecasts are made anew, as they are every 20 s
	}{
		{"10 agents", 10, 20, nil, false},
		{"30 agents", 30, 60, nil, false},
		{"50 agents", 50, 150, nil, false},
		{"50 agents, leads", 50, 150, anyLead, false},
		{"500 agents", 500, 2000, nil, false},
		{"500 agents, anew", 500, 2000, nil, true},
		{"500 agents, leads", 500, 2000, anyLead, false},
		{"500 agents, leads, anew", 500, 2000, anyLead, true},
		{"500 agents begin", 500, 0, nil, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, s := acquainted(b, c.lead != nil), floorOf(c.agents, c.calls, c.lead)
			if c.calls == 0 {
				for i := range s.Agents {
					s.Agents[i] = Agent{}
				}
			}
			d := p.Decide(s)
			calls, handling := p.model.Calls, p.model.Handling
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				s.Now = noon.Add(time.Duration(1+n%100) * 10 * time.Millisecond)
				if p.model.Calls, p.model.Handling = calls, handling; c.anew {
					p.forecasts = forecasts{}
				}
				d = p.Decide(s)
			}
			b.ReportMetric(float64(d.Dial), "dials")
			b.ReportMetric(float64(len(d.GiveUp)), "gives_up")
		})
	}
}
