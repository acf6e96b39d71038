package chain

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Item is a recording as the chain tells of it.
type Item struct {
	Entry       // the line that tells most of it: Began, Kept, Salvaged, Lost
	Gone  Kind  // Discarded, Deleted or Cleared; empty where it is to be there
	Held  bool  // under legal hold
	Ended Entry // the line of Gone
	// Uploaded is the line by which an object storage has what the file holds, or held
	// before it was cleared; zero where none has it.
	Uploaded Entry
}

// Index is what a chain holds, in the order in which recordings began.
type Index struct {
	Items []*Item
	path  map[string]*Item
	id    map[string]*Item // the last of that id
	day   string           // the last one that was read
	size  int64            // how much of it, in octets
}

// Load reads the chain of a recording directory. Whether it is whole is for Verify to
// tell.
func Load(root string) (*Index, error) {
	x := newIndex()
	if err := x.read(root); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	return x, nil
}

// read takes in the whole lines that were not yet read.
func (x *Index) read(root string) error {
	days, err := dayNames(root)
	if err != nil {
		return err
	}
	for _, day := range days {
		if day < x.day {
			continue
		}
		if day > x.day {
			x.day, x.size = day, 0
		}
		err := eachLineFrom(filepath.Join(root, Folder, day+extension), x.size, func(line []byte, whole bool) error {
			if !whole {
				return nil
			}
			x.size += int64(len(line))
			if e, err := parseLine(line); err == nil {
				x.add(e)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func newIndex() *Index { return &Index{path: map[string]*Item{}, id: map[string]*Item{}} }

// add takes in one line.
func (x *Index) add(e Entry) {
	switch e.Kind {
	case Day:
		return
	case Held, Released:
		if it := x.id[e.ID]; it != nil {
			it.Held = e.Kind == Held
		}
		return
	}
	it := x.path[e.Path]
	if it == nil || e.Kind == Began && it.Kind != Began {
		if e.Kind == Uploaded || e.Kind == Cleared {
			return // of nothing that there ever was
		}
		held := it != nil && it.Held
		it = &Item{Entry: e, Held: held}
		x.Items = append(x.Items, it)
		x.path[e.Path], x.id[e.ID] = it, it
	}
	switch e.Kind {
	case Discarded, Deleted, Cleared:
		it.Gone, it.Ended = e.Kind, e
	case Uploaded:
		if e.SHA256 == it.SHA256 {
			it.Uploaded = e
		}
	default:
		it.Entry, it.Gone, it.Uploaded = e, "", Entry{}
	}
}

// ID returns the recording of that id.
func (x *Index) ID(id string) (*Item, bool) {
	it, ok := x.id[id]
	return it, ok
}

// Query says which recordings are wanted.
type Query struct {
	Words    []string  // each is part of the id or the path
	From, To time.Time // of the start: at or after From, before To; zero: no bound
	Held     bool      // only those under legal hold
	Gone     bool      // also those that were removed by rule and that no object storage has
}

// Find returns the recordings that a query is met by.
func (x *Index) Find(q Query) []*Item {
	var found []*Item
	for _, it := range x.Items {
		if it.matches(q) {
			found = append(found, it)
		}
	}
	return found
}

func (it *Item) matches(q Query) bool {
	if it.Gone != "" && it.Gone != Cleared && !q.Gone || q.Held && !it.Held {
		return false
	}
	if !q.From.IsZero() && it.Start.Before(q.From) || !q.To.IsZero() && !it.Start.Before(q.To) {
		return false
	}
	for _, word := range q.Words {
		if !strings.Contains(it.ID, word) && !strings.Contains(it.Path, word) {
			return false
		}
	}
	return true
}
