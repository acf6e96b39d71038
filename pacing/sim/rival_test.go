package sim

import (
	"math"
	"testing"
	"time"

	"ringpace/pacing"
)

// scene makes a snapshot of so many seconds after the day began.
type scene struct {
	at                    float64
	free, talking, wrapUp int
	dialing, waiting      int
	answered, abandoned   int
	leads                 int // 0: unlimited
}

func (c scene) snapshot() pacing.Snapshot {
	s := pacing.Snapshot{
		Now:     clock(c.at),
		Limits:  pacing.Limits{Leads: pacing.Unlimited, Channels: pacing.Unlimited, Rate: pacing.Unlimited},
		Windows: []pacing.Window{{Name: "day", Ceiling: 0.03, Answered: c.answered, Abandoned: c.abandoned, Ends: clock(8 * 3600)}},
	}
	if c.leads > 0 {
		s.Limits.Leads = c.leads
	}
	agents := func(n int, state pacing.AgentState) {
		for range n {
			s.Agents = append(s.Agents, pacing.Agent{State: state, Since: s.Now, Busy: s.Now.Add(-time.Minute)})
		}
	}
	agents(c.free, pacing.Free)
	agents(c.talking, pacing.Engaged)
	agents(c.wrapUp, pacing.WrapUp)
	for range c.dialing {
		s.Calls = append(s.Calls, pacing.Call{Since: s.Now.Add(-5 * time.Second)})
	}
	for range c.waiting {
		s.Calls = append(s.Calls, pacing.Call{State: pacing.Waiting, Since: s.Now.Add(-9 * time.Second)})
	}
	return s
}

func TestRivalsDialByTheirRule(t *testing.T) {
	settings := vicidialDefaults()
	settings.level = 1.5
	available := settings
	available.available = true
	for _, c := range []struct {
		name  string
		pacer pacing.Pacer
		scene scene
		want  int
	}{
		{"ratio counts who talks and who writes up", ratio{1.5}, scene{free: 2, talking: 5, wrapUp: 3, dialing: 4}, 15 - 4 - 5},
		{"ratio is met", ratio{1}, scene{free: 2, talking: 3, dialing: 9}, 0},
		{"ratio has no more leads", ratio{3}, scene{free: 2, leads: 1}, 1},
		{"ratio without agents", ratio{3}, scene{dialing: 1}, 0},
		{"gate is open", strictGate{lines: 4, gate: 0.025}, scene{free: 3, talking: 9, dialing: 2, answered: 100, abandoned: 2}, 10},
		{"gate is closed", strictGate{lines: 4, gate: 0.025}, scene{free: 3, talking: 9, dialing: 2, answered: 100, abandoned: 3}, 1},
		{"VICIdial's level counts who waits or talks", &vicidial{vicidialSettings: settings}, scene{free: 4, talking: 4, wrapUp: 9, dialing: 3}, 12 - 3 - 4},
		{"VICIdial's available only tally", &vicidial{vicidialSettings: available}, scene{free: 4, talking: 4, wrapUp: 9, dialing: 3}, 6 - 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := c.pacer.Decide(c.scene.snapshot()); d.Dial != c.want {
				t.Errorf("dials %d, want %d", d.Dial, c.want)
			}
		})
	}
}

// shift plays the same scene to a VICIdial each second, and returns its level after.
func shift(v *vicidial, c scene, seconds int) float64 {
	for range seconds {
		v.Decide(c.snapshot())
		c.at++
	}
	return v.level
}

func adaptive(m vicidialMethod, change func(*vicidialSettings)) *vicidial {
	v := &vicidial{method: m, shift: 8 * time.Hour, vicidialSettings: vicidialDefaults()}
	v.level = 2
	if change != nil {
		change(&v.vicidialSettings)
	}
	return v
}

