package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

func TestDuplicatesAreReportedByIndex(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		leads := people(600) // more than two scripts; 1 is there already
		leads[300].ID = leads[2].ID
		leads[599].Numbers = leads[3].Numbers
		added, dups, err := f.s.AddLeads(t.Context(), f.campaign, leads)
		if err != nil || added != 597 || !slices.Equal(dups, []int{1, 300, 599}) {
			t.Errorf("AddLeads = %d, %v, %v", added, dups, err)
		}
		other := newFloor(t, f.s)
		other.add(person(1)) // another campaign has its own leads
	})
}

func TestAddLeadsRefusesWhatIsNoLead(t *testing.T) {
	s, err := OpenEmbedded(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for _, l := range []lead.Lead{{}, {ID: "a"}, {ID: "a", Numbers: []string{""}}, {ID: "a\n", Numbers: []string{"+1"}}} {
		_, _, err := s.AddLeads(t.Context(), "c", []lead.Lead{l})
		wantErr(t, err, ErrLead)
	}
	for _, campaign := range []string{"", "a}b", "{"} {
		_, _, err := s.AddLeads(t.Context(), campaign, nil)
		wantErr(t, err, ErrName)
	}
}

// customers are leads with the fields that real lists have.
func customers(n int) []lead.Lead {
	leads := people(n)
	for i := range leads {
		leads[i].Fields = map[string]string{"name": fmt.Sprint("Person ", i), "city": "Berlin", "contract": fmt.Sprint(i * 7)}
	}
	return leads
}

func TestLargeImport(t *testing.T) {
	const n = 12_345
	f := newFloor(t, backend{url: servers.real}.open(t, Config{}))
	f.add(customers(n)...)
	counts, err := f.s.LeadCounts(t.Context(), f.campaign)
	if err != nil || counts[Ready] != n {
		t.Errorf("counts %v, %v", counts, err)
	}
	if got := f.claim(1000); len(got) != 1000 || got[999].ID != "L00999" {
		t.Errorf("claimed %d", len(got))
	}
}

// BenchmarkImport imports 100,000 leads into a real Redis: one op is all of them.
func BenchmarkImport(b *testing.B) {
	ctx := context.Background()
	s, err := Open(ctx, Config{URL: servers.real, Node: name("node"), JournalDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(ctx)
	leads := customers(100_000)
	for b.Loop() {
		if added, _, err := s.AddLeads(ctx, name("campaign"), leads); err != nil || added != len(leads) {
			b.Fatal(added, err)
		}
	}
}

func TestUpdateLead(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(3)...)
		l := f.lead("L00000").Lead
		l.Numbers = []string{"+49301"}
		l.Fields = map[string]string{"street": "new"}
		l.Due = time.Now().Add(time.Hour).Truncate(time.Millisecond)
		if v, err := f.s.UpdateLead(t.Context(), f.campaign, l); v != 2 || err != nil {
			t.Fatal(v, err)
		}
		st := f.lead("L00000")
		if st.State != Waiting || st.Lead.Version != 2 || st.Lead.Numbers[0] != "+49301" || !st.Lead.Due.Equal(l.Due) {
			t.Errorf("updated: %+v", st)
		}
		_, err := f.s.UpdateLead(t.Context(), f.campaign, l) // still at version 1
		wantErr(t, err, ErrLeadChanged)
		l.Version, l.Numbers = 2, person(1).Numbers
		_, err = f.s.UpdateLead(t.Context(), f.campaign, l)
		wantErr(t, err, ErrDuplicate)
		l.ID = "nobody"
		_, err = f.s.UpdateLead(t.Context(), f.campaign, l)
		wantErr(t, err, ErrLeadUnknown)

		// The number it had is free again.
		freed := person(0)
		freed.ID = "another"
		f.add(freed)

		// Due again, at a higher priority: dialed first.
		l = st.Lead
		l.Due, l.Priority = time.Time{}, 3
		if _, err := f.s.UpdateLead(t.Context(), f.campaign, l); err != nil {
			t.Fatal(err)
		}
		claimed := f.claim(1)
		if claimed[0].ID != l.ID || claimed[0].Version != 3 {
			t.Fatalf("claimed %+v", claimed)
		}

		// The delay after an attempt stays.
		rec := f.mustStart(claimed[0])
		due := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		f.finish(rec, cdr.Busy, Next{Due: due})
		f.drain()
		for _, c := range []struct{ ask, want time.Time }{{time.Time{}, due}, {due.Add(time.Hour), due.Add(time.Hour)}} {
			l.Version, l.Due = 0, c.ask
			if _, err := f.s.UpdateLead(t.Context(), f.campaign, l); err != nil {
				t.Fatal(err)
			}
			if st := f.lead(l.ID); st.State != Waiting || !st.Lead.Due.Equal(c.want) {
				t.Errorf("updated while it waits for its retry: %+v, want due %v", st, c.want)
			}
		}

		// What is done stays done.
		claimed = f.claim(1)
		l = claimed[0]
		rec = f.mustStart(l)
		f.finish(rec, cdr.Person, Next{Final: true})
		f.drain()
		if _, err := f.s.UpdateLead(t.Context(), f.campaign, l); err != nil {
			t.Fatal(err)
		}
		if st := f.lead(l.ID); st.State != Done || st.Lead.Attempts != 1 || st.Lead.Version != 2 {
			t.Errorf("done and updated: %+v", st)
		}
	})
}

