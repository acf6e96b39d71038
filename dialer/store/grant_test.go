package store

import (
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing/ledger"
)

// another is a second node of the campaign, which dials under the owner's epoch.
func (f *floor) another(b backend) *floor {
	return &floor{t: f.t, s: b.open(f.t, Config{}), campaign: f.campaign, epoch: f.epoch}
}

// startBy starts an attempt by a grant (0: none), and with a bound on abandoned calls.
func (f *floor) startBy(l lead.Lead, grant int64, most *int) error {
	id := ulid.Make().String()
	_, err := f.s.StartAttempt(f.t.Context(), Start{
		ID: id, Campaign: f.campaign, Epoch: f.epoch, Lead: l, Number: l.Number(), Grant: grant, MostAbandoned: most,
		Record: cdr.Record{Marks: cdr.Marks{Claimed: time.Now()}},
	})
	return err
}

// TestGrants holds that a node dials as many calls as it is granted, as long as the grant
// stands: none by one that has lapsed, was replaced or is another owner's.
func TestGrants(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(8)...)
		other := f.another(b)
		leads := other.claim(8)
		report := func(text, news string) (epoch int64, g Granted) {
			t.Helper()
			owner, epoch, g, err := other.s.Report(t.Context(), f.campaign, []byte(text), []byte(news))
			if err != nil || owner != f.s.node {
				t.Fatalf("owner %q, error %v", owner, err)
			}
			return epoch, g
		}
		gather := func() (reports, news []Told) {
			t.Helper()
			reports, news, err := f.s.Gather(t.Context(), f.campaign, f.epoch, []byte("own"))
			if err != nil {
				t.Fatal(err)
			}
			return reports, news
		}
		give := func(seq int64, dial int, lapse time.Duration) {
			t.Helper()
			if err := f.s.Grant(t.Context(), f.campaign, f.epoch, lapse, Granted{other.s.Boot(), seq, dial, []byte("two")}); err != nil {
				t.Fatal(err)
			}
		}
		if epoch, g := report("one", "first"); epoch != f.epoch || g.Seq != 0 {
			t.Errorf("epoch %d, want %d; grant %+v before any", epoch, f.epoch, g)
		}
		report("two", "second")
		report("three", "")
		reports, news := gather()
		texts := map[string]string{}
		for _, told := range reports {
			texts[told.Boot] = string(told.Text)
			if told.Age < 0 || told.Age > patience {
				t.Errorf("a report is %v old", told.Age)
			}
		}
		if len(texts) != 2 || texts[f.s.Boot()] != "own" || texts[other.s.Boot()] != "three" {
			t.Errorf("reports %v", texts)
		}
		if len(news) != 2 || string(news[0].Text) != "first" || string(news[1].Text) != "second" {
			t.Errorf("news %+v", news)
		}
		if _, news := gather(); len(news) != 0 {
			t.Errorf("news %+v a second time", news)
		}

		wantErr(t, other.startBy(leads[0], 4, nil), ErrUngranted)
		give(4, 2, time.Hour)
		if _, g := report("four", ""); g.Seq != 4 || string(g.Text) != "two" {
			t.Errorf("grant %+v", g)
		}
		wantErr(t, other.startBy(leads[0], 3, nil), ErrUngranted)
		wantErr(t, other.startBy(leads[0], 4, nil), nil)
		wantErr(t, other.startBy(leads[0], 4, nil), ErrUnclaimed) // which costs none of the grant
		wantErr(t, other.startBy(leads[1], 4, nil), nil)
		wantErr(t, other.startBy(leads[2], 4, nil), ErrUngranted) // used up
		give(5, 1, 0)
		wantErr(t, other.startBy(leads[2], 5, nil), ErrUngranted) // lapsed
		if _, g := report("five", ""); g.Seq != 0 {
			t.Errorf("grant %+v after it has lapsed", g)
		}
		give(6, 1, time.Hour)
		wantErr(t, other.startBy(leads[2], 5, nil), ErrUngranted) // replaced

		if err := f.s.Release(t.Context(), f.campaign); err != nil {
			t.Fatal(err)
		}
		wantErr(t, other.startBy(leads[2], 6, nil), ErrFenced) // nobody decides any more
		stale := f.epoch
		next := f.another(b)
		next.acquire()
		wantErr(t, other.startBy(leads[2], 6, nil), ErrFenced)
		_, _, err := f.s.Gather(t.Context(), f.campaign, stale, nil)
		wantErr(t, err, ErrFenced)
		wantErr(t, f.s.Grant(t.Context(), f.campaign, stale, time.Hour, Granted{other.s.Boot(), 7, 1, nil}), ErrFenced)
		if reports, _, err := next.s.Gather(t.Context(), f.campaign, next.epoch, []byte("next"), f.s.Boot()); err != nil || len(reports) != 2 {
			t.Errorf("reports %+v after one was forgotten, error %v", reports, err)
		}
	})
}