func TestVicidialAdaptsItsLevel(t *testing.T) {
	idle := scene{free: 10, talking: 10}
	queue := scene{talking: 20, waiting: 4}
	over := scene{free: 10, talking: 10, answered: 1000, abandoned: 50}
	late := over
	late.at = 5 * 3600
	none := func(*vicidialSettings) {}
	for _, c := range []struct {
		name    string
		method  vicidialMethod
		set     func(*vicidialSettings)
		scene   scene
		began   float64 // seconds before the scene that the shift began
		seconds int
		calls   int // placed before
		want    float64
	}{
		{"RATIO never moves", vicidialRatio, none, idle, 0, 120, 0, 2},
		{"not before 15 s", vicidialTapered, none, idle, 0, 15, 0, 2},
		{"agents wait: up by their share", vicidialTapered, none, idle, 0, 16, 0, 2 * (1 + vicidialGain*0.5)},
		{"calls wait: down by their share", vicidialTapered, none, queue, 0, 16, 0, 2 * (1 - vicidialGain*0.2)},
		{"more intense: rises more", vicidialTapered, func(v *vicidialSettings) { v.intensity = 10 }, idle, 0, 16, 0, 2 * (1 + 1.1*vicidialGain*0.5)},
		{"more intense: falls less", vicidialTapered, func(v *vicidialSettings) { v.intensity = 10 }, queue, 0, 16, 0, 2 * (1 - 0.9*vicidialGain*0.2)},
		{"ten agents are to wait", vicidialTapered, func(v *vicidialSettings) { v.difference = -10 }, idle, 0, 16, 0, 2},
		{"not above the maximum", vicidialAverage, none, idle, 0, 120, 0, 3},
		{"not below 1", vicidialAverage, none, scene{talking: 5, waiting: 5}, 0, 600, 0, 1},
		{"50 calls tell nothing", vicidialHardLimit, none, over, 0, 61, -1e6, 3},
		{"hard limit", vicidialHardLimit, none, over, 0, 61, 51, 1},
		{"tapered: lax at first", vicidialTapered, none, over, 0, 61, 51, 3},
		{"tapered: strict in the second half", vicidialTapered, none, late, 5 * 3600, 61, 51, 1},
		{"under the limit", vicidialHardLimit, none, scene{free: 10, talking: 10, answered: 1000, abandoned: 29}, 0, 61, 51, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := adaptive(c.method, c.set)
			v.calls = c.calls
			if c.began > 0 {
				v.began, v.adapted, v.counted = clock(c.scene.at-c.began), clock(c.scene.at), clock(c.scene.at)
			}
			if got := shift(v, c.scene, c.seconds); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("level %v, want %v", got, c.want)
			}
		})
	}
	average := adaptive(vicidialAverage, nil)
	average.calls = 51
	if got := shift(average, over, 61); got <= 1 || got >= 3 {
		t.Errorf("ADAPT_AVERAGE went to %v: it lowers the level without a hard limit", got)
	}
}

func TestOverdialSpendsWhatWasSpared(t *testing.T) {
	c := &overdial{target: 0.03, proportional: 1, integral: 0.5}
	quiet := scene{free: 10, answered: 100}
	if d := c.Decide(quiet.snapshot()); d.Dial != 10*(1+1)+10*3/2 {
		t.Errorf("dials %d: 1 for each agent, 1 for the target spared and half of 3 abandonments spared", d.Dial)
	}
	loss := scene{free: 10, answered: 110, abandoned: 20}
	if d := c.Decide(loss.snapshot()); d.Dial != 10 {
		t.Errorf("dials %d after a loss, want 1 for each agent", d.Dial)
	}
	for n := 110; n <= 600; n += 10 { // what is at its bound does not wind up further
		c.Decide(scene{free: 10, answered: n, abandoned: 20 + (n-110)/10}.snapshot())
	}
	var d pacing.Decision
	for n := 610; n <= 1000; n += 10 {
		d = c.Decide(scene{free: 10, answered: n, abandoned: 69}.snapshot())
	}
	if d.Dial <= 20 {
		t.Errorf("dials %d after 400 answers without a loss: an old debt holds it down", d.Dial)
	}
}

func TestMeanMatchingMatchesMeans(t *testing.T) {
	dials := func(m *meanMatching, c scene) int { return m.Decide(c.snapshot()).Dial }
	m := &meanMatching{horizon: 12, ahead: 10, share: 0.5}
	few, many := dials(m, scene{free: 2}), dials(m, scene{free: 4})
	if few <= 2 || many < 2*few-1 || many > 2*few+1 {
		t.Errorf("%d for 2 free agents, %d for 4: not in proportion", few, many)
	}
	if n := dials(m, scene{free: 4, waiting: 2}); n != 0 {
		t.Errorf("dials %d though as many wait as half of the agents", n)
	}
	if n := dials(m, scene{free: 4, dialing: 40}); n != 0 {
		t.Errorf("dials %d though 40 calls are in flight", n)
	}
	if n := dials(m, scene{free: 4, talking: 40}); n <= many {
		t.Errorf("dials %d though some of 40 agents will be free, too", n)
	}
	// Calls that are answered more often need fewer.
	for range 500 {
		m.Observe(pacing.Event{Kind: pacing.CallAnswered, At: clock(5.5), Call: pacing.Call{Since: clock(0)}})
	}
	if n := dials(m, scene{free: 4}); n >= many {
		t.Errorf("dials %d after 500 answers, %d before", n, many)
	}
}

func TestTunedSettings(t *testing.T) {
	for _, r := range Rivals() {
		for _, s := range Presets() {
			p, err := r.Tuned(&s)
			if err != nil {
				t.Fatal(err)
			}
			for name := range p {
				if _, ok := r.Grid[name]; !ok {
					t.Errorf("%s in %s has %q, which its grid does not have", r.Name, s.Name, name)
				}
			}
			own := s
			own.Name = "my own"
			if other, err := r.Tuned(&own); err != nil || len(other) != len(p) {
				t.Errorf("%s in a scenario like %s: %v, %v", r.Name, s.Name, other, err)
			}
		}
	}
}
