package record

import (
	"fmt"
	"sync/atomic"
	"time"
)

// What hangs gives no error. So the time is looked at that work on the disk takes.
const (
	vigilInterval = time.Second
	// stallLimit is for how long one flush of a recording, or one look at the disk, may be
	// under way.
	stallLimit = 5 * time.Second
	// sealLimit is the same for the completion of a recording: all of it is read, perhaps
	// encrypted, and brought to the disk.
	sealLimit = 30 * time.Second
)

// stint is what one goroutine does with the disk now.
type stint struct {
	limit time.Duration
	begun atomic.Int64 // in Unix nanoseconds; 0: nothing
}

func (s *stint) begin() { s.begun.Store(time.Now().UnixNano()) }
func (s *stint) end()   { s.begun.Store(0) }

// overdue tells since when something is under way that ought to be over.
func (s *stint) overdue(now time.Time) (since time.Time, yes bool) {
	begun := s.begun.Load()
	since = time.Unix(0, begun)
	return since, begun != 0 && now.Sub(since) > s.limit
}

// vigil raises the alarm where the disk hangs, or takes less than calls give it, while
// there is room in memory for what they say. Its goroutine never touches the disk.
type vigil struct {
	recorder *Recorder
	stints   []*stint
	behind   bool  // too much waits
	dropped  int64 // packets, as they were counted last
}

// run looks until the recorder is closed.
func (v *vigil) run() {
	ticker := time.NewTicker(vigilInterval)
	defer ticker.Stop()
	for {
		select {
		case <-v.recorder.stop:
			return
		case <-ticker.C:
			why := v.look(time.Now())
			v.recorder.disk.set(func() { v.recorder.disk.stalled = why })
		}
	}
}

// look says in plain words what is wrong; empty if nothing is.
func (v *vigil) look(now time.Time) string {
	r := v.recorder
	dropped := r.dropped.Load()
	if dropped != v.dropped {
		r.log.Error("packets find no room in memory and are not recorded", "packets", dropped-v.dropped)
	}
	v.dropped = dropped
	for _, s := range v.stints {
		if since, yes := s.overdue(now); yes {
			return fmt.Sprintf("the disk of %s hangs since %s", r.cfg.Dir, since.Format(time.TimeOnly))
		}
	}
	// Each recording has a chunk that is being filled. Once half of the rest is in use,
	// calls are not added until three quarters are free again.
	open := int64(r.Stats().Open)
	waiting, room := r.pool.used()-open, max(r.pool.limit-open, 0)
	v.behind = waiting > room/2 || v.behind && waiting > room/4
	if v.behind {
		return fmt.Sprintf("the disk of %s is too slow: much of the memory for what waits for it is in use", r.cfg.Dir)
	}
	return ""
}
