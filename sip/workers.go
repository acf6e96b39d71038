package sip

import "sync"

// idleWorkers is how many goroutines wait for work at most.
const idleWorkers = 128

// workers run functions, each on a goroutine of its own for as long as it lasts. A
// goroutine whose function has ended waits for another: a call takes several, each
// of which would otherwise begin with a small stack and grow it by copying, which
// was a sixth of what a call costs.
type workers struct {
	busy sync.WaitGroup // of functions
	all  sync.WaitGroup // of goroutines
	next chan func()    // to one that waits

	mu     sync.Mutex // protects the fields below
	idle   int        // that wait, or are about to
	closed bool
}

func newWorkers() *workers { return &workers{next: make(chan func(), idleWorkers)} }

// Go runs f. It may be called until Wait returns, after that it must not.
func (w *workers) Go(f func()) {
	w.busy.Add(1)
	w.mu.Lock()
	waiting := w.idle > 0
	if waiting {
		w.idle--
		w.next <- f // never blocks: there is room for every one that waits
	}
	w.mu.Unlock()
	if !waiting {
		w.all.Go(func() { w.serve(f) })
	}
}

// Hold has Wait wait for something that has no goroutine, until what it returns is
// called. It may be called where Go may.
func (w *workers) Hold() (release func()) {
	w.busy.Add(1)
	return w.busy.Done
}

func (w *workers) serve(f func()) {
	for ok := true; ok; f, ok = <-w.next {
		f()
		w.busy.Done()
		w.mu.Lock()
		stay := !w.closed && w.idle < idleWorkers
		if stay {
			w.idle++
		}
		w.mu.Unlock()
		if !stay {
			return
		}
	}
}

// Wait waits for every function, and ends the goroutines.
func (w *workers) Wait() {
	w.busy.Wait()
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.next)
	}
	w.mu.Unlock()
	w.all.Wait()
}
