package store

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
)

// verdict holds what was dialed against what the store says in the end.
type verdict struct {
	t      *testing.T
	lead   map[string]string      // attempt -> lead, of all that were dialed
	last   map[string]time.Time   // lead -> when it was dialed last
	result map[string]cdr.Outcome // attempt -> outcome that Finish took
}

func newVerdict(t *testing.T) *verdict {
	return &verdict{
		t: t, lead: make(map[string]string), last: make(map[string]time.Time), result: make(map[string]cdr.Outcome),
	}
}

// dialed notes a dial, in the order of time.
func (v *verdict) dialed(id, lead string, at time.Time) {
	v.t.Helper()
	// Due times are whole milliseconds.
	if before, ok := v.last[lead]; ok && at.Sub(before) < retryDelay-2*time.Millisecond {
		v.t.Errorf("lead %s was dialed twice within %v", lead, at.Sub(before))
	}
	v.last[lead] = at
	v.lead[id] = lead
}

func (v *verdict) ended(id string, outcome cdr.Outcome) { v.result[id] = outcome }

// check judges when every attempt has ended.
func (v *verdict) check(f *floor, leads int) {
	v.t.Helper()
	records := make(map[string]cdr.Record)
	for _, rec := range f.cdrs() {
		if _, twice := records[rec.ID]; twice {
			v.t.Errorf("attempt %s has two records", rec.ID)
		}
		records[rec.ID] = rec.Record
	}
	for id, lead := range v.lead {
		rec, ok := records[id]
		if !ok {
			v.t.Errorf("attempt %s of lead %s has no record", id, lead)
		} else if rec.LeadID != lead {
			v.t.Errorf("the record of attempt %s is of lead %s, not %s", id, rec.LeadID, lead)
		}
	}
	for id, outcome := range v.result {
		if got := records[id].Outcome; got != outcome {
			v.t.Errorf("attempt %s ended %s, its record says %s", id, outcome, got)
		}
	}
	ctx := f.t.Context()
	counters, err := f.s.Counters(ctx, f.campaign)
	if err != nil || counters["started"] != int64(len(records)) {
		v.t.Errorf("%d attempts counted, %d records, %v", counters["started"], len(records), err)
	}
	counts, err := f.s.LeadCounts(ctx, f.campaign)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if err != nil || sum != leads || counts[Dialing] != 0 {
		v.t.Errorf("of %d leads there are %v, %v", leads, counts, err)
	}
	states := make(map[State]int)
	attempts := 0
	for l, err := range f.s.Leads(ctx, f.campaign, LeadFilter{}) {
		if err != nil {
			v.t.Fatal(err)
		}
		states[l.State]++
		attempts += l.Lead.Attempts
		total := 0
		for _, n := range l.Lead.Outcomes {
			total += n
		}
		if total != l.Lead.Attempts {
			v.t.Errorf("lead %s: %d attempts, outcomes %v", l.Lead.ID, l.Lead.Attempts, l.Lead.Outcomes)
		}
	}
	if attempts != len(records) {
		v.t.Errorf("the leads have %d attempts, there are %d records", attempts, len(records))
	}
	if states[Dialing] != 0 {
		v.t.Errorf("leads by their own word: %v", states)
	}
}