func TestWithdrawLead(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		leads := people(4)
		leads[1].Due = time.Now().Add(time.Hour)
		f.add(leads...)
		rec := f.mustStart(f.claim(1)[0])
		f.finish(rec, cdr.Busy, Next{Final: true})
		f.drain()
		f.claim(1)                // 0 is done, 1 waiting, 2 claimed, 3 ready
		for _, l := range leads { // whatever its state
			for range 2 {
				if err := f.s.WithdrawLead(t.Context(), f.campaign, l.ID); err != nil {
					t.Fatal(err)
				}
			}
			if st := f.lead(l.ID); st.State != Withdrawn || st.Lead.Version != 2 {
				t.Errorf("withdrawn: %+v", st)
			}
			_, err := f.s.UpdateLead(t.Context(), f.campaign, l)
			wantErr(t, err, ErrLeadWithdrawn)
		}
		wantErr(t, f.s.WithdrawLead(t.Context(), f.campaign, "nobody"), ErrLeadUnknown)
		if got := f.claim(5); len(got) != 0 {
			t.Errorf("claimed %v", ids(got))
		}
		counts, err := f.s.LeadCounts(t.Context(), f.campaign)
		if err != nil || counts[Withdrawn] != 4 || counts[Ready]+counts[Waiting]+counts[Claimed]+counts[Done] != 0 {
			t.Errorf("counts %v, %v", counts, err)
		}
	})
}

func TestLeadsInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		leads := people(2*page + 100)
		for i := range leads {
			leads[i].Priority = i % 7
			leads[i].List = "even"
			if i%2 == 1 {
				leads[i].List = "odd"
			}
		}
		f.add(leads...)
		f.claim(50)
		count := func(filter LeadFilter) (n int) {
			last := ""
			for l, err := range f.s.Leads(t.Context(), f.campaign, filter) {
				if err != nil {
					t.Fatal(err)
				}
				if l.Lead.ID <= last {
					t.Errorf("%s after %s", l.Lead.ID, last)
				}
				last = l.Lead.ID
				n++
			}
			return n
		}
		for _, c := range []struct {
			filter LeadFilter
			want   int
		}{{LeadFilter{}, 1100}, {LeadFilter{State: Claimed}, 50}, {LeadFilter{List: "odd"}, 550}, {LeadFilter{State: Done}, 0}} {
			if got := count(c.filter); got != c.want {
				t.Errorf("%+v: %d leads, want %d", c.filter, got, c.want)
			}
		}
		for range f.s.Leads(t.Context(), f.campaign, LeadFilter{}) {
			break // a reader may stop
		}
	})
}
