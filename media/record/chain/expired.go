package chain

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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
// still. Whether they are held is for Log.Remove to tell. An error that wraps ErrAstray is
// of others than those that are returned: they are looked for again the next time.
func (r *Reaper) Expired(before time.Time) ([]Entry, error) {
	days, err := dayNames(r.root)
	if err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	last := map[string]Entry{}  // by path
	astray := map[string]find{} // by path
	// The line that a recording is kept by comes at its end, which may be days after its
	// start; later ones, of recordings that were salvaged, get their turn a little late.
	limit, latest := before.UTC().Format(dayLayout), before.UTC().AddDate(0, 0, lookBack).Format(dayLayout)
	left := map[string]bool{} // of the days that were read, whether there may be more to come
	for _, day := range days {
		if day > latest || r.done[day] {
			continue
		}
		left[day] = day >= limit
		err := r.eachLine(day, func(e Entry) {
			if _, ok := r.due(e); !ok {
				return
			}
			switch gone, err := r.look(e); {
			case err != nil:
				astray[e.Path] = find{day, err}
			case !gone:
				left[day] = true
				last[e.Path] = e
			}
		})
		if err != nil {
			return nil, fmt.Errorf("chain: %w", err)
		}
	}
	if err := r.explain(days, astray); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	for _, f := range astray {
		left[f.day] = true
	}
	for day, left := range left {
		r.done[day] = !left
	}
	var list []Entry
	for _, path := range slices.Sorted(maps.Keys(last)) {
		e := last[path]
		if since, _ := r.due(e); since.Before(before) {
			list = append(list, e)
		}
	}
	if len(astray) == 0 {
		return list, nil
	}
	first := slices.Min(slices.Collect(maps.Keys(astray)))
	return list, fmt.Errorf("%w: %d of them, such as %s: %w", ErrAstray, len(astray), first, astray[first].err)
}

// find is that the file of a recording cannot be found.
type find struct {
	day string // of its line
	err error
}

// errEmpty is why a file that is not there does not count as removed.
var errEmpty = errors.New("its folder is missing, or empty as that of a disk which is not mounted")

// look reports whether the file of a recording is gone. The error says that this cannot be
// told: where nothing lies beside it, it may as well be that the disk is not there.
func (r *Reaper) look(e Entry) (gone bool, err error) {
	name := filepath.Join(r.root, filepath.FromSlash(e.Path))
	_, err = os.Lstat(name)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	case e.Kind == Lost: // it may never have had one
		return true, nil
	}
	folder, err := os.Open(filepath.Dir(name))
	if err == nil {
		defer folder.Close()
		_, err = folder.Readdirnames(1)
	}
	if err == io.EOF || errors.Is(err, fs.ErrNotExist) {
		err = errEmpty
	}
	return err == nil, err
}

// explain takes out what the chain itself says to be gone.
func (r *Reaper) explain(days []string, astray map[string]find) error {
	for _, day := range days {
		if len(astray) == 0 {
			return nil
		}
		err := r.eachLine(day, func(e Entry) {
			if e.Kind == Discarded || e.Kind == Deleted || e.Kind == Cleared {
				delete(astray, e.Path)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachLine calls f with the lines of a day that can be read.
func (r *Reaper) eachLine(day string, f func(Entry)) error {
	return eachLine(filepath.Join(r.root, Folder, day+extension), func(line []byte, _ bool) error {
		if e, err := parseLine(line); err == nil {
			f(e)
		}
		return nil
	})
}
