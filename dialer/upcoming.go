package dialer

import (
	"context"
	"slices"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// upcoming is what pacing knows of the leads that will be dialed next. They are looked at
// with each pulse, in one round trip, and not claimed: between two pulses those that are
// dialed are taken out, and what else changes shows with the next.
type upcoming struct {
	next  []coming      // that may be dialed, best first
	batch batch         // of them, and of those that the rules put off
	leads []pacing.Lead // of next, in the order in which this node claims them
	plain []pacing.Lead // the same in the order in which nodes do that are granted calls
	taken int           // claimed since the last look
	many  int           // agents for whom the pacer did not arrange leads, the last time; 0 for none
}

const (
	leastAhead = 10                // leads that are looked at, at least
	batchAhead = pacing.Batch + 15 // the same where they are arranged: some are put off, some go before
	mostAhead  = 200               // and at most: some hundred kilobytes
)

// wanted is how many leads to look at: twice as many as were dialed since the last look.
func (u *upcoming) wanted(arranged bool) int {
	least := leastAhead
	if arranged {
		least = batchAhead
	}
	return min(max(2*u.taken, least), mostAhead)
}

// saw takes the leads as they are now, best first. Those that the rules put off are none
// of those to come. Where none is left of a batch another one is made, if there is who
// arranges it.
func (u *upcoming) saw(r gate.Rules, leads []lead.Lead, now time.Time, arrange func([]pacing.Lead) []int) {
	next := make([]coming, len(leads))
	for i := range leads {
		l := &leads[i]
		next[i] = coming{id: l.ID, priority: l.Priority, allowed: gate.Judge(r, l, now).Action == gate.Allow}
		if next[i].allowed {
			next[i].known = known(r, l, now)
		}
	}
	if u.batch.keep(next); len(u.batch.ids) == 0 && arrange != nil {
		u.batch = newBatch(next, arrange)
	}
	u.next, u.taken = slices.DeleteFunc(next, func(l coming) bool { return !l.allowed }), 0
	u.order()
}

// order finds the orders in which leads are claimed. A snapshot may hold those before.
func (u *upcoming) order() {
	u.plain = leadsOf(u.next)
	u.leads = u.plain
	if len(u.batch.ids) > 0 {
		u.leads = leadsOf(u.batch.sorted(u.next))
	}
}

func leadsOf(next []coming) []pacing.Lead {
	leads := make([]pacing.Lead, len(next))
	for i := range next {
		leads[i] = next[i].known
	}
	return leads
}

func (u *upcoming) forget() { *u = upcoming{many: u.many} }

// claimed takes out leads that are claimed now.
func (u *upcoming) claimed(leads []lead.Lead) {
	u.taken += len(leads)
	if len(leads) == 0 || len(u.next) == 0 && len(u.batch.ids) == 0 {
		return
	}
	gone := make(map[string]bool, len(leads))
	for i := range leads {
		gone[leads[i].ID] = true
	}
	u.batch.ids = slices.DeleteFunc(u.batch.ids, func(id string) bool { return gone[id] })
	u.next = slices.DeleteFunc(u.next, func(l coming) bool { return gone[l.id] })
	u.order()
}

// lookAhead looks at the leads that are dialed next, where pacing makes something of them.
func (c *campaign) lookAhead(ctx context.Context) error {
	if c.isGranted() || c.cfg.Mode != pacing.Predictive || !c.running || c.due == 0 {
		c.ahead.forget()
		return nil
	}
	arrange := c.arranger()
	leads, err := c.store.Peek(ctx, c.name, c.ahead.wanted(arrange != nil))
	if err != nil {
		c.ahead.forget()
		return err
	}
	c.ahead.saw(c.rules, leads, time.Now(), arrange)
	return nil
}
