package store

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

var unique atomic.Int64 // numbers, on the list that is common to all tests

func TestListForAllCampaigns(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		// Numbers of this test only: the list is common to all tests.
		prefix := fmt.Sprintf("+99%07d", unique.Add(1))
		number, begins := prefix+"1", prefix+"2*"
		before := newFloor(t, s)
		must(s.AddDNC(ctx, "", number, begins))
		after := newFloor(t, s)
		check := func(want bool) {
			t.Helper()
			for _, f := range []*floor{before, after} {
				for i, n := range []string{number, prefix + "2345"} {
					entry, err := s.CheckDNC(ctx, f.campaign, n)
					if wanted := []string{number, begins}[i]; err != nil || (entry == wanted) != want {
						t.Errorf("%s: entry %q, %v, want it listed: %v", n, entry, err, want)
					}
					_, _, err = s.AddLeads(ctx, f.campaign, []lead.Lead{{ID: n, Numbers: []string{n}}})
					must(err) // the second time they are there already
				}
				for _, l := range f.claim(10) {
					rec, err := f.start(l)
					if want {
						wantErr(t, err, ErrDoNotCall)
						must(s.Unclaim(ctx, f.campaign, f.epoch, Deferral{LeadID: l.ID}))
						continue
					}
					must(err)
					f.finish(rec, cdr.Busy, Next{})
				}
				f.drain()
			}
		}
		check(true)
		listed, err := s.ListDNC(ctx, "")
		if err != nil || !slices.Contains(listed, number) || !slices.Contains(listed, begins) {
			t.Errorf("list %v, %v", listed, err)
		}
		must(s.RemoveDNC(ctx, "", number, begins))
		check(false)
	})
}

func TestCampaignsOwnList(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		ctx := t.Context()
		a, other := newFloor(t, s), newFloor(t, s)
		if err := s.AddDNC(ctx, a.campaign, "+4930111", "+4940*"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ campaign, number, want string }{
			{a.campaign, "+4930111", "+4930111"},
			{a.campaign, "+4930112", ""},
			{a.campaign, "+49401", "+4940*"},
			{a.campaign, "+4940", "+4940*"},
			{a.campaign, "+494", ""},
			{a.campaign, "", ""},
			{other.campaign, "+4930111", ""},
		} {
			if got, err := s.CheckDNC(ctx, c.campaign, c.number); got != c.want || err != nil {
				t.Errorf("%s: %q, %v, want %q", c.number, got, err, c.want)
			}
		}
		if got, err := s.ListDNC(ctx, a.campaign); err != nil || !slices.Equal(got, []string{"+4940*", "+4930111"}) {
			t.Errorf("list %v, %v", got, err)
		}
		if err := s.RemoveDNC(ctx, a.campaign, "+4940*"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.CheckDNC(ctx, a.campaign, "+49401"); got != "" || err != nil {
			t.Errorf("after removal: %q, %v", got, err)
		}
		for _, entry := range []string{"", "*", "+", "+*", "+49*30", "+49 30"} {
			wantErr(t, s.AddDNC(ctx, a.campaign, entry), ErrName)
		}
	})
}

// A node that died between the list and its copies leaves a gap that the next
// start of the campaign closes.
func TestCopyLeftBehind(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		ctx := t.Context()
		f := newFloor(t, s)
		var many []string
		for i := range 2*dncBatch + 5 {
			many = append(many, fmt.Sprintf("+98%d%05d", unique.Load(), i))
		}
		if err := s.AddDNC(ctx, "", many...); err != nil {
			t.Fatal(err)
		}
		number := fmt.Sprintf("+97%09d", unique.Add(1))
		keys := []string{dncKey, dncPrefixKey, dncRevisionKey}
		if _, err := s.run(ctx, s.scripts.dncSet, keys, "add", number); err != nil { // and dies
			t.Fatal(err)
		}
		// A later change does not hide the gap.
		if err := s.AddDNC(ctx, "", number+"1"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.CheckDNC(ctx, f.campaign, number); got != "" || err != nil {
			t.Fatalf("the copy is ahead: %q, %v", got, err)
		}
		f.acquire()
		for _, n := range []string{number, number + "1", many[0], many[len(many)-1]} {
			if got, err := s.CheckDNC(ctx, f.campaign, n); got != n || err != nil {
				t.Errorf("%s: %q, %v", n, got, err)
			}
		}
		if err := s.RemoveDNC(ctx, "", append(many, number, number+"1")...); err != nil {
			t.Fatal(err)
		}
	})
}
