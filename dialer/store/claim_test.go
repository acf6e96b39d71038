package store

import (
	"slices"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

func ids(leads []lead.Lead) []string {
	var ids []string
	for _, l := range leads {
		ids = append(ids, l.ID)
	}
	return ids
}

func TestClaimTakesTheBestFirst(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
		leads := people(7)
		leads[0].Due = ago(time.Hour)
		leads[1].Due = ago(2 * time.Hour)
		leads[2].Priority = 5
		leads[3].Priority = 10
		leads[3].Due = time.Now().Add(time.Hour) // not yet
		leads[4].Priority = -1
		leads[5].Priority = 5
		// 6: no due time, so it goes by its place in the list among its like
		f.add(leads...)
		want := []string{"L00002", "L00005", "L00006", "L00001", "L00000", "L00004"}
		got := append(ids(f.claim(2)), ids(f.claim(3))...)
		got = append(got, ids(f.claim(3))...)
		if !slices.Equal(got, want) {
			t.Errorf("claimed %v, want %v", got, want)
		}
		counts, err := f.s.LeadCounts(t.Context(), f.campaign)
		if err != nil || counts[Claimed] != 6 || counts[Waiting] != 1 {
			t.Errorf("counts %v, %v", counts, err)
		}
	})
}

// TestClaimTakesThoseNamedFirst holds that of leads of one priority those that are named go
// before the others, in the order in which they are named; that those who are gone are passed
// over; and that nobody of a higher priority waits for them.
func TestClaimTakesThoseNamedFirst(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		leads := people(14)
		leads[9].Priority, leads[10].Priority = 5, -5
		leads[11].Due = time.Now().Add(time.Hour)
		f.add(leads...)
		id := func(i int) string { return person(i).ID }
		claim := func(n int, first ...string) []string {
			t.Helper()
			got, err := f.s.Claim(t.Context(), f.campaign, f.epoch, n, time.Minute, first...)
			if err != nil {
				t.Fatal(err)
			}
			return ids(got)
		}
		f.mustStart(f.claim(2)[1]) // the second, after one of a higher priority
		if err := f.s.WithdrawLead(t.Context(), f.campaign, id(2)); err != nil {
			t.Fatal(err)
		}
		gone := []string{id(0), id(9), id(2), id(11), "nobody"} // dialed, claimed, withdrawn, put off, unknown
		for _, c := range []struct {
			n           int
			first, want []string
		}{
			{0, []string{id(5)}, nil},
			{2, append(gone, id(8), id(4), id(6)), []string{id(8), id(4)}},
			{1, []string{id(8), id(6), id(6)}, []string{id(6)}},
			{3, []string{id(7)}, []string{id(7), id(1), id(3)}},
			{3, []string{id(10), id(12)}, []string{id(5), id(12), id(13)}}, // the first is of less priority than all
			{9, []string{id(10), id(10)}, []string{id(10)}},
			{9, gone, nil},
		} {
			if got := claim(c.n, c.first...); !slices.Equal(got, c.want) {
				t.Errorf("of %v %d are claimed: %v, want %v", c.first, c.n, got, c.want)
			}
		}

		// A callback that was asked for meanwhile goes before.
		f.add(person(20), person(21), person(22))
		f.finishIn(asking(f.callIn(person(22).Numbers[0]), time.Time{}), 0)
		if next, err := f.s.Peek(t.Context(), f.campaign, 1); err != nil || len(next) != 1 || next[0].ID != id(22) || next[0].Priority != 50 {
			t.Errorf("next are %+v, %v", next, err)
		}
		if got, want := claim(2, id(21), id(22)), []string{id(22), id(21)}; !slices.Equal(got, want) {
			t.Errorf("claimed %v, want %v", got, want)
		}
	})
}