// TestCreditAtTheMomentOfDialing holds that a call is not started where, since it was
// decided, more calls were abandoned than that bears, at whatever node.
func TestCreditAtTheMomentOfDialing(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(4)...)
		other := f.another(b)
		leads := f.claim(4)
		most := 1
		abandon := func(f *floor) {
			t.Helper()
			id := ulid.Make().String()
			for _, v := range []ledger.Verdict{ledger.Answered, ledger.Abandoned} {
				if err := f.s.Ledger().Settle(t.Context(), ledger.Entry{Campaign: f.campaign, Attempt: id, Verdict: v})[0]; err != nil {
					t.Fatal(err)
				}
			}
		}
		wantErr(t, f.startBy(leads[0], 0, &most), nil)
		abandon(other)
		wantErr(t, f.startBy(leads[1], 0, &most), nil)
		abandon(f)
		wantErr(t, f.startBy(leads[2], 0, &most), ErrCredit)
		if st := f.lead(leads[2].ID); st.State != Claimed {
			t.Errorf("the lead is %s", st.State)
		}
		wantErr(t, f.startBy(leads[2], 0, nil), nil)
		most = 2
		wantErr(t, f.startBy(leads[3], 0, &most), nil)
	})
}

// TestRecoverOwnWithoutOwning holds that a node which does not own the campaign ends what
// its own former process left, and nothing else.
func TestRecoverOwnWithoutOwning(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		const lease = 400 * time.Millisecond
		owner := newFloor(t, b.open(t, Config{NodeLease: time.Minute}))
		owner.add(people(3)...)
		third := &floor{t: t, s: b.open(t, Config{NodeLease: lease}), campaign: owner.campaign, epoch: owner.epoch}
		third.mustStart(third.claim(1)[0])
		gone := third.s.node
		die(t, third.s)
		node, dir := name("node"), t.TempDir()
		f := &floor{t: t, s: b.open(t, Config{Node: node, JournalDir: dir}), campaign: owner.campaign, epoch: owner.epoch}
		leads := f.claim(2)
		owner.mustStart(leads[1])
		mine := f.mustStart(leads[0])
		mine.Recording = &cdr.Recording{Path: "mine.wav"}
		if err := f.s.Progress(mine); err != nil {
			t.Fatal(err)
		}
		die(t, f.s)
		f.s = b.open(t, Config{Node: node, JournalDir: dir, NodeLease: lease})
		waitFor(t, "the third node to be known for dead", func() bool {
			alive, err := f.s.Nodes(t.Context())
			since, away := f.s.Status()
			return err == nil && alive[gone] == "" && away == nil && time.Since(since) > 2*lease
		})
		if n := f.recover(); n != 1 {
			t.Errorf("%d ended, want its own", n)
		}
		if recs := f.cdrs(); len(recs) != 1 || recs[0].ID != mine.ID || recs[0].Recording == nil {
			t.Errorf("records %+v", recs)
		}
	})
}
