package media

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ticking counts its ticks.
type ticking struct {
	mu      sync.Mutex
	ticks   int
	elapsed time.Duration
	block   time.Duration // how long each tick takes
}

func (c *ticking) tick(_ time.Time, elapsed time.Duration) {
	c.mu.Lock()
	c.ticks++
	c.elapsed += elapsed
	block := c.block
	c.block = 0
	c.mu.Unlock()
	time.Sleep(block)
}

func (c *ticking) read() (int, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ticks, c.elapsed
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		stop := make(chan struct{})
		defer close(stop)
		go c.run(stop)
		a, b := &ticking{}, &ticking{}
		c.add(a, &nap{})
		c.add(b, &nap{})
		time.Sleep(time.Second + ms)
		if n, elapsed := a.read(); n != 50 || elapsed != time.Second {
			t.Errorf("%d ticks of %v in a second", n, elapsed)
		}
		c.remove(a)
		c.remove(a)
		// A tick that is held up is made up for, so that streams keep their rate.
		b.mu.Lock()
		b.block = 130 * ms
		b.mu.Unlock()
		time.Sleep(time.Second)
		if n, elapsed := b.read(); n >= 100 || elapsed != 2*time.Second {
			t.Errorf("%d ticks of %v in two seconds", n, elapsed)
		}
		if n, _ := a.read(); n != 50 {
			t.Errorf("a former member has %d ticks", n)
		}
		if c.late.Load() == 0 {
			t.Error("the late tick was not counted")
		}
		// Who rests is left alone, until woken.
		d, rests := &ticking{}, &nap{}
		rests.rest(10)
		c.add(d, rests)
		time.Sleep(11 * clockPeriod)
		if n, elapsed := d.read(); n != 1 || elapsed != clockPeriod {
			t.Errorf("%d ticks of %v after a rest of 10 periods", n, elapsed)
		}
		rests.rest(10)
		time.Sleep(5 * clockPeriod)
		rests.wake()
		time.Sleep(5 * clockPeriod)
		if n, _ := d.read(); n != 6 {
			t.Errorf("%d ticks after being woken", n-1)
		}
	})
}
