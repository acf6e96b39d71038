package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringpace/pacing"
)

// ErrAlgorithm is wrapped by the error of FindAlgorithm.
var ErrAlgorithm = errors.New("no such algorithm")

// Algorithm is a way of pacing that a scenario can be played with.
type Algorithm struct {
	Name  string // as it is asked for: progressive, predictive, …
	About string // one line

	// New returns a pacer for one day of the scenario, the one that the seed stands for.
	// A pacer learns: each day needs its own.
	New func(s *Scenario, seed uint64) (pacing.Pacer, error)

	oracle foresight // what the pacer is told that nobody can know
}

// Run plays one day of the scenario.
func (a *Algorithm) Run(s *Scenario, seed uint64) (Day, error) {
	p, err := a.New(s, seed)
	if err != nil {
		return Day{}, fmt.Errorf("%s in scenario %s: %w", a.Name, s.Name, err)
	}
	return a.oracle.run(s, p, seed), nil
}

// leastRing is how long a call rings at least before it is given up: 16 CFR
// 310.4(b)(4)(ii).
const leastRing = 15 * time.Second

// Algorithms returns all that can be played: Ringpace's modes, its oracles and its rivals. A rival
// stands once as it comes, where it comes with settings, and once as it was tuned in
// hindsight for each scenario.
func Algorithms() []Algorithm {
	without := func(k pacing.Knowledge, least time.Duration) func(*Scenario, uint64) (pacing.Pacer, error) {
		return func(s *Scenario, _ uint64) (pacing.Pacer, error) {
			return pacing.New(pacing.Config{Mode: pacing.Predictive, Patience: s.patience(), LeastRing: least, Ignore: k})
		}
	}
	predictive := without(0, leastRing)
	all := []Algorithm{
		{Name: "predictive", About: "Ringpace's predictive mode", New: predictive},
		{Name: "progressive", About: "never more calls in flight than free agents", New: func(*Scenario, uint64) (pacing.Pacer, error) {
			return pacing.New(pacing.Config{Mode: pacing.Progressive})
		}},
		{Name: "oracle-agents", About: "predictive mode that knows when agents finish", New: predictive, oracle: foresight{agents: true}},
		{Name: "oracle-calls", About: "predictive mode that knows the calls' outcomes", New: predictive, oracle: foresight{calls: true}},
		{Name: "oracle-both", About: "predictive mode that knows both", New: predictive, oracle: foresight{agents: true, calls: true}},
	}
	for _, w := range []struct {
		what, words string
		ignores     pacing.Knowledge
		least       time.Duration
	}{
		{"leads", "knowing who is how likely to answer", pacing.OfLeads, leastRing},
		{"ringing", "knowing whether calls ring", pacing.OfRinging, leastRing},
		{"leads-and-ringing", "knowing either", pacing.OfLeads | pacing.OfRinging, leastRing},
		{"leaving", "knowing when agents leave", pacing.OfLeaving, leastRing},
		{"handling", "knowing how long agents have been busy", pacing.OfHandling, leastRing},
		{"giving-up", "giving calls up", 0, 0},
	} {
		all = append(all, Algorithm{Name: "without-" + w.what, About: "predictive mode without " + w.words, New: without(w.ignores, w.least)})
	}
	all = append(all, Algorithm{
		Name: "without-arranging", About: "predictive mode that dials leads as they come", New: func(s *Scenario, seed uint64) (pacing.Pacer, error) {
			p, err := predictive(s, seed)
			l, _ := p.(pacing.Learner)
			return struct{ pacing.Learner }{l}, err // it is no Arranger
		},
	})
	for _, r := range Rivals() {
		if r.Defaults != nil {
			all = append(all, Algorithm{Name: r.Name, About: r.About + ", as it comes", New: func(s *Scenario, _ uint64) (pacing.Pacer, error) {
				return r.pacer(s, r.Defaults)
			}})
		}
		all = append(all, Algorithm{Name: r.Name + tunedSuffix, About: r.About + ", tuned for the scenario or the preset most like it", New: func(s *Scenario, _ uint64) (pacing.Pacer, error) {
			p, err := r.Tuned(s)
			if err != nil {
				return nil, err
			}
			return r.pacer(s, p)
		}})
	}
	return all
}

// tunedSuffix ends the names of rivals that were tuned in hindsight.
const tunedSuffix = "-tuned"

// TunedRivals returns every rival as it was tuned.
func TunedRivals() []Algorithm {
	return slices.DeleteFunc(Algorithms(), func(a Algorithm) bool { return !strings.HasSuffix(a.Name, tunedSuffix) })
}

// FindAlgorithm returns the algorithm of that name. Its error wraps ErrAlgorithm and says
// which there are.
func FindAlgorithm(name string) (Algorithm, error) {
	var names []string
	for _, a := range Algorithms() {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return Algorithm{}, fmt.Errorf("%w: %q; there are %s", ErrAlgorithm, name, strings.Join(names, ", "))
}

// patience is how long the scenario's people wait.
func (s *Scenario) patience() time.Duration {
	return time.Duration(s.Patience * float64(time.Second))
}
