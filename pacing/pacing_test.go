package pacing

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func open() Limits { return Limits{Leads: Unlimited, Channels: Unlimited, Rate: Unlimited} }

func snapshot(free, engaged, dialing, ringing, waiting int) Snapshot {
	s := Snapshot{Now: noon, Limits: open()}
	for range free {
		s.Agents = append(s.Agents, Agent{State: Free, Since: noon})
	}
	for range engaged {
		s.Agents = append(s.Agents, Agent{State: Engaged, Since: noon})
	}
	for state, n := range []int{dialing, ringing, waiting} {
		for range n {
			s.Calls = append(s.Calls, Call{State: CallState(state), Since: noon})
		}
	}
	return s
}

func must(t testing.TB, c Config) Pacer {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDecide(t *testing.T) {
	cases := []struct {
		name  string
		c     Config
		s     Snapshot
		limit func(*Snapshot)
		dial  int
		bound Limit
		says  string
	}{
		{"one line per free agent", Config{Mode: Progressive}, snapshot(5, 3, 1, 1, 0), nil, 3, ByAgents, "every free agent"},
		{"a waiting call has an agent's place", Config{Mode: Progressive}, snapshot(1, 0, 0, 0, 1), nil, 0, ByAgents, "every free agent"},
		{"more in flight than agents", Config{Mode: Progressive}, snapshot(1, 4, 3, 0, 0), nil, 0, ByAgents, ""},
		{"nobody logged in", Config{Mode: Progressive}, snapshot(0, 0, 0, 0, 0), nil, 0, ByAgents, "none is logged in"},
		{"nobody free", Config{Mode: Power, Ratio: 3}, snapshot(0, 9, 0, 0, 0), nil, 0, ByAgents, "none is free"},
		{"a ratio", Config{Mode: Power, Ratio: 2.5}, snapshot(3, 0, 2, 0, 0), nil, 5, ByAgents, ""},
		{"part of a line is not dialed", Config{Mode: Power, Ratio: 1.9}, snapshot(1, 0, 0, 0, 0), nil, 1, ByAgents, ""},
		{"a ratio that binary fractions miss", Config{Mode: Power, Ratio: 1.1}, snapshot(10, 0, 0, 0, 0), nil, 11, ByAgents, ""},
		{"own maximum", Config{Mode: Power, Ratio: 5, MaxInFlight: 12}, snapshot(10, 0, 8, 2, 0), nil, 2, ByMaximum, "max_in_flight of 12"},
		{"list", Config{Mode: Progressive}, snapshot(9, 0, 0, 0, 0), func(s *Snapshot) { s.Limits.Leads = 4 }, 4, ByLeads, "4 leads"},
		{"channels", Config{Mode: Progressive}, snapshot(9, 0, 0, 0, 0), func(s *Snapshot) { s.Limits.Channels = 2 }, 2, ByChannels, "2 channels"},
		{"rate", Config{Mode: Progressive}, snapshot(9, 0, 0, 0, 0), func(s *Snapshot) { s.Limits.Rate = 1 }, 1, ByRate, "1 may start"},
		{"the tightest is named", Config{Mode: Progressive}, snapshot(9, 0, 0, 0, 0), func(s *Snapshot) { s.Limits.Channels, s.Limits.Rate = 3, 2 }, 2, ByRate, ""},
		{"stopped", Config{Mode: Progressive}, snapshot(9, 0, 0, 0, 0), func(s *Snapshot) { s.Limits.Stop = "the disk is full" }, 0, ByStop, "the disk is full"},
		{"preview waits for the agent", Config{Mode: Preview}, snapshot(4, 0, 0, 0, 0), nil, 0, ByRequest, "waits for an agent"},
		{"preview dials what is asked for", Config{Mode: Preview}, snapshot(2, 1, 0, 0, 0), func(s *Snapshot) { s.Asked = 2 }, 2, ByRequest, "asked for 2"},
		{"preview without agents", Config{Mode: Preview}, snapshot(0, 0, 0, 0, 0), func(s *Snapshot) { s.Asked = 1 }, 0, ByAgents, ""},
		{"preview within channels", Config{Mode: Preview}, snapshot(3, 0, 0, 0, 0), func(s *Snapshot) { s.Asked, s.Limits.Channels = 3, 1 }, 1, ByChannels, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := c.s
			if c.limit != nil {
				c.limit(&s)
			}
			d := must(t, c.c).Decide(s)
			if d.Dial != c.dial || d.Bound != c.bound {
				t.Errorf("dials %d bound by %s, want %d by %s", d.Dial, d.Bound, c.dial, c.bound)
			}
			if !strings.Contains(d.Explain(), c.says) {
				t.Errorf("explanation %q lacks %q", d.Explain(), c.says)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{},
		{Mode: "predictive-ish"},
		{Mode: Power},
		{Mode: Power, Ratio: 0.5},
		{Mode: Power, Ratio: math.NaN()},
		{Mode: Power, Ratio: math.Inf(1)},
		{Mode: Progressive, MaxInFlight: -1},
		{Mode: Predictive, Target: -0.5},
		{Mode: Predictive, Target: 1.1},
		{Mode: Predictive, Target: math.NaN()},
		{Mode: Predictive, MaxRatio: -1},
		{Mode: Predictive, MaxRatio: math.NaN()},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: error %v, want ErrConfig", c, err)
		}
	}
}

// TestLaws holds what must be true of every decision of every mode, whatever the
// snapshot: it keeps to every limit, dials nothing without agents, dials no less
// with one more free agent, and always says what bound it.
func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	configs := []Config{{Mode: Progressive}, {Mode: Progressive, MaxInFlight: 5}, {Mode: Power, Ratio: 1}, {Mode: Power, Ratio: 3.3}, {Mode: Preview}, {Mode: Predictive}, {Mode: Predictive, MaxRatio: 1.5}}
	for range 20_000 {
		c := configs[r.IntN(len(configs))]
		s := snapshot(r.IntN(8), r.IntN(8), r.IntN(6), r.IntN(6), r.IntN(3))
		s.Asked = r.IntN(4)
		s = busyFor(s, time.Duration(r.IntN(300))*time.Second)
		if r.IntN(3) > 0 {
			s.Windows = []Window{day(r.IntN(3000), r.IntN(90))}
		}
		s.Limits = Limits{Leads: r.IntN(30), Channels: r.IntN(30), Rate: r.IntN(30)}
		d := must(t, c).Decide(s)
		switch {
		case d.Dial < 0 || d.Dial > min(s.Limits.Leads, s.Limits.Channels, s.Limits.Rate):
			t.Fatalf("%+v dials %d over %+v", c, d.Dial, s.Limits)
		case len(s.Agents) == 0 && d.Dial > 0:
			t.Fatalf("%+v dials %d without agents", c, d.Dial)
		case c.MaxRatio > 0 && d.Dial > 0 && float64(d.InFlight+d.Dial) > c.MaxRatio*float64(d.Agents):
			t.Fatalf("%d in flight and %d more, with a max_ratio of %v and %d agents", d.InFlight, d.Dial, c.MaxRatio, d.Agents)
		case c.Mode == Progressive && d.Dial > 0 && d.InFlight+d.Dial > d.Free:
			t.Fatalf("progressive would have %d in flight for %d free agents", d.InFlight+d.Dial, d.Free)
		case d.Bound == "" || d.Explain() == "":
			t.Fatalf("%+v has no reason", d)
		}
		more := s
		more.Agents = append(append([]Agent(nil), s.Agents...), Agent{State: Free})
		if e := must(t, c).Decide(more); e.Dial < d.Dial {
			t.Fatalf("%+v: %d with one more free agent, %d without", c, e.Dial, d.Dial)
		}
	}
}
