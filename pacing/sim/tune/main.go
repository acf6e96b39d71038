// Command tune finds, for each rival and scenario of the simulator, the settings that its
// grid holds with the highest utilisation among those that keep at least 95 % of days at
// or below the ceiling; it writes them to pacing/sim/tuned.json. What it is not asked to
// tune stays as it is there.
//
//	go run ./pacing/sim/tune [-scenario A5,A10] [-rival ratio,strict-gate]
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"ringpace/pacing/sim"
)

// Seeds for tuning begin far from those that comparisons are made with, which are from 1 on.
const firstSeed = 1000

func main() {
	scenarios := flag.String("scenario", "", "scenarios, by comma; all unless given")
	rivals := flag.String("rival", "", "rivals, by comma; all unless given")
	coarse := flag.Int("coarse", 2, "days for each point of the grid")
	fine := flag.Int("fine", 20, "days for each of the best")
	best := flag.Int("best", 2, "points that are then played at once, best first, until one keeps the ceiling")
	workers := flag.Int("workers", runtime.NumCPU(), "days played at once")
	out := flag.String("out", "pacing/sim/tuned.json", "file to write")
	flag.Parse()
	t := tuner{coarse: *coarse, fine: *fine, best: *best, workers: *workers}
	if err := t.run(*out, asked(*scenarios), asked(*rivals)); err != nil {
		fmt.Fprintln(os.Stderr, "tune:", err)
		os.Exit(1)
	}
}

// asked tells whether a name is among those in a list; all are in an empty one.
func asked(list string) func(string) bool {
	return func(name string) bool { return list == "" || slices.Contains(strings.Split(list, ","), name) }
}

type tuner struct{ coarse, fine, best, workers int }

// run tunes what is asked for, and writes the file after each rival of a scenario.
func (t *tuner) run(path string, scenario, rival func(string) bool) error {
	all := map[string]map[string]sim.Settings{}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &all); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, s := range sim.Presets() {
		if !scenario(s.Name) {
			continue
		}
		if all[s.Name] == nil {
			all[s.Name] = map[string]sim.Settings{}
		}
		for _, r := range sim.Rivals() {
			if !rival(r.Name) {
				continue
			}
			p, err := t.tune(&s, &r)
			if err != nil {
				return err
			}
			fmt.Printf("%-4s %-20s %5.2f %% abandoned %4.2f %% over %d of %d %v\n", s.Name, r.Name, 100*p.utilisation, 100*p.abandonment, p.over, t.fine, p.settings)
			all[s.Name][r.Name] = p.settings
			if err := write(path, all); err != nil {
				return err
			}
		}
	}
	return nil
}

func write(path string, all map[string]map[string]sim.Settings) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "\t")
	if err := e.Encode(all); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// point is one of a grid's, and how it did.
type point struct {
	settings    sim.Settings
	utilisation float64
	abandonment float64
	over        int // days
	days        int
	kept        bool // over on no more days than it may be
}

// tune plays the whole grid for some days, and the best of it for more, until enough of
// those have kept the ceiling.
func (t *tuner) tune(s *sim.Scenario, r *sim.Rival) (point, error) {
	grid := points(r.Grid)
	if err := t.play(s, r, grid, t.coarse, t.coarse); err != nil {
		return point{}, err
	}
	// Few days tell how much is abandoned better than how many days are over.
	grid = slices.DeleteFunc(grid, func(p *point) bool { return p.abandonment > s.Ceiling })
	slices.SortStableFunc(grid, func(a, b *point) int { return cmp.Compare(b.utilisation, a.utilisation) })
	var kept []*point
	for len(grid) > 0 && len(kept) == 0 {
		n := min(t.best, len(grid))
		if err := t.play(s, r, grid[:n], t.fine, t.fine/20); err != nil {
			return point{}, err
		}
		for _, p := range grid[:n] {
			if p.kept {
				kept = append(kept, p)
			}
		}
		grid = grid[n:]
	}
	if len(kept) == 0 {
		return point{}, fmt.Errorf("%s in scenario %s: every point of the grid is over the ceiling on more than 5 %% of days", r.Name, s.Name)
	}
	return *slices.MaxFunc(kept, func(a, b *point) int { return cmp.Compare(a.utilisation, b.utilisation) }), nil
}

// play plays so many days for each point, and stops with one that is over the ceiling on
// more days than it may be.
func (t *tuner) play(s *sim.Scenario, r *sim.Rival, grid []*point, days, over int) error {
	var wg sync.WaitGroup
	work := make(chan *point)
	failed := make(chan error, 1)
	for range t.workers {
		wg.Go(func() {
			for p := range work {
				if err := p.play(s, r, days, over); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for _, p := range grid {
		work <- p
	}
	close(work)
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (p *point) play(s *sim.Scenario, r *sim.Rival, days, over int) error {
	p.days, p.over = 0, 0
	var utilisation, abandonment float64
	for p.days < days && p.over <= over {
		d, err := r.Day(s, p.settings, firstSeed+uint64(p.days))
		if err != nil {
			return err
		}
		p.days++
		utilisation += d.Utilisation
		abandonment += d.Abandonment()
		if d.Abandonment() > s.Ceiling {
			p.over++
		}
	}
	p.kept = p.over <= over
	p.utilisation, p.abandonment = utilisation/float64(p.days), abandonment/float64(p.days)
	return nil
}

// points are all combinations of a grid's values.
func points(grid map[string][]float64) []*point {
	all := []*point{{settings: sim.Settings{}}}
	for _, name := range slices.Sorted(maps.Keys(grid)) {
		var next []*point
		for _, p := range all {
			for _, v := range grid[name] {
				settings := maps.Clone(p.settings)
				settings[name] = v
				next = append(next, &point{settings: settings})
			}
		}
		all = next
	}
	return all
}
