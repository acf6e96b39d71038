package store

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/pacing/ledger"
)

// count returns how many calls of the campaign were answered by a person in 30 days, and how
// many abandoned.
func (f *floor) count() (answered, abandoned int) {
	f.t.Helper()
	windows, err := f.s.Ledger().Sync(f.t.Context(), f.campaign, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return windows[1].Answered, windows[1].Abandoned
}

func (f *floor) wantCount(answered, abandoned int) {
	f.t.Helper()
	if a, b := f.count(); a != answered || b != abandoned {
		f.t.Errorf("%d answered, %d abandoned; want %d and %d", a, b, answered, abandoned)
	}
}

// tell notes live what becomes of a call.
func (f *floor) tell(rec cdr.Record, v ledger.Verdict) {
	f.s.Ledger().Count(ledger.Entry{Campaign: f.campaign, Attempt: rec.ID, Verdict: v})
}

func TestHowRecordsCount(t *testing.T) {
	at := time.Now()
	for _, c := range []struct {
		name string
		rec  cdr.Record
		want ledger.Verdict // "": not at all
	}{
		{"person", cdr.Record{Outcome: cdr.Person}, ledger.Reached},
		{"abandoned", cdr.Record{Outcome: cdr.Abandoned}, ledger.Abandoned},
		{"machine by its sound", cdr.Record{Outcome: cdr.Machine}, ledger.Detected},
		{"machine that an agent had", cdr.Record{Outcome: cdr.Machine, Marks: cdr.Marks{TalkEnded: at}}, ledger.Machine},
		{"busy", cdr.Record{Outcome: cdr.Busy}, ""},
		{"cancelled", cdr.Record{Outcome: cdr.Cancelled}, ""},
		{"died before the answer", cdr.Record{Outcome: cdr.Interrupted}, ledger.Interrupted},
		{"died before an agent was there", cdr.Record{Outcome: cdr.Interrupted, Marks: cdr.Marks{Answered: at, AgentClaimed: at}}, ledger.Abandoned},
		{"died in the talk", cdr.Record{Outcome: cdr.Interrupted, Marks: cdr.Marks{Answered: at, AgentAudio: at}}, ledger.Reached},
		{"came in", cdr.Record{Outcome: cdr.Abandoned, Direction: cdr.In}, ""},
	} {
		if got, ok := countsAs(&c.rec); got != c.want || ok != (c.want != "") {
			t.Errorf("%s counts as %q, %v", c.name, got, ok)
		}
	}
}

// Whatever was told of a call while it was up, its end counts it, and once.
func TestEndsAreCounted(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
		f.add(people(5)...)
		var recs []cdr.Record
		for i, l := range f.claim(5) {
			rec := f.mustStart(l)
			rec.Outcome = []cdr.Outcome{cdr.Person, cdr.Abandoned, cdr.Abandoned, cdr.Machine, cdr.Busy}[i]
			recs = append(recs, rec)
		}
		f.tell(recs[1], ledger.Answered)
		f.tell(recs[3], ledger.Answered)
		f.wantCount(2, 0)
		f.tell(recs[1], ledger.Abandoned)
		f.wantCount(2, 1)
		for _, rec := range recs {
			f.finish(rec, rec.Outcome, Next{Final: true})
		}
		f.drain()
		f.wantCount(3, 2) // the machine is none of them any more
		f.finish(recs[2], cdr.Abandoned, Next{Final: true})
		f.drain()
		f.wantCount(3, 2)

		// The process dies before it notes that they are delivered.
		die(t, f.s)
		writeLeft(t, dir, recs...)
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.drain()
		if got := f.stats(); got.Repeats != int64(len(recs)) {
			t.Errorf("stats %+v", got)
		}
		f.wantCount(3, 2)
	})
}

// Between what is counted and the delivery of the end lies a crash.
func TestCrashBetweenCountAndEnd(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
		f.add(people(2)...)
		var ends []ending
		var recs []cdr.Record
		for _, l := range f.claim(2) {
			rec := f.mustStart(l)
			rec.Outcome, rec.Marks.Answered = cdr.Abandoned, time.Now()
			recs = append(recs, rec)
			ends = append(ends, ending{Kind: endFinish, Record: rec, Next: Next{Final: true}})
		}
		if errs := f.s.settle(t.Context(), ends[:1]); errs[0] != nil {
			t.Fatal(errs)
		}
		die(t, f.s)
		writeLeft(t, dir, recs...)
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.drain()
		f.wantCount(2, 2)
		if got := f.cdrs(); len(got) != 2 {
			t.Errorf("%d records", len(got))
		}
	})
}

// Nothing is known of a dead node's calls but what it told: whoever was answered and had
// no agent has been abandoned.
func TestDeadNodesCallsAreCounted(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		lease := 2 * time.Second
		dead := newFloor(t, b.open(t, Config{NodeLease: lease}))
		dead.add(people(4)...)
		var recs []cdr.Record
		for _, l := range dead.claim(4) {
			recs = append(recs, dead.mustStart(l))
		}
		dead.tell(recs[0], ledger.Answered)
		dead.tell(recs[1], ledger.Answered)
		dead.tell(recs[1], ledger.Reached)
		dead.tell(recs[2], ledger.Answered)
		dead.tell(recs[2], ledger.Abandoned)
		dead.wantCount(3, 1)
		if err := dead.s.Release(t.Context(), dead.campaign); err != nil {
			t.Fatal(err)
		}
		die(t, dead.s)

		f := &floor{t: t, s: b.open(t, Config{NodeLease: lease}), campaign: dead.campaign}
		f.acquire()
		ended := 0
		waitFor(t, "the dead node's attempts to be ended", func() bool { ended += f.recover(); return ended == 4 })
		f.wantCount(3, 2)
		if n := f.recover(); n != 0 {
			t.Errorf("%d ended again", n)
		}
		f.wantCount(3, 2)
	})
}

// An end waits until its call is counted, and holds up no other.
func TestEndWaitsForItsCount(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(people(2)...)
		leads := f.claim(2)
		lost, other := f.mustStart(leads[0]), f.mustStart(leads[1])
		space, err := campaignSpace(f.campaign)
		if err != nil {
			t.Fatal(err)
		}
		first := space.key("ledger")
		if err := f.s.redis.Set(t.Context(), first, "spoilt", 0).Err(); err != nil {
			t.Fatal(err)
		}
		f.finish(lost, cdr.Abandoned, Next{Final: true})
		waitFor(t, "the count to be refused", func() bool { return f.s.Stats().Refused > 0 })
		f.finish(other, cdr.Busy, Next{Final: true})
		waitFor(t, "the other's end", func() bool { return len(f.cdrs()) == 1 })
		if got := f.cdrs(); got[0].ID != other.ID {
			t.Errorf("records %+v", got)
		}
		if err := f.s.redis.Del(t.Context(), first).Err(); err != nil {
			t.Fatal(err)
		}
		f.s.outbox.nudge()
		f.drain()
		if got := f.cdrs(); len(got) != 2 || got[1].ID != lost.ID {
			t.Errorf("records %+v", got)
		}
		f.wantCount(1, 1)
	})
}
