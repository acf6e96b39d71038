package ledger

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// retryCount is when what Redis did not take is tried again.
const retryCount = 250 * time.Millisecond

// queue is what is to be counted, in the order in which it was told.
type queue struct {
	wake chan struct{} // has room for one

	mu     sync.Mutex // protects the fields below
	items  []item
	closed error
}

// item is an entry on its way to Redis.
type item struct {
	entry Entry // without an attempt: a mark in the queue, of the campaign
	// done has room for one answer. Where nobody waits for it (nil) the entry is tried until it
	// is counted, else once.
	done chan error
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(items ...item) {
	q.mu.Lock()
	closed := q.closed
	if closed == nil {
		q.items = append(q.items, items...)
	}
	q.mu.Unlock()
	if closed != nil {
		answer(items, closed)
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// giveBack puts items before all others, and returns how many there are.
func (q *queue) giveBack(items []item) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(items, q.items...)
	return len(q.items)
}

// refuse answers everything in the queue, and whatever is put there from now on.
func (q *queue) refuse(err error) {
	q.mu.Lock()
	items := q.items
	q.items, q.closed = nil, err
	q.mu.Unlock()
	answer(items, err)
}

func answer(items []item, err error) {
	for _, it := range items {
		if it.done != nil {
			it.done <- err
		}
	}
}

// Count tells what became of a call. It does not wait for Redis: a goroutine counts it
// at once, or when Redis is back. Settle makes sure of it.
func (l *Ledger) Count(e Entry) {
	l.queue.put(item{entry: l.dated(e)})
}

// Settle counts what became of calls whose ends are about to be delivered, and waits for
// it. The errors are those of the entries, in order; nil where Redis has it on record,
// be it from before.
func (l *Ledger) Settle(ctx context.Context, entries ...Entry) []error {
	items := make([]item, len(entries))
	for i, e := range entries {
		items[i] = item{l.dated(e), make(chan error, 1)}
	}
	l.queue.put(items...)
	errs := make([]error, len(items))
	for i, it := range items {
		errs[i] = wait(ctx, it)
	}
	return errs
}

// dated is e with the time of its answer.
func (l *Ledger) dated(e Entry) Entry {
	if e.Answered.IsZero() {
		e.Answered = time.Now()
	}
	return e
}

// counted waits until what was told of a campaign before is counted.
func (l *Ledger) counted(ctx context.Context, campaign string) error {
	mark := item{Entry{Campaign: campaign}, make(chan error, 1)}
	l.queue.put(mark)
	return wait(ctx, mark)
}

func wait(ctx context.Context, it item) error {
	select {
	case err := <-it.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// deliver is the goroutine that counts. It returns when ctx is done.
func (l *Ledger) deliver(ctx context.Context) {
	retry := time.NewTimer(retryCount)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.queue.wake:
		case <-retry.C:
		}
		if l.queue.giveBack(l.pass(ctx, l.queue.take())) > 0 {
			retry.Reset(retryCount)
		}
	}
}

// pass tries each item once, and returns those that are to be tried again. After an
// error the campaign's further ones must wait, so that their order is kept; where Redis
// did not even answer, all others.
func (l *Ledger) pass(ctx context.Context, items []item) (left []item) {
	var away error
	failed := make(map[string]error)
	for _, it := range items {
		c := it.entry.Campaign
		err := away
		if err == nil {
			err = failed[c]
		}
		if err == nil && it.entry.Attempt != "" {
			if err = l.count(ctx, it.entry); err != nil {
				var redisSays redis.Error
				if failed[c] = err; !errors.As(err, &redisSays) && !errors.Is(err, ErrClock) && !errors.Is(err, ErrName) {
					away = err
				}
			}
		}
		switch {
		case it.done != nil:
			it.done <- err
		case errors.Is(err, ErrName):
			l.log.Error("an answer cannot be counted", "attempt", it.entry.Attempt, "err", err)
		case err != nil:
			left = append(left, it)
		}
	}
	return left
}
