package store

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

func (f *floor) stats() Stats {
	f.t.Helper()
	stats := f.s.Stats()
	stats.Pending = 0
	return stats
}

func TestWhatBecomesOfALead(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	cases := []struct {
		name  string
		next  Next
		while func(t *testing.T, f *floor, l lead.Lead) // the call is up
		want  State
	}{
		{"later", Next{Due: hour}, nil, Waiting},
		{"at once", Next{}, nil, Ready},
		{"final", Next{Final: true}, nil, Done},
		{"withdrawn meanwhile", Next{Due: hour}, func(t *testing.T, f *floor, l lead.Lead) {
			if err := f.s.WithdrawLead(t.Context(), f.campaign, l.ID); err != nil {
				t.Error(err)
			}
		}, Withdrawn},
		{"updated meanwhile", Next{Due: hour}, func(t *testing.T, f *floor, l lead.Lead) {
			l.Version, l.Priority, l.Numbers = 0, 7, []string{"+493000"}
			if v, err := f.s.UpdateLead(t.Context(), f.campaign, l); err != nil || v != 2 {
				t.Error(v, err)
			}
		}, Waiting},
	}
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				f := newFloor(t, s)
				f.add(person(1))
				rec := f.mustStart(f.claim(1)[0])
				if c.while != nil {
					c.while(t, f, person(1))
				}
				f.finish(rec, cdr.NoAnswer, c.next)
				f.drain()
				st := f.lead("L00001")
				if st.State != c.want || st.Attempt != "" || st.Lead.Attempts != 1 {
					t.Errorf("afterwards %+v, want %s", st, c.want)
				}
				counts, err := s.LeadCounts(t.Context(), f.campaign)
				if err != nil || counts[c.want] != 1 || counts[Dialing] != 0 {
					t.Errorf("counts %v, %v", counts, err)
				}
				if len(f.cdrs()) != 1 {
					t.Errorf("%d records", len(f.cdrs()))
				}
			})
		}
	})
}

func TestSecondFinishIsARepeat(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		rec := f.mustStart(f.claim(1)[0])
		f.finish(rec, cdr.Person, Next{Final: true})
		f.drain()
		f.finish(rec, cdr.Busy, Next{})
		f.drain()
		if got := f.stats(); got != (Stats{Written: 1, Repeats: 1}) {
			t.Errorf("stats %+v", got)
		}
		if st := f.lead("L00001"); st.State != Done || st.Lead.Outcomes["busy"] != 0 || st.Lead.Outcomes["person"] != 1 {
			t.Errorf("the repeat changed the lead: %+v", st)
		}
		if got := f.cdrs(); len(got) != 1 || got[0].Outcome != cdr.Person {
			t.Errorf("records %+v", got)
		}
	})
}

func TestSkip(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(2)...)
		leads := f.claim(2)
		skip := func(l lead.Lead, id string, epoch int64) {
			t.Helper()
			rec := cdr.Record{
				ID: id, Campaign: f.campaign, LeadID: l.ID, Number: l.Number(),
				Outcome: cdr.Skipped, Rule: "do_not_call",
			}
			if err := f.s.Skip(rec, epoch, Next{Final: true}); err != nil {
				t.Fatal(err)
			}
			f.drain()
		}
		skip(leads[0], "S1", f.epoch)
		if st := f.lead(leads[0].ID); st.State != Done || st.Lead.Attempts != 0 || st.Lead.Outcomes["skipped"] != 1 {
			t.Errorf("skipped: %+v", st)
		}
		if got := f.cdrs(); len(got) != 1 || got[0].Rule != "do_not_call" || got[0].Node != f.s.Node() {
			t.Errorf("records %+v", got)
		}
		skip(leads[0], "S1", f.epoch)   // again
		skip(leads[0], "S2", f.epoch)   // it is not claimed any more
		skip(leads[1], "S3", f.epoch-1) // by a former owner
		if got := f.stats(); got != (Stats{Written: 1, Repeats: 1, Stale: 2}) {
			t.Errorf("stats %+v", got)
		}
		if st := f.lead(leads[1].ID); st.State != Claimed || len(f.cdrs()) != 1 {
			t.Errorf("a stale skip changed the lead: %+v", st)
		}
	})
}

