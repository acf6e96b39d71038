package sim

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ringpace/pacing"
)

// short is a preset of which only a few minutes are played.
func short(t *testing.T, name string) Scenario {
	t.Helper()
	s, err := FindScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	s.Hours = 0.4
	return s
}

func algorithms(t *testing.T, names ...string) []Algorithm {
	t.Helper()
	var all []Algorithm
	for _, n := range names {
		a, err := FindAlgorithm(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// reckless dials without measure, so that days are over the ceiling.
var reckless = Algorithm{Name: "reckless", New: func(*Scenario, uint64) (pacing.Pacer, error) {
	return pacing.New(pacing.Config{Mode: pacing.Power, Ratio: 20})
}}

func TestExperiment(t *testing.T) {
	defer goleak.VerifyNone(t)
	var done []int
	e := Experiment{
		Scenarios: []Scenario{short(t, "A20"), short(t, "A5")}, Algorithms: append(algorithms(t, "progressive"), reckless),
		Seeds: 3, First: 11, Reference: "progressive", Progress: func(n, total int) { done = append(done, n*100+total) },
	}
	r, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 12 || done[0] != 112 || done[11] != 1212 {
		t.Errorf("progress %v", done)
	}
	if len(r.Scenarios) != 2 || r.Scenarios[1].Scenario != "A5" || r.Scenarios[1].Agents != 5 || r.Scenarios[0].FirstSeed != 11 {
		t.Fatalf("%+v", r)
	}
	for _, o := range r.Scenarios {
		p, k := o.Results[0], o.Results[1]
		if p.Algorithm != "progressive" || p.Versus != nil || p.Abandonment != 0 || p.DaysOver != 0 || p.Days != 3 || !near(p.UpperOver, 0.63160) {
			t.Errorf("%s %+v", o.Scenario, p)
		}
		if p.Utilisation < 0.3 || p.Utilisation > 0.7 || p.UtilisationCI.Low >= p.Utilisation || p.UtilisationCI.High <= p.Utilisation {
			t.Errorf("%s utilisation %v %v", o.Scenario, p.Utilisation, p.UtilisationCI)
		}
		if p.WaitS <= 0 || p.WaitP90S <= p.WaitS || p.Talk <= 0 || p.Talk > 60 || p.Conversations <= 0 || p.Dials < 3 {
			t.Errorf("%s %+v", o.Scenario, p)
		}
		if k.DaysOver != 3 || k.ShareOver != 1 || k.UpperOver != 1 || k.AbandonmentMax < k.AbandonmentP95 || k.AbandonmentP95 < k.Abandonment {
			t.Errorf("%s %+v", o.Scenario, k)
		}
		v := k.Versus
		if v == nil || v.Reference != "progressive" || math.Abs(v.Utilisation-(k.Utilisation-p.Utilisation)) > 1e-12 ||
			v.CI.Low >= v.Utilisation || v.P <= 0 || v.PHolm < v.P || v.PHolm > 2*v.P {
			t.Errorf("%s %+v", o.Scenario, v)
		}
	}
	if len(r.Overall) != 2 || r.Overall[1].Algorithm != "reckless" || r.Overall[1].Days != 6 || r.Overall[1].DaysOver != 6 || r.Overall[0].DaysOver != 0 {
		t.Errorf("%+v", r.Overall)
	}
	// However many play at once, the days are the same.
	e.Workers = 1
	again, err := e.Run(t.Context())
	if d := cmp.Diff(r, again, cmp.Comparer(func(a, b Figure) bool { return a == b })); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestExperimentStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, stop := context.WithCancel(t.Context())
	days := 0
	e := Experiment{
		Scenarios: []Scenario{short(t, "A5")}, Algorithms: algorithms(t, "progressive"), Seeds: 1000,
		Progress: func(int, int) { days++; stop() },
	}
	if _, err := e.Run(ctx); !errors.Is(err, context.Canceled) || days > 50 {
		t.Errorf("%v after %d days", err, days)
	}
	broken := errors.New("broken")
	e.Algorithms = []Algorithm{{Name: "broken", New: func(*Scenario, uint64) (pacing.Pacer, error) { return nil, broken }}}
	if _, err := e.Run(t.Context()); !errors.Is(err, broken) || !errors.Is(err, ErrExperiment) {
		t.Error(err)
	}
}

func TestExperimentThatMakesNoSense(t *testing.T) {
	sound := Experiment{Scenarios: []Scenario{short(t, "A5")}, Algorithms: algorithms(t, "progressive"), Seeds: 1}
	for name, spoil := range map[string]func(*Experiment){
		"no scenario":    func(e *Experiment) { e.Scenarios = nil },
		"no algorithm":   func(e *Experiment) { e.Algorithms = nil },
		"no day":         func(e *Experiment) { e.Seeds = 0 },
		"too many days":  func(e *Experiment) { e.Seeds = math.MaxInt },
		"scenario twice": func(e *Experiment) { e.Scenarios = append(e.Scenarios, e.Scenarios[0]) },
		"twice the same": func(e *Experiment) { e.Algorithms = append(e.Algorithms, e.Algorithms[0]) },
		"reference":      func(e *Experiment) { e.Reference = "x" },
		"unsound":        func(e *Experiment) { e.Scenarios = []Scenario{{Name: "x"}} },
	} {
		e := sound
		spoil(&e)
		if _, err := e.Run(t.Context()); !errors.Is(err, ErrExperiment) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithAgents(t *testing.T) {
	e, err := FindScenario("E") // three crews of 20
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int][]int{1: {1}, 2: {1, 1}, 7: {3, 2, 2}, 60: {20, 20, 20}, 500: {167, 167, 166}} {
		s := e.WithAgents(n)
		var got []int
		for _, c := range s.Crews {
			got = append(got, c.Agents)
		}
		if d := cmp.Diff(want, got); d != "" || s.Agents() != n {
			t.Errorf("%d: %v", n, got)
		}
	}
	if e.Agents() != 60 {
		t.Error("the scenario itself has changed")
	}
}
