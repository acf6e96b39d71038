package dialer

import (
	"context"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// leastSpace is what the disks of the journal and of the call detail records must have
	// left, in octets: room for the records of tens of thousands of calls.
	leastSpace = 32 << 20

	spaceInterval = time.Second
	// spaceLimit is for how long a look at a disk may be under way.
	spaceLimit = 5 * time.Second
)

// space watches the room on the disks that records are written to. Looking can hang as
// writing can, so that run has a goroutine for each look; trouble never waits for one.
type space struct {
	dirs []string
	free func(dir string) (octets int64, err error) // tests put faults in its place

	full  atomic.Pointer[string] // what the last look found; nil before the first
	dir   atomic.Pointer[string] // that is being looked at
	begun atomic.Int64           // since when, in Unix nanoseconds; 0: none is
}

// newSpace has looked once.
func newSpace(dirs ...string) *space {
	s := &space{dirs: dirs, free: freeSpace}
	s.look()
	return s
}

// run looks until ctx is done. A look that hangs then is left to itself: it ends when the
// disk answers.
func (s *space) run(ctx context.Context) {
	tick := time.NewTicker(spaceInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		looked := make(chan struct{})
		go func() {
			defer close(looked)
			s.look()
		}()
		select {
		case <-ctx.Done():
			return
		case <-looked:
		}
	}
}

// look measures the room, up to the first directory that has too little. One that cannot be
// looked at has an alarm elsewhere.
func (s *space) look() {
	full := ""
	for _, dir := range s.dirs {
		s.dir.Store(&dir)
		s.begun.Store(time.Now().UnixNano())
		free, err := s.free(dir)
		s.begun.Store(0)
		if err == nil && free < leastSpace {
			full = fmt.Sprintf("the disk of %s has less than %d MiB left for records; free some space", dir, leastSpace>>20)
			break
		}
	}
	s.full.Store(&full)
}

// trouble says which of the directories has too little space left, or hangs; "" if none.
func (s *space) trouble() string {
	if begun := s.begun.Load(); begun != 0 {
		if since := time.Unix(0, begun); time.Since(since) > spaceLimit {
			return fmt.Sprintf("the disk of %s, for records, hangs since %s", *s.dir.Load(), since.Format(time.TimeOnly))
		}
	}
	return *s.full.Load()
}

// freeSpace is how much is left on the disk of a directory.
func freeSpace(dir string) (octets int64, err error) {
	var fs syscall.Statfs_t
	err = syscall.Statfs(dir, &fs)
	return int64(fs.Bavail) * int64(fs.Bsize), err
}