// After a failover Redis may not know an attempt that was made: its end still makes
// one record and counts.
func TestEndOfAnAttemptThatRedisForgot(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(2)...)
		rec := cdr.Record{
			ID: "forgotten", Campaign: f.campaign, LeadID: "L00000", Number: "+49300000000",
			Ordinal: 1, Marks: cdr.Marks{Invite: time.Now()},
		}
		due := time.Now().Add(time.Hour)
		f.finish(rec, cdr.Person, Next{Due: due})
		f.drain()
		f.finish(rec, cdr.Person, Next{Due: due})
		f.drain()
		if st := f.lead("L00000"); st.State != Waiting || st.Lead.Attempts != 1 || st.Lead.LastTry.IsZero() {
			t.Errorf("the lead: %+v", st)
		}
		if got := f.stats(); got != (Stats{Written: 1, Repeats: 1}) || len(f.cdrs()) != 1 {
			t.Errorf("stats %+v, %d records", got, len(f.cdrs()))
		}
		// A lead that Redis forgot too.
		rec.ID, rec.LeadID = "forgotten2", "gone"
		for range 2 {
			f.finish(rec, cdr.Busy, Next{})
			f.drain()
		}
		if len(f.cdrs()) != 2 {
			t.Errorf("%d records, want 2", len(f.cdrs()))
		}
		_, err := f.s.Lead(t.Context(), f.campaign, "gone")
		wantErr(t, err, ErrLeadUnknown)
		if added, dups, err := f.s.AddLeads(t.Context(), f.campaign,
			[]lead.Lead{{ID: "gone", Numbers: []string{"+49305"}}}); added != 1 || len(dups) != 0 || err != nil {
			t.Errorf("AddLeads = %d, %v, %v", added, dups, err)
		}
	})
}

// An end that was journaled and perhaps delivered, by a process that died before
// it noted the delivery, is written once.
func TestJournalIsDeliveredOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		s := b.open(t, Config{Node: node, JournalDir: dir})
		f := newFloor(t, s)
		f.add(people(2)...)
		var recs []cdr.Record
		for _, l := range f.claim(2) {
			rec := f.mustStart(l)
			rec.Outcome = cdr.Busy
			recs = append(recs, rec)
		}
		// The first was delivered, the second was not; neither is noted as done.
		f.finish(recs[0], cdr.Busy, Next{Final: true})
		f.drain()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		writeLeft(t, dir, recs...)
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.drain()
		if got := f.stats(); got != (Stats{Written: 1, Repeats: 1}) {
			t.Errorf("stats %+v", got)
		}
		var got []string
		for _, rec := range f.cdrs() {
			got = append(got, rec.ID)
		}
		if !slices.Equal(got, []string{recs[0].ID, recs[1].ID}) {
			t.Errorf("records %v", got)
		}
	})
}

// A record with figures that JSON has no words for is written all the same.
func TestSilenceInARecord(t *testing.T) {
	s, err := OpenEmbedded(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	f := newFloor(t, s)
	f.add(person(1))
	rec := f.mustStart(f.claim(1)[0])
	rec.Recording = &cdr.Recording{LeftDBFS: math.Inf(-1), RightDBFS: math.NaN()}
	rec.Customer = &cdr.Leg{JitterMS: math.Inf(1)}
	if err := s.Progress(rec); err != nil {
		t.Error(err)
	}
	f.finish(rec, cdr.Silence, Next{Final: true})
	f.drain()
	got := f.cdrs()
	if len(got) != 1 || got[0].Recording.LeftDBFS != -999 || got[0].Recording.RightDBFS != 0 || !math.IsInf(rec.Recording.LeftDBFS, -1) {
		t.Errorf("records %+v", got)
	}
}

func TestFinishWhileUnderWay(t *testing.T) {
	s := backend{url: "redis://127.0.0.1:1"}.openAway(t) // nobody listens there
	rec := cdr.Record{ID: "A", Campaign: "c", LeadID: "l", Outcome: cdr.Busy}
	if err := s.Finish(rec, Next{}); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.Finish(rec, Next{}), ErrFinished)
	if got := s.Stats().Pending; got != 1 {
		t.Errorf("%d pending, want 1", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantErr(t, s.Drain(ctx), context.DeadlineExceeded)
	rec.Campaign = "{"
	wantErr(t, s.Finish(rec, Next{}), ErrName)
}
