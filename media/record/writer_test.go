package record

import (
	"fmt"
	"testing"
	"time"
)

// TestTurnsAreSpread: recordings that begin together are written one after the other
// over the whole interval, and each once in it.
func TestTurnsAreSpread(t *testing.T) {
	const n, interval = 1000, time.Second
	w, recorder := newWriter(interval), &Recorder{}
	begun := time.Now()
	for i := range n {
		w.add(&Recording{recorder: recorder, meta: Meta{ID: fmt.Sprint(i)}})
	}
	took := time.Since(begun)
	now := begun
	for round := range 3 {
		seen, most, since := map[*Recording]bool{}, 0, 0
		for step := range 10 {
			// Added within took, each has its turn in an interval.
			now = begun.Add(took + time.Duration(round)*interval + time.Duration(step+1)*interval/10)
			for {
				r, _, wait, _ := w.next(now)
				if r == nil {
					if wait <= 0 {
						t.Fatalf("wait %v", wait)
					}
					break
				}
				seen[r] = true
				since++
			}
			most = max(most, since)
			since = 0
		}
		if len(seen) != n {
			t.Errorf("round %d: %d of %d recordings had a turn", round, len(seen), n)
		}
		if took < interval/10 && most > n/2 {
			t.Errorf("round %d: %d of %d turns in a tenth of the interval", round, most, n)
		}
	}
	// After a stall of the disk each has one turn, not one for each that was missed.
	now = now.Add(10 * interval)
	turns := 0
	for r, _, _, _ := w.next(now); r != nil; r, _, _, _ = w.next(now) {
		turns++
	}
	if turns != n {
		t.Errorf("%d turns of %d recordings after a stall", turns, n)
	}
}

// TestTurnsShareSlots: however many recordings there are, a writer wakes no more than once
// in each slot, and each recording has its turns an interval apart.
func TestTurnsShareSlots(t *testing.T) {
	const n, interval, rounds = 1000, time.Second, 5
	w, recorder := newWriter(interval), &Recorder{}
	for i := range n {
		w.add(&Recording{recorder: recorder, meta: Meta{ID: fmt.Sprint(i)}})
	}
	last, turns := map[*Recording]time.Time{}, 0
	wakes, now := 0, time.Now()
	for end := now.Add(rounds * interval); now.Before(end); wakes++ {
		r, _, wait, _ := w.next(now)
		for ; r != nil; r, _, wait, _ = w.next(now) {
			if before, there := last[r]; there && now.Sub(before) > interval {
				t.Fatalf("%s between two turns", now.Sub(before))
			}
			last[r] = now
			turns++
		}
		now = now.Add(wait)
	}
	if turns < (rounds-1)*n || wakes > (rounds+1)*slots {
		t.Errorf("%d turns of %d recordings in %d wakes over %d intervals", turns, n, wakes, rounds)
	}
}
