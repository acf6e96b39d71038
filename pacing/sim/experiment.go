package sim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Experiment plays scenarios with algorithms. Every algorithm meets the same days: the
// numbers that are dialed, the people who answer and the agents are those of the seed.
type Experiment struct {
	Scenarios  []Scenario
	Algorithms []Algorithm
	Seeds      int    // days of each scenario
	First      uint64 // seed of the first day; each further one has the next
	Reference  string // the algorithm that the others are compared with; "" for none

	Workers  int                   // days that are played at the same time; 0 for as many as there are processors
	Progress func(done, total int) // called after each day, one call at a time; may be nil
}

// mostSeeds bounds the days of each scenario, which are kept until they are summed up.
const mostSeeds = 100_000

// ErrExperiment is wrapped by the errors of an experiment that makes no sense.
var ErrExperiment = errors.New("experiment")

// Run plays all days and sums them up. It ends early with the context's error: no further
// day begins then, and those that have begun are played to their end.
func (e *Experiment) Run(ctx context.Context) (*Report, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	played := make([]figures, e.Days())
	if err := e.play(ctx, played); err != nil {
		return nil, err
	}
	return e.report(played), nil
}

// Days is how many it plays.
func (e *Experiment) Days() int { return len(e.Scenarios) * e.Seeds * len(e.Algorithms) }

// Check says whether the experiment makes sense. Its errors wrap ErrExperiment.
func (e *Experiment) Check() error {
	if len(e.Scenarios) == 0 || len(e.Algorithms) == 0 || e.Seeds < 1 {
		return fmt.Errorf("%w: it needs a scenario, an algorithm and a day", ErrExperiment)
	}
	if e.Seeds > mostSeeds {
		return fmt.Errorf("%w: %d days are too many; there may be %d of each scenario", ErrExperiment, e.Seeds, mostSeeds)
	}
	type floor struct {
		name   string
		agents int
	}
	floors := make(map[floor]bool)
	for i := range e.Scenarios {
		f := floor{e.Scenarios[i].Name, e.Scenarios[i].Agents()}
		if floors[f] {
			return fmt.Errorf("%w: scenario %s with %d agents twice", ErrExperiment, f.name, f.agents)
		}
		floors[f] = true
		if err := e.Scenarios[i].Validate(); err != nil {
			return fmt.Errorf("%w: scenario %s: %w", ErrExperiment, e.Scenarios[i].Name, err)
		}
	}
	var names []string
	for i := range e.Algorithms {
		if slices.Contains(names, e.Algorithms[i].Name) {
			return fmt.Errorf("%w: algorithm %s twice", ErrExperiment, e.Algorithms[i].Name)
		}
		names = append(names, e.Algorithms[i].Name)
	}
	if e.Reference != "" && !slices.Contains(names, e.Reference) {
		return fmt.Errorf("%w: the reference %s is not among its algorithms", ErrExperiment, e.Reference)
	}
	return nil
}

// place is where in the days played one is found.
func (e *Experiment) place(scenario, seed, algorithm int) int {
	return (scenario*e.Seeds+seed)*len(e.Algorithms) + algorithm
}

// play plays every day.
func (e *Experiment) play(ctx context.Context, played []figures) error {
	return inParallel(ctx, len(played), e.Workers, e.Progress, func(i int) (err error) {
		played[i], err = e.day(i)
		return err
	})
}

// inParallel does n pieces of work, the workers (0: as many as there are processors) taking
// the next one each, and reports progress, which may be nil, after each. It ends early with
// the context's error, or that of a piece.
func inParallel(ctx context.Context, n, workers int, progress func(done, total int), work func(int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	ended := make(chan error)
	var group sync.WaitGroup
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for range min(workers, n) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				ended <- work(i)
			}
		})
	}
	go func() {
		group.Wait()
		close(ended)
	}()
	done := 0
	for err := range ended {
		if err != nil {
			stop(err)
			continue
		}
		if done++; progress != nil {
			progress(done, n)
		}
	}
	if done < n {
		return context.Cause(ctx)
	}
	return nil
}

func (e *Experiment) day(i int) (figures, error) {
	a := &e.Algorithms[i%len(e.Algorithms)]
	i /= len(e.Algorithms)
	d, err := a.Run(&e.Scenarios[i/e.Seeds], e.First+uint64(i%e.Seeds))
	if err != nil {
		return figures{}, fmt.Errorf("%w: %w", ErrExperiment, err)
	}
	return d.figures(), nil
}
