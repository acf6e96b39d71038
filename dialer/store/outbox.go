package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringpace/dialer/cdr"
)

const (
	deliverBatch = 64              // ends in one round trip
	retryEnd     = 5 * time.Second // after which an end that Redis refused is tried again
)

// outbox is the ends that Redis has not got yet.
type outbox struct {
	wake chan struct{} // has room for one

	mu    sync.Mutex // protects the fields below
	queue []ending
	ids   map[string]bool // of those in the queue, being journaled or being delivered
	empty chan struct{}   // closed when ids becomes empty; nil if nobody waits
	stats Stats
}

// Stats counts what became of ends since the store was opened.
type Stats struct {
	Written int64 // records that were written
	Repeats int64 // ends that had been delivered before
	Stale   int64 // skips of a claim that had lapsed
	Refused int64 // deliveries that Redis answered with an error; they are tried again
	Pending int   // ends that are not delivered yet
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), ids: make(map[string]bool)}
}

// reserve takes an id unless its end is under way.
func (o *outbox) reserve(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids[id] {
		return false
	}
	o.ids[id] = true
	return true
}

func (o *outbox) put(e ending) {
	o.mu.Lock()
	o.queue = append(o.queue, e)
	o.mu.Unlock()
	o.nudge()
}

func (o *outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// has reports whether the end of an attempt is under way.
func (o *outbox) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ids[id]
}

func (o *outbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ids)
}

// take removes up to n ends from the head of the queue.
func (o *outbox) take(n int) []ending {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = min(n, len(o.queue))
	batch := append([]ending(nil), o.queue[:n]...)
	o.queue = append([]ending(nil), o.queue[n:]...)
	return batch
}

// giveBack puts ends before all others.
func (o *outbox) giveBack(batch []ending) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(append([]ending(nil), batch...), o.queue...)
}

// settle counts an end that Redis has got.
func (o *outbox) settle(id, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch result {
	case "written":
		o.stats.Written++
	case "repeat":
		o.stats.Repeats++
	case "stale":
		o.stats.Stale++
	}
	delete(o.ids, id)
	if len(o.ids) == 0 && o.empty != nil {
		close(o.empty)
		o.empty = nil
	}
}

// Stats returns what became of ends so far.
func (s *Store) Stats() Stats {
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	stats := s.outbox.stats
	stats.Pending = len(s.outbox.ids)
	return stats
}

// Drain waits until every end is delivered, or ctx is done.
func (s *Store) Drain(ctx context.Context) error {
	for {
		s.outbox.mu.Lock()
		if len(s.outbox.ids) == 0 {
			s.outbox.mu.Unlock()
			return nil
		}
		if s.outbox.empty == nil {
			s.outbox.empty = make(chan struct{})
		}
		empty := s.outbox.empty
		s.outbox.mu.Unlock()
		select {
		case <-empty:
		case <-ctx.Done():
			return fmt.Errorf("store: %d ends not delivered: %w", s.outbox.len(), context.Cause(ctx))
		}
	}
}

// deliver is the goroutine that brings ends to Redis. It returns when ctx is
// done.
func (s *Store) deliver(ctx context.Context) {
	retry := time.NewTimer(retryEnd)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.outbox.wake:
		case <-retry.C:
		}
		for {
			batch := s.outbox.take(deliverBatch)
			if len(batch) == 0 {
				break
			}
			refused, err := s.deliverBatch(ctx, batch)
			s.outbox.giveBack(refused)
			if len(refused) > 0 {
				// Redis away: the watch nudges us when it is back. An answer
				// that is an error: the same again gives the same for now.
				if !isAway(err) {
					retry.Reset(retryEnd)
				}
				break
			}
		}
	}
}

// deliverBatch brings ends to Redis in one round trip, and returns those that it
// did not take.
func (s *Store) deliverBatch(ctx context.Context, batch []ending) (refused []ending, err error) {
	batch, refused, err = s.settled(ctx, batch)
	if len(batch) == 0 {
		return refused, err
	}
	more, delivered := s.deliverSettled(ctx, batch)
	return append(refused, more...), errors.Join(err, delivered)
}

// settled counts what became of the attempts of a batch, and returns those whose ends may
// be delivered.
func (s *Store) settled(ctx context.Context, batch []ending) (ready, refused []ending, err error) {
	errs := s.settle(ctx, batch)
	for i, e := range batch {
		if errs[i] == nil {
			ready = append(ready, e)
			continue
		}
		refused = append(refused, e)
		if !isAway(errs[i]) {
			s.log.Error("what became of an attempt is not counted; its end waits", "attempt", e.Record.ID, "err", errs[i])
			s.countRefused()
		}
	}
	return ready, refused, errors.Join(errs...)
}

// deliverSettled is deliverBatch, once the attempts are counted.
func (s *Store) deliverSettled(ctx context.Context, batch []ending) (refused []ending, err error) {
	calls := make([]call, len(batch))
	for i, e := range batch {
		if calls[i], err = s.endCall(e); err != nil {
			return batch, err
		}
	}
	answers, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return batch, err
	}
	var ended []cdr.Record
	for i, e := range batch {
		if errs[i] == nil {
			ended = append(ended, e.Record)
		}
	}
	s.callsEnded(ctx, ended)
	var done []string
	for i, e := range batch {
		id := e.Record.ID
		if errs[i] != nil {
			if !isAway(errs[i]) {
				s.log.Error("redis refused the end of an attempt", "attempt", id, "err", errs[i])
				s.countRefused()
			}
			refused = append(refused, e)
			continue
		}
		result, _ := answers[i].(string)
		if result == "repeat" || result == "stale" {
			s.log.Info("the end of an attempt changed nothing", "attempt", id, "result", result)
		}
		s.outbox.settle(id, result)
		done = append(done, id)
	}
	s.journal.Done(done...)
	return refused, errors.Join(errs...)
}

func (s *Store) countRefused() {
	s.outbox.mu.Lock()
	s.outbox.stats.Refused++
	s.outbox.mu.Unlock()
}
