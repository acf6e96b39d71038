package store

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
)

// die ends a store as the death of its process does: what it did not send is not
// sent, its lease lapses by itself and its journal's lock is gone.
func die(t *testing.T, s *Store) {
	t.Helper()
	s.close.Do(func() {
		s.health.set(ErrClosed)
		s.cancel()
		s.running.Wait()
		if err := s.ledger.Close(); err != nil {
			t.Error(err)
		}
		s.redis.Close()
		if err := s.journal.Close(); err != nil {
			t.Error(err)
		}
	})
}

// interrupt is what a campaign decides of an attempt that was cut off.
func interrupt(due time.Time) func(OpenAttempt) (cdr.Record, Next) {
	return func(open OpenAttempt) (cdr.Record, Next) {
		rec := open.Record
		rec.Outcome = cdr.Interrupted
		return rec, Next{Due: due}
	}
}

func (f *floor) recover() int {
	f.t.Helper()
	n, err := f.s.Recover(f.t.Context(), f.campaign, f.epoch, interrupt(time.Now().Add(time.Hour)))
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestRecoverAfterOwnCrash(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
		f.add(people(3)...)
		leads := f.claim(3) // one stays claimed
		talked, rang := f.mustStart(leads[0]), f.mustStart(leads[1])
		talked.Marks.Answered = time.Now().Truncate(time.Millisecond)
		talked.Agent = "1001"
		talked.Recording = &cdr.Recording{Path: "a.wav"}
		if err := f.s.Progress(talked); err != nil {
			t.Fatal(err)
		}
		if n := f.recover(); n != 0 {
			t.Errorf("%d live attempts were ended", n)
		}
		die(t, f.s)

		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		_, err := f.s.Recover(t.Context(), f.campaign, f.epoch, interrupt(time.Time{}))
		wantErr(t, err, ErrFenced) // not the owner yet
		f.acquire()
		if n := f.recover(); n != 2 {
			t.Errorf("%d ended, want 2", n)
		}
		if n := f.recover(); n != 0 {
			t.Errorf("%d ended by a second look", n)
		}
		byID := make(map[string]cdr.Record)
		for _, rec := range f.cdrs() {
			byID[rec.ID] = rec.Record
		}
		got := byID[talked.ID]
		if len(byID) != 2 || got.Outcome != cdr.Interrupted || got.Agent != "1001" || got.Recording == nil ||
			!got.Marks.Answered.Equal(talked.Marks.Answered) || got.Ordinal != 1 {
			t.Errorf("records %+v", byID)
		}
		if got := byID[rang.ID]; got.Outcome != cdr.Interrupted || got.CallerID != rang.CallerID || got.Marks.Invite.IsZero() {
			t.Errorf("record of the one that rang: %+v", got)
		}
		for _, l := range leads[:2] {
			if st := f.lead(l.ID); st.State != Waiting || st.Lead.Attempts != 1 || st.Lead.Outcomes["interrupted"] != 1 {
				t.Errorf("lead after recovery: %+v", st)
			}
		}
		die(t, f.s) // the journal has nothing left of it
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.acquire()
		if n := f.recover(); n != 0 || len(f.cdrs()) != 2 {
			t.Errorf("%d ended after another restart", n)
		}
	})
}

func TestRecoverAnotherNode(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		lease := 2 * time.Second
		dead := newFloor(t, b.open(t, Config{NodeLease: time.Minute}))
		dead.add(person(1))
		f := &floor{t: t, s: b.open(t, Config{NodeLease: lease}), campaign: dead.campaign}
		rec := dead.mustStart(dead.claim(1)[0])
		if err := dead.s.Release(t.Context(), dead.campaign); err != nil {
			t.Fatal(err)
		}
		f.acquire()
		waitFor(t, "this node to trust its sight", func() bool {
			since, _ := f.s.Status()
			return time.Since(since) > lease
		})
		if n := f.recover(); n != 0 {
			t.Fatal("the attempt of a living node was ended")
		}
		// It is heard of no more: shorten what is left of its lease.
		f.s.beatAs(t, dead.s, time.Millisecond)
		dead.s.health.set(ErrAway) // cut off, its call still up
		waitFor(t, "the dead node's attempt to be ended", func() bool { return f.recover() == 1 })

		// The call's real end comes late.
		rec.Outcome = cdr.Person
		if err := dead.s.Finish(rec, Next{Final: true}); err != nil {
			t.Fatal(err)
		}
		dead.s.health.set(nil)
		dead.s.outbox.nudge()
		dead.drain()
		if got := dead.stats(); got != (Stats{Repeats: 1}) {
			t.Errorf("stats %+v", got)
		}
		if got := f.cdrs(); len(got) != 1 || got[0].Outcome != cdr.Interrupted || got[0].Node != f.s.Node() {
			t.Errorf("records %+v", got)
		}
	})
}