// TestPeekReadsWhatClaimTakes holds that a look at the leads to be claimed next claims none,
// and that each knows how many go before it.
func TestPeekReadsWhatClaimTakes(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		leads := people(6)
		leads[4].Priority = 5
		leads[1].Due = time.Now().Add(-time.Hour)
		leads[2].Due = time.Now().Add(time.Hour)
		f.add(leads...)
		f.claim(0) // what has come due is ready then
		for _, n := range []int{3, 100} {
			next, err := f.s.Peek(t.Context(), f.campaign, n)
			if err != nil {
				t.Fatal(err)
			}
			if want := min(n, 5); len(next) != want {
				t.Fatalf("%d leads, want %d", len(next), want)
			}
			if n < 100 {
				continue
			}
			for i, l := range next {
				before, ready, err := f.s.Turn(t.Context(), f.campaign, l.ID)
				if err != nil || !ready || before != i {
					t.Errorf("%s: %d go before it, ready %v, error %v; want %d", l.ID, before, ready, err, i)
				}
			}
			if got := f.claim(5); !slices.Equal(ids(got), ids(next)) || !slices.Equal(got[0].Numbers, next[0].Numbers) {
				t.Errorf("claimed %v, seen before %v", ids(got), ids(next))
			}
		}
		for _, id := range []string{"L00002", "L00004", "nobody"} { // waits; is claimed; does not exist
			if _, ready, err := f.s.Turn(t.Context(), f.campaign, id); err != nil || ready {
				t.Errorf("%s: ready %v, error %v", id, ready, err)
			}
		}
	})
}

func TestClaimFindsWhatHasComeDue(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		leads := people(3)
		leads[1].Due = time.Now().Add(100 * time.Millisecond)
		leads[1].Priority = 1
		leads[2].Due = time.Now().Add(time.Hour)
		f.add(leads...)
		var got []string
		waitFor(t, "two leads to be due", func() bool {
			got = append(got, ids(f.claim(1))...)
			return len(got) == 2
		})
		if slices.Contains(got, "L00002") {
			t.Errorf("claimed %v, one of them before its time", got)
		}
	})
}

func TestLapsedClaimReturns(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1), person(2))
		first, err := f.s.Claim(t.Context(), f.campaign, f.epoch, 1, 50*time.Millisecond)
		if err != nil || len(first) != 1 {
			t.Fatal(first, err)
		}
		if got := f.claim(1); got[0].ID != "L00002" {
			t.Fatalf("claimed %s", got[0].ID)
		}
		var again []lead.Lead
		waitFor(t, "the claim to lapse", func() bool {
			again = f.claim(5)
			return len(again) > 0
		})
		if got := ids(again); !slices.Equal(got, ids(first)) {
			t.Errorf("claimed %v", got)
		}
		// Both holders try; one wins.
		f.mustStart(again[0])
		_, err = f.start(first[0])
		wantErr(t, err, ErrUnclaimed)
	})
}

func TestUnclaim(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(4)...)
		leads := f.claim(3)
		due := time.Now().Add(time.Hour).Truncate(time.Millisecond)
		if err := f.s.Unclaim(t.Context(), f.campaign, f.epoch); err != nil {
			t.Error(err)
		}
		err := f.s.Unclaim(t.Context(), f.campaign, f.epoch,
			Deferral{leads[0].ID, due, "outside the calling window"}, Deferral{LeadID: leads[1].ID},
			Deferral{LeadID: "L00003"}, Deferral{LeadID: "nobody"})
		if err != nil {
			t.Fatal(err)
		}
		if l := f.lead(leads[0].ID); l.State != Waiting || !l.Lead.Due.Equal(due) ||
			l.Reason != "outside the calling window" || l.Lead.Attempts != 0 {
			t.Errorf("put off: %+v", l)
		}
		if got := f.lead(leads[1].ID).State; got != Ready {
			t.Errorf("given back: %s", got)
		}
		_, err = f.start(leads[0])
		wantErr(t, err, ErrUnclaimed)
		// A former owner gives nothing back.
		if err := f.s.Unclaim(t.Context(), f.campaign, f.epoch-1, Deferral{LeadID: leads[2].ID}); err != nil {
			t.Error(err)
		}
		if got := f.lead(leads[2].ID).State; got != Claimed {
			t.Errorf("claimed by this epoch: %s", got)
		}
		// An attempt clears the reason.
		l := f.claim(1)[0]
		rec := f.mustStart(l)
		f.finish(rec, cdr.NoAnswer, Next{Final: true})
		f.drain()
		if l := f.lead(l.ID); l.Reason != "" || l.State != Done {
			t.Errorf("after its attempt: %+v", l)
		}
	})
}

func TestClaimIsFenced(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		if _, err := f.s.Claim(t.Context(), f.campaign, f.epoch+1, 1, time.Minute); err == nil {
			t.Error("claimed with an epoch that never was")
		}
		if err := f.s.Release(t.Context(), f.campaign); err != nil {
			t.Fatal(err)
		}
		_, err := f.s.Claim(t.Context(), f.campaign, f.epoch, 1, time.Minute)
		wantErr(t, err, ErrFenced)
	})
}
