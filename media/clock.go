package media

import (
	"math"
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

// nap is for how many periods a member of the clock needs no tick, so that those whose
// party is relayed cost the clock next to nothing: all that it looks at is here. What
// would have the member need a tick wakes it.
type nap struct{ periods atomic.Int32 }

func (n *nap) rest(periods int32) { n.periods.Store(periods) }

func (n *nap) wake() { n.periods.Store(0) }

// over takes away as much time as has passed and reports whether the member is awake.
func (n *nap) over(passed int32) bool {
	left := n.periods.Load()
	return left == 0 || left < passed || !n.periods.CompareAndSwap(left, left-passed)
}

// member is who is called at a tick.
type member struct {
	ticked
	nap *nap
}

// clock calls all its members every 20 ms from one goroutine. When that is held up
// it makes up for the ticks it missed, so that no stream falls behind.
type clock struct {
	late atomic.Uint64

	mu      sync.Mutex
	members []member
	index   map[ticked]int
}

func newClock() *clock { return &clock{index: make(map[ticked]int)} }

// add makes m a member, which rests as n says.
func (c *clock) add(m ticked, n *nap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index[m] = len(c.members)
	c.members = append(c.members, member{m, n})
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
	c.index[c.members[i].ticked] = i
	c.members[last] = member{}
	c.members = c.members[:last]
	delete(c.index, m)
}

// run ticks until stop is closed.
func (c *clock) run(stop <-chan struct{}) {
	done := time.Now() // before the ticker begins, so that no tick comes early
	ticker := time.NewTicker(clockPeriod)
	defer ticker.Stop()
	var members []member // a copy, so that no lock is held while packets are sent
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
			if m.nap.over(int32(min(periods, math.MaxInt32))) {
				m.tick(now, periods*clockPeriod)
			}
		}
		clear(members)
	}
}
