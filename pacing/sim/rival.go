package sim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"ringpace/pacing"
)

// Settings are a rival's parameters by name.
type Settings map[string]float64

// Rival is a published way of pacing with parameters of its own.
type Rival struct {
	Name, About string
	Defaults    Settings             // how it comes; nil for one that needs tuning
	Grid        map[string][]float64 // the values that tuning tries, by parameter

	pacer func(*Scenario, Settings) (pacing.Pacer, error)
}

// Day plays one day of a scenario with these settings.
func (r *Rival) Day(s *Scenario, p Settings, seed uint64) (Day, error) {
	pacer, err := r.pacer(s, p)
	if err != nil {
		return Day{}, fmt.Errorf("%s in scenario %s: %w", r.Name, s.Name, err)
	}
	return Run(s, pacer, seed), nil
}

// tuned is what `go run ./pacing/sim/tune` found: settings by scenario and rival.
//
//go:embed tuned.json
var tuned []byte

// Tuned returns the settings that did best for the rival, in hindsight, in the scenario's
// preset; in a scenario that is none, those of the preset that is most like it.
func (r *Rival) Tuned(s *Scenario) (Settings, error) {
	var all map[string]map[string]Settings
	if err := json.Unmarshal(tuned, &all); err != nil {
		return nil, fmt.Errorf("tuned.json: %w", err)
	}
	if p, ok := all[s.Name][r.Name]; ok {
		return p, nil
	}
	var nearest Settings
	least := math.Inf(1)
	for _, preset := range Presets() {
		if p, ok := all[preset.Name][r.Name]; ok {
			if d := s.unlike(&preset); d < least {
				nearest, least = p, d
			}
		}
	}
	if nearest == nil {
		return nil, fmt.Errorf("%s was not tuned: go run ./pacing/sim/tune -rival %s", r.Name, r.Name)
	}
	return nearest, nil
}

// unlike is how much two scenarios differ: the logarithms of the ratios of their agents
// and of their shares of people.
func (s *Scenario) unlike(o *Scenario) float64 {
	ratio := func(a, b float64) float64 { return math.Abs(math.Log(max(a, 1e-6) / max(b, 1e-6))) }
	return ratio(float64(s.Agents()), float64(o.Agents())) + ratio(s.meanPeople(), o.meanPeople())
}

// meanPeople is the share of dials that a person answers, over the day.
func (s *Scenario) meanPeople() float64 {
	const samples = 200
	sum := 0.0
	for i := range samples {
		sum += s.people((float64(i) + 0.5) / samples * s.Hours * 3600)
	}
	return sum / samples
}

// Rivals returns every rival.
func Rivals() []Rival {
	gates := []float64{0.024, 0.027, 0.029}
	all := []Rival{
		{
			Name: "ratio", About: "a fixed number of lines for each agent logged in",
			Grid: map[string][]float64{"lines": {1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.6, 2, 2.5, 2.8, 2.9, 3, 3.2}},
			pacer: func(_ *Scenario, p Settings) (pacing.Pacer, error) {
				return ratio{lines: p["lines"]}, nil
			},
		},
		{
			Name: "lines-per-idle", About: "a fixed number of lines for each free agent: power mode",
			Grid: map[string][]float64{"lines": {1, 1.2, 1.4, 1.5, 1.6, 1.7, 1.8, 2, 2.2, 2.4, 2.5, 2.6, 2.8, 3, 3.2, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 10, 12, 13, 14, 18}},
			pacer: func(_ *Scenario, p Settings) (pacing.Pacer, error) {
				return pacing.New(pacing.Config{Mode: pacing.Power, Ratio: p["lines"]})
			},
		},
		{
			Name: "strict-gate", About: "many lines for each free agent while abandonment is below a gate, else progressive",
			Grid: map[string][]float64{"lines": {1.5, 2, 2.5, 3, 4, 5, 6, 8, 12, 18}, "gate": gates},
			pacer: func(_ *Scenario, p Settings) (pacing.Pacer, error) {
				return strictGate{lines: p["lines"], gate: p["gate"]}, nil
			},
		},
		{
			Name: "pi-overdial", About: "lines for each free agent under proportional and integral control of abandonment",
			Grid: map[string][]float64{
				"target": {0.027, 0.029}, "proportional": {0.5, 1, 2}, "integral": {0.1, 0.3, 0.6},
			},
			pacer: func(_ *Scenario, p Settings) (pacing.Pacer, error) {
				return &overdial{target: p["target"], proportional: p["proportional"], integral: p["integral"]}, nil
			},
		},
		{
			Name: "mean-matching", About: "as many answers expected within a horizon as a share of free agents, by learned hazards",
			Grid: map[string][]float64{"horizon": {12}, "ahead": {0, 2, 4}, "share": {0.2, 0.24, 0.28, 0.31, 0.34, 0.37, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7}},
			pacer: func(_ *Scenario, p Settings) (pacing.Pacer, error) {
				return &meanMatching{horizon: int(p["horizon"]), ahead: int(p["ahead"]), share: p["share"]}, nil
			},
		},
		vicidialRival("vicidial-ratio", vicidialRatio, "VICIdial's RATIO: a fixed dial level",
			map[string][]float64{"level": {1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 2, 2.5, 3, 3.1, 3.2, 3.5}}),
	}
	adaptive := func() map[string][]float64 {
		return map[string][]float64{
			"available": {1}, "most": {1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 12, 18},
			"limit": {0.026, 0.029},
		}
	}
	return append(all,
		vicidialRival("vicidial-hard-limit", vicidialHardLimit, "VICIdial's ADAPT_HARD_LIMIT", adaptive()),
		vicidialRival("vicidial-tapered", vicidialTapered, "VICIdial's ADAPT_TAPERED", adaptive()),
		vicidialRival("vicidial-average", vicidialAverage, "VICIdial's ADAPT_AVERAGE", adaptive()),
	)
}

func vicidialRival(name string, m vicidialMethod, about string, grid map[string][]float64) Rival {
	d := vicidialDefaults()
	defaults := Settings{"level": d.level, "limit": d.limit, "most": d.most, "available": 0, "intensity": d.intensity, "difference": d.difference}
	return Rival{
		Name: name, About: about, Defaults: defaults, Grid: grid,
		pacer: func(s *Scenario, p Settings) (pacing.Pacer, error) {
			get := func(name string) float64 {
				if v, ok := p[name]; ok {
					return v
				}
				return defaults[name]
			}
			return &vicidial{
				method: m, shift: time.Duration(s.Hours * float64(time.Hour)),
				vicidialSettings: vicidialSettings{
					level: get("level"), available: get("available") != 0, limit: get("limit"),
					most: get("most"), intensity: get("intensity"), difference: get("difference"),
				},
			}, nil
		},
	}
}
