package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// clockPeriod is the tick of the one clock that feeds all sessions which no party
// feeds. Packet times other than it are made of several ticks or several packets
// a tick.
const clockPeriod = 20 * time.Millisecond

// ticked is what the clock drives.
type ticked interface {
	// tick is called from the clock's goroutine; elapsed has passed since the last
	// call and is a multiple of clockPeriod. It must not block.
	tick(now time.Time, elapsed time.Duration)
}

// clock calls all its members every 20 ms from one goroutine. When that is held up
// it makes up for the ticks it missed, so that no stream falls behind.
type clock struct {
	late atomic.Uint64

	mu      sync.Mutex
	members []ticked
	index   map[ticked]int
}

func newClock() *clock { return &clock{index: make(map[ticked]int)} }

// add makes m a member.
func (c *clock) add(m ticked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index[m] = len(c.members)
	c.members = append(c.members, m)
}

// remove ends the membership of m. One more tick may be on its way to it.
func (c *clock) remove(m ticked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.index[m]
	if !ok {
		return
	}
	last := len(c.members) - 1
	c.members[i] = c.members[last]
	c.index[c.members[i]] = i
	c.members[last] = nil
	c.members = c.members[:last]
	delete(c.index, m)
}

// run ticks until stop is closed.
func (c *clock) run(stop <-chan struct{}) {
	done := time.Now() // before the ticker begins, so that no tick comes early
	ticker := time.NewTicker(clockPeriod)
	defer ticker.Stop()
	var members []ticked // a copy, so that no lock is held while packets are sent
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		periods := now.Sub(done) / clockPeriod
		if periods == 0 {
			continue // made up for already
		}
		if periods > 1 {
			c.late.Add(1)
		}
		done = done.Add(periods * clockPeriod)
		c.mu.Lock()
		members = append(members[:0], c.members...)
		c.mu.Unlock()
		for _, m := range members {
			m.tick(now, periods*clockPeriod)
		}
		clear(members)
	}
}
