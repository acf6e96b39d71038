package chain

import (
	"fmt"
	"os"
	"path/filepath"
)

// Backlog follows the chain for the recordings that are kept and that no object storage
// has yet: the chain is the queue, so that there is no other to lose or to contradict it.
// It holds a waiting recording's line in memory, some 300 octets. One goroutine uses it.
type Backlog struct {
	root    string
	day     string           // of the file that was read last
	offset  int64            // in it
	waiting map[string]int64 // by path: the number of its line
	queue   []Entry          // in the order of the chain; those that do not wait any more are passed over
}

// NewBacklog returns a Backlog for a recording directory, which Read fills.
func NewBacklog(root string) *Backlog {
	return &Backlog{root: root, waiting: map[string]int64{}}
}

// Read takes in what the chain has more than at the last time, or all of it where it was
// cut.
func (b *Backlog) Read() error {
	days, err := dayNames(b.root)
	if err != nil {
		return fmt.Errorf("chain: %w", err)
	}
	for _, day := range days {
		if day < b.day {
			continue
		}
		name := filepath.Join(b.root, Folder, day+extension)
		if day > b.day {
			b.day, b.offset = day, 0
		}
		stat, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("chain: %w", err)
		}
		if stat.Size() < b.offset {
			*b = *NewBacklog(b.root)
			return b.Read()
		}
		if stat.Size() == b.offset {
			continue
		}
		err = eachLineFrom(name, b.offset, func(line []byte, whole bool) error {
			if !whole {
				return nil
			}
			b.offset += int64(len(line))
			if e, err := parseLine(line); err == nil {
				b.add(e)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("chain: %w", err)
		}
	}
	return nil
}

func (b *Backlog) add(e Entry) {
	switch e.Kind {
	case Kept, Salvaged:
		b.waiting[e.Path] = e.N
		b.queue = append(b.queue, e)
	case Uploaded, Cleared, Discarded, Deleted:
		delete(b.waiting, e.Path)
	}
}

// Waits reports whether a recording still waits.
func (b *Backlog) Waits(e Entry) bool { return b.waiting[e.Path] == e.N }

// Len is how many wait, those that Next has given away included.
func (b *Backlog) Len() int { return len(b.waiting) }

// First is the recording that Next would give.
func (b *Backlog) First() (Entry, bool) {
	for len(b.queue) > 0 && !b.Waits(b.queue[0]) {
		b.queue = b.queue[1:]
	}
	if len(b.queue) == 0 {
		b.queue = nil // gives back what was passed over
		return Entry{}, false
	}
	return b.queue[0], true
}

// Next takes the recording that was kept first out of the queue; it waits on, until the
// chain says otherwise.
func (b *Backlog) Next() (Entry, bool) {
	e, ok := b.First()
	if ok {
		b.queue = b.queue[1:]
	}
	return e, ok
}
