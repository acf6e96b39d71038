package sip

import (
	"sync"
	"sync/atomic"
	"testing"
)

// However work comes, each function runs once and all at the same time, and Wait
// outlasts what functions start in turn.
func TestWorkers(t *testing.T) {
	t.Parallel()
	w := newWorkers()
	var ran atomic.Int32
	for range 3 {
		const n = 2 * idleWorkers
		var together sync.WaitGroup
		together.Add(n)
		for range n {
			w.Go(func() {
				together.Done()
				together.Wait() // each has a goroutine of its own
				w.Go(func() { ran.Add(1) })
			})
		}
		together.Wait()
	}
	w.Wait()
	if got := ran.Load(); got != 3*2*idleWorkers {
		t.Errorf("%d functions ran", got)
	}
}
