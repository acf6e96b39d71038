package dialer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// backwards has a batch dialed from its end.
func backwards(leads []pacing.Lead) []int {
	order := make([]int, len(leads))
	for i := range order {
		order[i] = len(leads) - 1 - i
	}
	return order
}

// someLeads are leads of a priority, "A0" and so on.
func someLeads(name string, n, priority int) (leads []lead.Lead) {
	for i := range n {
		leads = append(leads, lead.Lead{ID: fmt.Sprint(name, i), List: fmt.Sprint(name, i), Priority: priority, Numbers: []string{"+447900000000"}})
	}
	return leads
}

// TestBatch holds that of the leads to come a batch of one priority is arranged; that it
// stays as it is until it is dialed, whoever comes; and that higher priorities go before it.
func TestBatch(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rules := gate.Rules{Zone: time.UTC, Hours: gate.Daytime()}
	var u upcoming
	var arranged int
	see := func(leads []lead.Lead) {
		u.saw(rules, leads, noon, func(l []pacing.Lead) []int {
			arranged++
			return backwards(l)
		})
	}
	check := func(what, leads string, batch ...string) {
		t.Helper()
		var lists []string
		for i := range u.leads {
			lists = append(lists, u.leads[i].List)
		}
		if got := strings.Join(lists, " "); got != leads {
			t.Errorf("%s: to come are %s, want %s", what, got, leads)
		}
		if !slices.Equal(u.batch.ids, batch) {
			t.Errorf("%s: left of the batch are %v, want %v", what, u.batch.ids, batch)
		}
	}
	high, usual, low := someLeads("A", 3, 5), someLeads("B", 4, 0), someLeads("C", 2, -1)
	see(slices.Concat(high, usual, low))
	check("of three priorities", "A2 A1 A0 B0 B1 B2 B3 C0 C1", "A2", "A1", "A0")
	u.claimed([]lead.Lead{high[2], usual[1]})
	check("one is dialed", "A1 A0 B0 B2 B3 C0 C1", "A1", "A0")
	urgent := someLeads("U", 1, 9)
	see(slices.Concat(urgent, someLeads("N", 1, 5), high[:2], usual, low))
	check("others come", "U0 A1 A0 N0 B0 B1 B2 B3 C0 C1", "A1", "A0")
	if arranged != 1 {
		t.Errorf("arranged %d times", arranged)
	}
	u.claimed([]lead.Lead{urgent[0], high[1]})
	see(slices.Concat(usual, low)) // the last of the batch was claimed by another node
	check("it is over", "B3 B2 B1 B0 C0 C1", "B3", "B2", "B1", "B0")
	usual[1].Priority = 7
	see(slices.Concat(usual[1:2], usual[:1], usual[2:], low))
	check("one has become urgent", "B1 B3 B2 B0 C0 C1", "B3", "B2", "B0")
	usual[3].Priority = -1
	see(slices.Concat(usual[1:2], usual[:1], usual[2:3], usual[3:], low))
	check("one has become less so", "B1 B2 B0 B3 C0 C1", "B2", "B0")
	usual[1].Priority, usual[3].Priority = 0, 0

	// Those that the rules put off are claimed before the others: else they would be in the way.
	u.forget()
	usual[0].TimeZone, usual[2].TimeZone = "Asia/Tokyo", "Asia/Tokyo" // where it is night
	see(slices.Concat(usual[:1], usual[2:], low))
	check("two are put off", "B3 C0 C1", "B0", "B2", "B3")

	u.forget()
	many := someLeads("M", pacing.Batch+5, 0)
	see(many)
	if len(u.batch.ids) != pacing.Batch || u.batch.ids[0] != many[pacing.Batch-1].ID || u.leads[pacing.Batch].List != many[pacing.Batch].List || len(u.leads) != len(many) {
		t.Errorf("of many the batch is %v, and to come are %v", u.batch.ids, u.leads)
	}
	if u.plain[0].List != many[0].List || u.plain[pacing.Batch].List != many[pacing.Batch].List || len(u.plain) != len(many) {
		t.Errorf("those who are granted calls claim %v", u.plain)
	}
	u.claimed(many[:1])
	if u.plain[0].List != many[1].List || u.leads[0].List != many[pacing.Batch-1].List || len(u.leads) != len(many)-1 {
		t.Errorf("one is claimed, and to come are %v, and by others %v", u.leads, u.plain)
	}
	see(someLeads("V", batchAhead, 1))
	if u.batch.ids[0] != fmt.Sprint("V", pacing.Batch-1) {
		t.Errorf("many more of a higher priority have come, and the batch is %v", u.batch.ids)
	}

	u.forget()
	u.saw(rules, many, noon, func([]pacing.Lead) []int { return nil })
	if u.leads[0].List != many[0].List || len(u.batch.ids) > 0 {
		t.Errorf("left as they are: %v; batch %v", u.leads, u.batch.ids)
	}
}

