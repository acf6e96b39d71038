package chain

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Reaper finds the recordings of a directory whose files are to go. One goroutine uses
// it.
type Reaper struct {
	root string
	due  func(Entry) (since time.Time, ok bool) // from when a line counts; not ok: it does not
	done map[string]bool                        // days of which nothing is left
}

// NewReaper returns a Reaper for a recording directory, of recordings that are past their
// time, which counts from their start.
func NewReaper(root string) *Reaper {
	return &Reaper{root: root, done: map[string]bool{}, due: func(e Entry) (time.Time, bool) {
		return e.Start, e.Kind == Kept || e.Kind == Salvaged || e.Kind == Lost
	}}
}

// NewClearer returns a Reaper of recordings that an object storage has, whose time counts
// from their upload.
func NewClearer(root string) *Reaper {
	return &Reaper{root: root, done: map[string]bool{}, due: func(e Entry) (time.Time, bool) {
		return e.At, e.Kind == Uploaded
	}}
}

// Expired returns the recordings whose time began before an instant and that have a file
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
			if err != nil {
				return nil
			}
			if _, ok := r.due(e); !ok {
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
		e := last[path]
		if since, _ := r.due(e); since.Before(before) {
			list = append(list, e)
		}
	}
	return list, nil
}
