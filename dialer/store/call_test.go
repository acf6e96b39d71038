package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// floor is a campaign of a store under test, owned by it.
type floor struct {
	t        *testing.T
	s        *Store
	campaign string
	epoch    int64
}

func newFloor(t *testing.T, s *Store) *floor {
	t.Helper()
	f := &floor{t: t, s: s, campaign: name("campaign")}
	f.acquire()
	return f
}

func (f *floor) acquire() {
	f.t.Helper()
	epoch, err := f.s.Acquire(f.t.Context(), f.campaign, time.Minute)
	if err != nil {
		f.t.Fatal(err)
	}
	f.epoch = epoch
}

func person(i int) lead.Lead {
	return lead.Lead{ID: fmt.Sprintf("L%05d", i), List: "a", Numbers: []string{fmt.Sprintf("+4930%07d", i)}}
}

func people(n int) []lead.Lead {
	leads := make([]lead.Lead, n)
	for i := range leads {
		leads[i] = person(i)
	}
	return leads
}

func (f *floor) add(leads ...lead.Lead) {
	f.t.Helper()
	added, dups, err := f.s.AddLeads(f.t.Context(), f.campaign, leads)
	if err != nil || added != len(leads) || len(dups) > 0 {
		f.t.Fatalf("AddLeads = %d, %v, %v", added, dups, err)
	}
}

func (f *floor) claim(n int) []lead.Lead {
	f.t.Helper()
	leads, err := f.s.Claim(f.t.Context(), f.campaign, f.epoch, n, time.Minute)
	if err != nil {
		f.t.Fatal(err)
	}
	return leads
}

// start starts an attempt and returns its record so far.
func (f *floor) start(l lead.Lead) (cdr.Record, error) {
	id := ulid.Make().String()
	rec := cdr.Record{
		ID: id, Campaign: f.campaign, List: l.List, LeadID: l.ID, Number: l.Number(),
		CallerID: "+49301234", Trunk: "t", Node: f.s.Node(), Marks: cdr.Marks{Invite: time.Now()},
	}
	ordinal, err := f.s.StartAttempt(f.t.Context(), Start{
		ID: id, Campaign: f.campaign, Epoch: f.epoch, Lead: l, Number: l.Number(), Today: l.Today + 1, Record: rec,
	})
	rec.Ordinal = ordinal
	return rec, err
}

func (f *floor) mustStart(l lead.Lead) cdr.Record {
	f.t.Helper()
	rec, err := f.start(l)
	if err != nil {
		f.t.Fatal(err)
	}
	return rec
}

func (f *floor) finish(rec cdr.Record, outcome cdr.Outcome, next Next) {
	f.t.Helper()
	rec.Outcome = outcome
	if err := f.s.Finish(rec, next); err != nil {
		f.t.Fatal(err)
	}
}

func (f *floor) drain() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 15*time.Second)
	defer cancel()
	if err := f.s.Drain(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func (f *floor) lead(id string) LeadStatus {
	f.t.Helper()
	l, err := f.s.Lead(f.t.Context(), f.campaign, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func (f *floor) cdrs() []StreamRecord {
	f.t.Helper()
	records, err := f.s.CDRs(f.t.Context(), f.campaign, "", 10000)
	if err != nil {
		f.t.Fatal(err)
	}
	return records
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func TestCallFromClaimToRecord(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		l := person(1)
		l.Numbers = append(l.Numbers, "+49309999")
		l.Fields = map[string]string{"name": "Ada"}
		f.add(l)

		claimed := f.claim(10)
		if len(claimed) != 1 || claimed[0].Version != 1 || claimed[0].Fields["name"] != "Ada" {
			t.Fatalf("claimed %+v", claimed)
		}
		if got := f.claim(10); len(got) != 0 {
			t.Fatalf("claimed again: %+v", got)
		}
		rec := f.mustStart(claimed[0])
		if rec.Ordinal != 1 {
			t.Errorf("ordinal %d, want 1", rec.Ordinal)
		}
		if st := f.lead(l.ID); st.State != Dialing || st.Attempt != rec.ID || st.Lead.Attempts != 1 || st.Lead.Today != 1 {
			t.Errorf("while dialing: %+v", st)
		}
		due := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		f.finish(rec, cdr.Busy, Next{Due: due, Dead: true})
		f.drain()

		st := f.lead(l.ID)
		if st.State != Waiting || !st.Lead.Due.Equal(due) || st.Lead.Outcomes["busy"] != 1 || st.Lead.LastTry.IsZero() {
			t.Errorf("after the attempt: %+v", st)
		}
		if len(st.Lead.Dead) != 1 || st.Lead.Dead[0] != rec.Number {
			t.Errorf("dead numbers %v, want %s", st.Lead.Dead, rec.Number)
		}
		records := f.cdrs()
		if len(records) != 1 || records[0].ID != rec.ID || records[0].Outcome != cdr.Busy || records[0].Ordinal != 1 {
			t.Errorf("records %+v", records)
		}
		counts, err := f.s.LeadCounts(t.Context(), f.campaign)
		if err != nil || counts[Waiting] != 1 || counts[Dialing] != 0 {
			t.Errorf("counts %v, %v", counts, err)
		}
		counters, err := f.s.Counters(t.Context(), f.campaign)
		if err != nil || counters["started"] != 1 || counters["busy"] != 1 {
			t.Errorf("counters %v, %v", counters, err)
		}
	})
}
