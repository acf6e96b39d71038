package chain

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Reaper finds the recordings of a directory that are past their time. One goroutine
// uses it.
type Reaper struct {
	root string
	done map[string]bool // days of which nothing is left
}

// NewReaper returns a Reaper for a recording directory.
func NewReaper(root string) *Reaper { return &Reaper{root: root, done: map[string]bool{}} }

// Expired returns the recordings that were begun before an instant and have a file
// still. Whether they are held is for Log.Remove to tell.
func (r *Reaper) Expired(before time.Time) ([]Entry, error) {
	days, err := dayNames(r.root)
	if err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	last := map[string]Entry{} // by path
	// The line that a recording is kept by comes at its end, which may be days after its
	// start; later ones, of recordings that were salvaged, get their turn a little late.
	limit, latest := before.UTC().Format(dayLayout), before.UTC().AddDate(0, 0, lookBack).Format(dayLayout)
	for _, day := range days {
		if day > latest || r.done[day] {
			continue
		}
		left := day >= limit // there may be more to come
		err := eachLine(filepath.Join(r.root, Folder, day+extension), func(line []byte, _ bool) error {
			e, err := parseLine(line)
			if err != nil || e.Kind != Kept && e.Kind != Salvaged && e.Kind != Lost {
				return nil
			}
			if _, err := os.Lstat(filepath.Join(r.root, filepath.FromSlash(e.Path))); err != nil {
				return nil
			}
			left = true
			last[e.Path] = e
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("chain: %w", err)
		}
		r.done[day] = !left
	}
	var list []Entry
	for _, path := range slices.Sorted(maps.Keys(last)) {
		if e := last[path]; e.Start.Before(before) {
			list = append(list, e)
		}
	}
	return list, nil
}
