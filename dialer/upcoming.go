package dialer

import (
	"context"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// upcoming is what pacing knows of the leads that will be dialed next. They are looked at
// with each pulse, in one round trip, and not claimed: between two pulses those that are
// dialed are taken out, and what else changes shows with the next.
type upcoming struct {
	ids   []string
	leads []pacing.Lead // theirs
	taken int           // claimed since the last look
}

const (
	leastAhead = 10  // leads that are looked at, at least
	mostAhead  = 200 // and at most: some hundred kilobytes
)

// wanted is how many leads to look at: twice as many as were dialed since the last look.
func (u *upcoming) wanted() int { return min(max(2*u.taken, leastAhead), mostAhead) }

// saw takes the leads as they are now, best first. Those that the rules put off are none
// of those to come.
func (u *upcoming) saw(r gate.Rules, leads []lead.Lead, now time.Time) {
	u.forget()
	for i := range leads {
		if l := &leads[i]; gate.Judge(r, l, now).Action == gate.Allow {
			u.ids, u.leads = append(u.ids, l.ID), append(u.leads, known(r, l, now))
		}
	}
}

func (u *upcoming) forget() { u.ids, u.leads, u.taken = u.ids[:0], nil, 0 } // a snapshot may hold the leads

// claimed takes out leads that are claimed now.
func (u *upcoming) claimed(leads []lead.Lead) {
	u.taken += len(leads)
	if len(leads) == 0 || len(u.ids) == 0 {
		return
	}
	gone := make(map[string]bool, len(leads))
	for i := range leads {
		gone[leads[i].ID] = true
	}
	kept, next := u.ids[:0], make([]pacing.Lead, 0, len(u.leads))
	for i, id := range u.ids {
		if !gone[id] {
			kept, next = append(kept, id), append(next, u.leads[i])
		}
	}
	u.ids, u.leads = kept, next
}

// lookAhead looks at the leads that are dialed next, where pacing makes something of them.
func (c *campaign) lookAhead(ctx context.Context) error {
	if c.isGranted() || c.cfg.Mode != pacing.Predictive || !c.running || c.due == 0 {
		c.ahead.forget()
		return nil
	}
	leads, err := c.store.Peek(ctx, c.name, c.ahead.wanted())
	if err != nil {
		c.ahead.forget()
		return err
	}
	c.ahead.saw(c.rules, leads, time.Now())
	return nil
}
