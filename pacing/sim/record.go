package sim

import (
	"strconv"
	"time"

	"ringpace/pacing"
)

// Record plays one day of the scenario and returns, beside it, the calls that such a day
// leaves in the records.
func (a *Algorithm) Record(s *Scenario, seed uint64) (Day, []RecordedCall, error) {
	p, err := a.New(s, seed)
	if err != nil {
		return Day{}, nil, err
	}
	d := a.oracle.of(s, p, seed)
	book := &book{day: d}
	d.book = book
	return d.play(), book.done(), nil
}

// book records the calls of a day. A nil book records nothing.
type book struct {
	day   *day
	all   []*RecordedCall
	calls map[*call]*RecordedCall
}

func (b *book) sent(c *call) {
	if b == nil {
		return
	}
	if b.calls == nil {
		b.calls = make(map[*call]*RecordedCall)
	}
	a := &RecordedCall{Lead: c.Lead, Sent: c.Since}
	b.all, b.calls[c] = append(b.all, a), a
}

// over notes the end of a call without a conversation. cut: we ended it before an answer.
func (b *book) over(c *call, cut bool) {
	if b == nil {
		return
	}
	a := b.calls[c]
	a.Rang, a.Ended, a.Cut = c.Rings, clock(b.day.now), cut
	if c.State == pacing.Waiting {
		a.Answered, a.Queued = clock(c.ends), true
	}
}

func (b *book) met(c *call, w *worker, h handling) {
	if b == nil {
		return
	}
	a, now := b.calls[c], b.day.now
	a.Rang, a.Answered, a.Queued = c.Rings, clock(c.ends), now > c.ends
	a.Agent, a.Claimed = "agent-"+strconv.Itoa(w.number+1), clock(now)
	a.Joined, a.Parted, a.Ready = clock(now+h.ring), clock(now+h.ring+h.talk), clock(now+h.total())
	a.Ended = a.Parted
}

// done is the calls of the day. Those in flight at its end were cut.
func (b *book) done() []RecordedCall {
	for _, c := range b.day.flight {
		b.over(c, c.State != pacing.Waiting)
	}
	all := make([]RecordedCall, len(b.all))
	for i, a := range b.all {
		all[i] = *a
	}
	return all
}

// Later is the call so much later.
func (a *RecordedCall) Later(by time.Duration) RecordedCall {
	c := *a
	for _, t := range []*time.Time{&c.Sent, &c.Rang, &c.Answered, &c.Ended, &c.Claimed, &c.Joined, &c.Parted, &c.Ready} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	return c
}