// beatAs renews another's node lease for a short time.
func (s *Store) beatAs(t *testing.T, other *Store, lease time.Duration) {
	t.Helper()
	other.cancel() // it beats no more
	other.running.Wait()
	if _, err := s.run(t.Context(), s.scripts.node, []string{nodesKey},
		other.node, other.boot, lease.Milliseconds(), "beat"); err != nil {
		t.Fatal(err)
	}
	// Its deliveries go on.
	run, cancel := context.WithCancel(context.Background())
	other.cancel = cancel
	other.running.Go(func() { other.deliver(run) })
}

// Whoever comes back first after an outage does not bury the others.
func TestRecoverWaitsAfterAnOutage(t *testing.T) {
	b := backend{url: servers.real}
	dead := newFloor(t, b.open(t, Config{NodeLease: time.Millisecond}))
	dead.add(person(1))
	dead.mustStart(dead.claim(1)[0])
	if err := dead.s.Release(t.Context(), dead.campaign); err != nil {
		t.Fatal(err)
	}
	die(t, dead.s)
	f := &floor{t: t, s: b.open(t, Config{NodeLease: time.Hour}), campaign: dead.campaign}
	f.acquire()
	if n := f.recover(); n != 0 {
		t.Errorf("%d ended by a node that has just come up", n)
	}
}

// An attempt that only the journal knows: Redis lost its start, not its record.
func TestRecoverWhatRedisForgot(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
		f.add(person(1))
		rec := cdr.Record{ID: "A", Campaign: f.campaign, LeadID: "L00001", Number: "+49300000001", Ordinal: 1}
		if err := f.s.Progress(rec); err != nil {
			t.Fatal(err)
		}
		die(t, f.s)
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.acquire()
		if n := f.recover(); n != 1 {
			t.Errorf("%d ended, want 1", n)
		}
		if st := f.lead("L00001"); st.State != Waiting || st.Lead.Attempts != 1 {
			t.Errorf("the lead: %+v", st)
		}
	})
}

// What this process knows to have ended is not interrupted, however late the news
// is delivered.
func TestRecoverLeavesEndsOnTheWay(t *testing.T) {
	b := backend{url: servers.real}
	node, dir := name("node"), t.TempDir()
	f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
	f.add(person(1))
	rec := f.mustStart(f.claim(1)[0])
	die(t, f.s)
	f.s = b.open(t, Config{Node: node, JournalDir: dir})
	f.acquire()
	f.s.outbox.reserve(rec.ID) // it is in the journal, not delivered yet
	if n := f.recover(); n != 0 {
		t.Errorf("%d ended", n)
	}
	rec.Outcome = cdr.Person
	f.s.outbox.put(ending{Kind: endFinish, Record: rec})
	f.drain()
	if got := f.cdrs(); len(got) != 1 || got[0].Outcome != cdr.Person {
		t.Errorf("records %+v", got)
	}
}

// A Redis that comes back without its last moments is told of the live calls.
func TestLiveAttemptsAreRestored(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(4)...)
		leads := f.claim(4)
		lost, kept, ended := f.mustStart(leads[0]), f.mustStart(leads[1]), f.mustStart(leads[2])
		f.finish(ended, cdr.Busy, Next{Final: true})
		f.drain()
		// Redis forgets the first start.
		sp, err := campaignSpace(f.campaign)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		for _, err := range []error{
			f.s.redis.HDel(ctx, sp.key("attempts"), lost.ID).Err(),
			f.s.redis.HSet(ctx, sp.lead(lost.LeadID), "state", "claimed", "n", 0).Err(),
			f.s.redis.HDel(ctx, sp.lead(lost.LeadID), "attempt").Err(),
			f.s.redis.ZAdd(ctx, sp.key("claimed"), redis.Z{Score: 1, Member: lost.LeadID}).Err(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		f.s.lost(ErrAway)
		waitFor(t, "redis to be there again", f.s.Up)
		for _, rec := range []cdr.Record{lost, kept} {
			if st := f.lead(rec.LeadID); st.State != Dialing || st.Attempt != rec.ID || st.Lead.Attempts != 1 {
				t.Errorf("%+v", st)
			}
		}
		if got := f.claim(5); len(got) != 0 {
			t.Errorf("claimed %v", ids(got))
		}
		f.finish(lost, cdr.Person, Next{Final: true})
		f.finish(kept, cdr.Person, Next{Final: true})
		f.drain()
		if st := f.lead(ended.LeadID); st.State != Done || len(f.cdrs()) != 3 {
			t.Errorf("%+v, %d records", st, len(f.cdrs()))
		}
	})
}
