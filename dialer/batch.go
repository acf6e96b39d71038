package dialer

import (
	"cmp"
	"slices"

	"ringpace/pacing"
)

// batch is leads of one priority, whose turn it is, that are dialed in an order of their own.
// They are claimed before others of their priority, and there is no other batch until none is
// left: so nobody waits longer for the order than until the next batch. One that so many leads
// of a higher priority go before that a look does not come to it is given up.
type batch struct {
	priority int
	ids      []string // of those that are left, in their order
}

// coming is a lead that was looked at.
type coming struct {
	id       string
	priority int
	allowed  bool        // by the rules, now
	known    pacing.Lead // of who is allowed
}

// newBatch makes one of the first leads that may be dialed, of one priority, best first. Those
// before them that the rules put off are claimed at once, which is when they are put off.
// It is empty where they are not arranged.
func newBatch(next []coming, arrange func([]pacing.Lead) []int) batch {
	first := slices.IndexFunc(next, func(l coming) bool { return l.allowed })
	if first < 0 {
		return batch{}
	}
	b := batch{priority: next[first].priority}
	var ids []string
	var leads []pacing.Lead
	for i := 0; i < len(next) && len(leads) < pacing.Batch; i++ {
		switch l := &next[i]; {
		case l.priority != b.priority:
		case l.allowed:
			ids, leads = append(ids, l.id), append(leads, l.known)
		default:
			b.ids = append(b.ids, l.id)
		}
	}
	order := arrange(leads)
	if order == nil {
		return batch{}
	}
	for _, i := range order {
		b.ids = append(b.ids, ids[i])
	}
	return b
}

// keep leaves those that were seen, and have the batch's priority still.
func (b *batch) keep(next []coming) {
	seen := make(map[string]bool, len(next))
	for i := range next {
		seen[next[i].id] = next[i].priority == b.priority
	}
	b.ids = slices.DeleteFunc(b.ids, func(id string) bool { return !seen[id] })
}

// sorted is leads, best first, in the order in which they are dialed with the batch.
func (b *batch) sorted(next []coming) []coming {
	place := make(map[string]int, len(b.ids))
	for i, id := range b.ids {
		place[id] = i - len(b.ids) // before all others, whose place is 0
	}
	return slices.SortedStableFunc(slices.Values(next), func(k, l coming) int {
		return cmp.Or(cmp.Compare(l.priority, k.priority), cmp.Compare(place[k.id], place[l.id]))
	})
}

// arranger is what puts leads in the order in which they are best dialed; nil where they are
// dialed as they come.
func (c *campaign) arranger() func([]pacing.Lead) []int {
	a, ok := c.pacer.(pacing.Arranger)
	agents := withOwn(c.elsewhere(""), &c.own).Agents
	if !ok || agents == 0 || agents == c.ahead.many {
		return nil
	}
	return func(leads []pacing.Lead) []int {
		order := a.Arrange(leads, agents)
		if order == nil {
			c.ahead.many = agents
		}
		return order
	}
}