// arranging is a pacer that has small teams dial each batch from its end.
type arranging struct {
	pacing.Pacer
	most  int   // agents of a small team
	asked []int // agents for whom it was asked
}

func (a *arranging) Arrange(leads []pacing.Lead, agents int) []int {
	if a.asked = append(a.asked, agents); agents > a.most {
		return nil
	}
	return backwards(leads)
}

// TestBatchIsClaimed holds that a campaign looks ahead to a batch, for the agents of all
// nodes, and claims it in its order, while it decides itself and has a small team.
func TestBatchIsClaimed(t *testing.T) {
	ts := waysOut(t) // none: what is claimed is put off
	c := bookkeeper(t, &shelf{}, pacing.Predictive)
	pacer := &arranging{Pacer: c.pacer, most: 20}
	c.pacer, c.store, c.trunks, c.running, c.ctx = pacer, ts.store, ts, true, t.Context()
	c.rules = gate.Rules{Zone: time.UTC, Hours: gate.Always()}
	var err error
	if c.epoch, err = c.store.Acquire(t.Context(), c.name, time.Minute); err != nil {
		t.Fatal(err)
	}
	leads := someLeads("L", batchAhead+10, 0)
	for i := range leads {
		leads[i].Numbers[0] = fmt.Sprintf("+4479000000%02d", i)
	}
	if _, _, err := c.store.AddLeads(t.Context(), c.name, leads); err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		c.due, c.batch = 1, 0
		if err := c.lookAhead(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ready := len(leads)
	dials := func(want ...int) {
		t.Helper()
		c.batch = 0
		c.dialNext(make([]string, len(want)))
		for _, i := range want {
			if s, err := c.store.Lead(t.Context(), c.name, leads[i].ID); err != nil || s.State != store.Waiting {
				t.Errorf("%s is %s (%v): it was to be claimed", leads[i].ID, s.State, err)
			}
		}
		counts, err := c.store.LeadCounts(t.Context(), c.name)
		if ready -= len(want); err != nil || counts[store.Ready] != ready {
			t.Errorf("%d are ready, want %d (%v)", counts[store.Ready], ready, err)
		}
	}
	look()
	if len(pacer.asked) > 0 || len(c.ahead.leads) != leastAhead {
		t.Errorf("without agents %d are looked at, arranged for %v", len(c.ahead.leads), pacer.asked)
	}
	dials(0)
	c.own.Agents, c.fellows = 5, fellows{others: map[string]*fellow{"other": {agents: 7}}}
	look()
	if len(c.ahead.leads) != batchAhead {
		t.Errorf("%d are looked at, want %d", len(c.ahead.leads), batchAhead)
	}
	dials(pacing.Batch)
	dials(pacing.Batch-1, pacing.Batch-2)
	look()
	dials(pacing.Batch-3, pacing.Batch-4)
	if !slices.Equal(pacer.asked, []int{12}) {
		t.Errorf("arranged for %v agents, want once for 12", pacer.asked)
	}

	c.decider = "another node"
	look()
	dials(1)
	c.decider, c.own.Agents = "", 30
	for next := 2; next < 4; next++ {
		look()
		dials(next)
	}
	if !slices.Equal(pacer.asked, []int{12, 37}) || len(c.ahead.leads) != leastAhead-1 {
		t.Errorf("arranged for %v agents, and %d are looked at", pacer.asked, len(c.ahead.leads))
	}
}

// told is a pacer that keeps which leads it was told to come.
type told struct{ next []pacing.Lead }

func (p *told) Decide(s pacing.Snapshot) pacing.Decision {
	p.next = s.Next
	return pacing.Decision{}
}

// TestNodesAreDecidedForInTheListsOrder holds that calls are granted by the leads that a node
// claims which is granted them: it knows of no batch.
func TestNodesAreDecidedForInTheListsOrder(t *testing.T) {
	c := bookkeeper(t, &shelf{}, pacing.Predictive)
	p := &told{}
	c.pacer, c.others = p, map[string]*fellow{"its": {node: "another"}}
	leads := someLeads("L", 3, 0)
	c.ahead.saw(gate.Rules{Zone: time.UTC, Hours: gate.Always()}, leads, time.Now(), backwards)
	var s pacing.Snapshot
	if c.tell(&s, pacing.Limits{}); s.Next[0].List != "L2" {
		t.Errorf("this node is to claim %v", s.Next)
	}
	text, err := json.Marshal(report{Node: "another", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.decideFor(t.Context(), store.Told{Boot: "its", Text: text}); err != nil {
		t.Fatal(err)
	}
	if len(p.next) != 3 || p.next[0].List != "L0" {
		t.Errorf("the other is to claim %v", p.next)
	}
}
