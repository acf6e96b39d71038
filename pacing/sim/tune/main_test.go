package main

import (
	"os"
	"path/filepath"
	"testing"

	"ringpace/pacing/sim"
)

func TestTuneKeepsTheCeiling(t *testing.T) {
	s, err := sim.FindScenario("A5")
	if err != nil {
		t.Fatal(err)
	}
	s.Hours = 0.5
	var r sim.Rival
	for _, x := range sim.Rivals() {
		if x.Name == "lines-per-idle" {
			r = x
		}
	}
	tuner := tuner{coarse: 1, fine: 3, best: 1, workers: 2}
	r.Grid = map[string][]float64{"lines": {1, 30}}
	p, err := tuner.tune(&s, &r)
	if err != nil || p.settings["lines"] != 1 || p.days != 3 || p.over != 0 {
		t.Errorf("%+v, %v: 30 lines abandon nearly all, 1 abandons none", p, err)
	}
	r.Grid = map[string][]float64{"lines": {30, 40}}
	if p, err := tuner.tune(&s, &r); err == nil {
		t.Errorf("took %v, which is over the ceiling", p.settings)
	}
}

func TestRunTunesWhatIsAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tuned.json")
	if err := os.WriteFile(path, []byte(`{"A5": {"ratio": {"lines": 7}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tuner := tuner{coarse: 1, fine: 1, best: 1, workers: 1}
	none := func(string) bool { return false }
	if err := tuner.run(path, asked("A5,B"), none); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if want := `{"A5": {"ratio": {"lines": 7}}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v: not as it was", b, err)
	}
	if err := os.WriteFile(path, []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tuner.run(path, asked("A5"), none); err == nil {
		t.Error("took a broken file")
	}
}

func TestPointsAreAllCombinations(t *testing.T) {
	seen := map[[2]float64]bool{}
	for _, p := range points(map[string][]float64{"a": {1, 2, 3}, "b": {4, 5}}) {
		seen[[2]float64{p.settings["a"], p.settings["b"]}] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d points, want 6: %v", len(seen), seen)
	}
}
