package record

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A writer that has worked for so long rests: where Go has one processor, it looks at
// sockets only when nothing else can run, and packets would wait until all is written.
const (
	workFor = 250 * time.Microsecond
	restFor = 50 * time.Microsecond
)

// slots is how many times in an interval a writer wakes at most: recordings whose turns
// come between two slots are written at the first, so that many calls do not cost as many
// wake-ups.
const slots = 100

// writer is one goroutine that writes the files of many recordings, one after the
// other. A stalled disk stalls it and nothing else.
type writer struct {
	interval time.Duration
	begun    time.Time // where slots are counted from
	work     stint

	mu       sync.Mutex
	queue    []turn       // by time
	finished []*Recording // to be completed before anything else
	stopping bool
	wake     chan struct{} // one deep
}

// turn is the next flush of a recording.
type turn struct {
	recording *Recording
	due       time.Time
}

func newWriter(interval time.Duration) *writer {
	return &writer{interval: interval, begun: time.Now(), work: stint{limit: stallLimit}, wake: make(chan struct{}, 1)}
}

// add makes r one of the writer's. It never blocks. Recordings that begin together are
// not written together.
func (w *writer) add(r *Recording) {
	w.mu.Lock()
	w.insert(turn{r, w.slot(time.Now().Add(1 + rand.N(w.interval)))})
	w.mu.Unlock()
	w.nudge()
}

// slot is the last slot that is not after an instant.
func (w *writer) slot(t time.Time) time.Time {
	since := t.Sub(w.begun)
	return w.begun.Add(since - since%max(w.interval/slots, 1))
}

// insert puts a turn where its time is. mu is held.
func (w *writer) insert(t turn) {
	at := len(w.queue)
	for at > 0 && w.queue[at-1].due.After(t.due) {
		at--
	}
	w.queue = slices.Insert(w.queue, at, t)
}

// finish has r completed at once. It never blocks.
func (w *writer) finish(r *Recording) {
	w.mu.Lock()
	w.finished = append(w.finished, r)
	w.mu.Unlock()
	w.nudge()
}

// stop ends the goroutine when all recordings are finished.
func (w *writer) stop() {
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	w.nudge()
}

func (w *writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run works until stop.
func (w *writer) run() {
	var space workspace
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	begun := time.Now() // to work
	for {
		now := time.Now()
		if now.Sub(begun) >= workFor {
			time.Sleep(restFor)
			now = time.Now()
			begun = now
		}
		r, complete, wait, stopped := w.next(now)
		switch {
		case stopped:
			return
		case r == nil:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-w.wake:
			}
			begun = time.Now()
		case complete:
			r.recorder.sealer.take(r)
		default:
			w.work.begin()
			_ = r.flush(&space, time.Since(r.base)) // it raises the alarm itself, and the next tries again
			w.work.end()
			if r.sheet.waits() {
				w.hasten(r, time.Now().Add(duration(evidence)))
			}
		}
	}
}

// next tells what to do: complete or flush a recording, or wait.
func (w *writer) next(now time.Time) (r *Recording, complete bool, wait time.Duration, stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.finished) > 0 {
		r = w.finished[0]
		w.finished = w.finished[1:]
		return r, true, 0, false
	}
	for len(w.queue) > 0 {
		head := w.queue[0]
		if head.recording.isClosed() {
			w.queue = w.queue[1:]
			continue // finished, or about to be
		}
		if wait = head.due.Sub(now); wait > 0 {
			return nil, false, wait, false
		}
		w.queue = w.queue[1:]
		due := head.due.Add(w.interval)
		if due.Before(now) { // the disk stalled: the turns that were missed are not made up for
			due = w.slot(now.Add(w.interval))
		}
		w.insert(turn{head.recording, due})
		return head.recording, false, 0, false
	}
	return nil, false, time.Hour, w.stopping
}

// hasten has r written by then: what waited for evidence of its place is not to wait for a
// whole interval besides.
func (w *writer) hasten(r *Recording, due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due = w.slot(due)
	at := slices.IndexFunc(w.queue, func(t turn) bool { return t.recording == r })
	if at >= 0 && w.queue[at].due.After(due) {
		w.queue = slices.Delete(w.queue, at, at+1)
		w.insert(turn{r, due})
	}
}

func (r *Recording) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}
