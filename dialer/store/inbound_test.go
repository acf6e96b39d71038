package store

import (
	"context"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing/ledger/redistest"
)

// callIn opens a call from a number.
func (f *floor) callIn(number string) cdr.Record {
	f.t.Helper()
	rec := cdr.Record{
		ID: ulid.Make().String(), Direction: cdr.In, Campaign: f.campaign, Number: number,
		Marks: cdr.Marks{Invite: time.Now()},
	}
	if err := f.s.OpenIn(rec); err != nil {
		f.t.Fatal(err)
	}
	if err := f.s.ShareIn(f.t.Context(), rec.ID); err != nil {
		f.t.Fatal(err)
	}
	return rec
}

// asking is the record of a caller who asked to be called.
func asking(rec cdr.Record, due time.Time) cdr.Record {
	rec.Outcome = cdr.NoAnswer
	rec.Callback = &cdr.KeptCallback{Asked: time.Now(), Due: due, Priority: 50}
	return rec
}

func (f *floor) finishIn(rec cdr.Record, remember time.Duration) {
	f.t.Helper()
	if err := f.s.FinishIn(rec, Next{Remember: remember}); err != nil {
		f.t.Fatal(err)
	}
	f.drain()
}

// TestCallbackIsKept holds what becomes of the lead of a caller who asks to be called,
// wherever it stands.
func TestCallbackIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		later := time.Now().Add(time.Hour)
		cases := []struct {
			name   string
			before func(f *floor)
			due    time.Time
			want   State
		}{
			{"ready", func(*floor) {}, time.Time{}, Ready},
			{"ready, and asked for later", func(*floor) {}, later, Waiting},
			{"waiting", func(f *floor) { f.finish(f.mustStart(f.claim(1)[0]), cdr.Busy, Next{Due: later}); f.drain() }, time.Time{}, Ready},
			{"done", func(f *floor) { f.finish(f.mustStart(f.claim(1)[0]), cdr.Person, Next{Final: true}); f.drain() }, time.Time{}, Ready},
			{"claimed", func(f *floor) { f.claim(1) }, time.Time{}, Claimed},
			{"withdrawn", func(f *floor) { _ = f.s.WithdrawLead(f.t.Context(), f.campaign, "L00001") }, time.Time{}, Withdrawn},
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				f := newFloor(t, s)
				f.add(person(1))
				c.before(f)
				number := person(1).Numbers[0]
				rec := asking(f.callIn(number), c.due)
				f.finishIn(rec, 0)
				st := f.lead("L00001")
				if st.State != c.want {
					t.Errorf("the lead is %s, want %s", st.State, c.want)
				}
				if kept := st.Lead.Callback.Number == number; kept != (c.want != Withdrawn) {
					t.Errorf("callback %+v", st.Lead.Callback)
				}
				if recs := f.cdrs(); recs[len(recs)-1].ID != rec.ID || recs[len(recs)-1].Direction != cdr.In {
					t.Errorf("records %+v", recs)
				}
			})
		}
	})
}

// TestCallbackGoesFirst holds that who asked is dialed before the rest of the list, at
// the number that they called from, and that the wish is over once they were reached.
func TestCallbackGoesFirst(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		two := person(3)
		two.Numbers = append(two.Numbers, "+49309999")
		f.add(person(1), person(2), two)
		f.finishIn(asking(f.callIn("+49309999"), time.Time{}), 0) // a further number of the last
		l := f.claim(1)[0]
		if l.ID != two.ID || l.Number() != "+49309999" {
			t.Fatalf("%s is dialed first, at %s", l.ID, l.Number())
		}
		f.finish(f.mustStart(l), cdr.Busy, Next{})
		f.drain()
		if f.lead(two.ID).Lead.Callback.Asked.IsZero() {
			t.Error("they were busy, and the callback is forgotten")
		}
		f.finish(f.mustStart(f.claim(1)[0]), cdr.Person, Next{})
		f.drain()
		if c := f.lead(two.ID).Lead.Callback; c != (lead.Callback{}) {
			t.Errorf("they were reached, and the callback stays: %+v", c)
		}
	})
}

// TestCallbackAskedWhileBeingDialed holds that a person who calls while we call them,
// and so is busy, is called again, though the rules were done with them.
func TestCallbackAskedWhileBeingDialed(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		out := f.mustStart(f.claim(1)[0])
		f.finishIn(asking(f.callIn(person(1).Numbers[0]), time.Time{}), 0)
		if st := f.lead("L00001"); st.State != Dialing {
			t.Fatalf("the lead is %s", st.State)
		}
		f.finish(out, cdr.Busy, Next{Final: true})
		f.drain()
		if st := f.lead("L00001"); st.State != Ready {
			t.Errorf("the lead is %s, want ready", st.State)
		}
	})
}

// TestTalkEndsTheLeadsTurn holds that a person who was talked with when they called is
// dialed no more, or later, as the rules say; and that their wish to be called is
// fulfilled.
func TestTalkEndsTheLeadsTurn(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		for want, next := range map[State]Next{Done: {Final: true}, Waiting: {Due: time.Now().Add(time.Hour)}} {
			f := newFloor(t, s)
			f.add(person(1))
			f.finishIn(asking(f.callIn(person(1).Numbers[0]), time.Time{}), 0)
			rec := f.callIn(person(1).Numbers[0])
			if counts, err := s.LeadCounts(t.Context(), f.campaign); err != nil || counts[Dialing] != 0 || counts[Ready] != 1 {
				t.Errorf("while the caller talks: %v, %v", counts, err)
			}
			rec.Outcome, rec.Agent, rec.Marks.TalkEnded = cdr.Person, "anna", time.Now()
			if err := f.s.FinishIn(rec, next); err != nil {
				t.Fatal(err)
			}
			f.drain()
			if st := f.lead("L00001"); st.State != want || st.Lead.Callback != (lead.Callback{}) {
				t.Errorf("the lead is %+v, want %s", st, want)
			}
		}
	})
}

// TestUnknownCallerBecomesALead holds that a callback for a number that no lead has
// makes one, once.
func TestUnknownCallerBecomesALead(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		for range 2 {
			f.finishIn(asking(f.callIn("+49301111"), time.Time{}), 0)
		}
		leads := f.claim(2)
		if len(leads) != 1 || leads[0].List != callbackList || leads[0].Number() != "+49301111" || leads[0].Priority != 50 {
			t.Errorf("leads %+v", leads)
		}
	})
}

// TestCaller holds what is known of a caller: their lead, by any number, and who talked
// with them, for as long as that is remembered.
func TestCaller(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		two := person(1)
		two.Numbers = append(two.Numbers, "+49309999")
		f.add(two)
		ask := func(number string) Caller {
			t.Helper()
			c, err := f.s.Caller(t.Context(), f.campaign, number)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		for _, n := range two.Numbers {
			if c := ask(n); c.Lead.Lead.ID != two.ID || c.LastAgent != "" || c.DoNotCall != "" {
				t.Errorf("caller %s is %+v", n, c)
			}
		}
		if c := ask("+49308888"); c.Lead.Lead.ID != "" {
			t.Errorf("a stranger is %+v", c)
		}

		talked := func(rec cdr.Record, agent string) cdr.Record {
			rec.Agent, rec.Outcome = agent, cdr.Person
			rec.Marks.AgentAudio, rec.Marks.TalkEnded = time.Now(), time.Now()
			return rec
		}
		f.finish(talked(f.mustStart(f.claim(1)[0]), "anna"), cdr.Person, Next{Due: time.Now(), Remember: time.Hour})
		f.drain()
		if c := ask(two.Numbers[0]); c.LastAgent != "anna" {
			t.Errorf("after an outbound talk: %+v", c)
		}
		f.finishIn(talked(f.callIn(two.Numbers[0]), "ben"), time.Hour)
		if c := ask(two.Numbers[0]); c.LastAgent != "ben" {
			t.Errorf("after an inbound talk: %+v", c)
		}
		f.finishIn(talked(f.callIn(two.Numbers[0]), "eve"), 0) // remembering is off
		if c := ask(two.Numbers[0]); c.LastAgent != "ben" {
			t.Errorf("not to be remembered: %+v", c)
		}

		if err := f.s.AddDNC(t.Context(), f.campaign, two.Numbers[1]); err != nil {
			t.Fatal(err)
		}
		if c := ask(two.Numbers[1]); c.DoNotCall != two.Numbers[1] {
			t.Errorf("after the opt-out: %+v", c)
		}

		two.Numbers[1] = "+49307777"
		if _, err := f.s.UpdateLead(t.Context(), f.campaign, two); err != nil {
			t.Fatal(err)
		}
		if c := ask("+49309999"); c.Lead.Lead.ID != "" {
			t.Errorf("a number that was taken away still finds %+v", c.Lead)
		}
		if c := ask("+49307777"); c.Lead.Lead.ID != two.ID {
			t.Errorf("a number that was added finds %+v", c.Lead)
		}
	})
}

// TestCallInCutOff holds that a call that came in and was up when its process died ends
// in one record, with its callback, whether Redis knew of it or the journal alone.
func TestCallInCutOff(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		f := newFloor(t, b.open(t, Config{Node: node, JournalDir: dir}))
		f.add(person(1))
		shared := f.callIn(person(1).Numbers[0])
		shared.Agent = "anna"
		if err := f.s.Progress(shared); err != nil {
			t.Fatal(err)
		}
		alone := asking(cdr.Record{
			ID: ulid.Make().String(), Direction: cdr.In, Campaign: f.campaign, Number: "+49301111",
		}, time.Time{})
		if err := f.s.OpenIn(alone); err != nil {
			t.Fatal(err)
		}
		die(t, f.s)

		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.acquire()
		if n := f.recover(); n != 2 {
			t.Errorf("%d ended, want 2", n)
		}
		if n := f.recover(); n != 0 {
			t.Errorf("%d ended by a second look", n)
		}
		recs := map[string]cdr.Record{}
		for _, r := range f.cdrs() {
			recs[r.ID] = r.Record
		}
		if len(recs) != 2 || recs[shared.ID].Outcome != cdr.Interrupted || recs[shared.ID].Agent != "anna" {
			t.Errorf("records %+v", recs)
		}
		if st := f.lead("L00001"); st.State != Ready || st.Lead.Attempts != 0 || len(st.Lead.Outcomes) > 0 {
			t.Errorf("the caller's lead is %+v: their call is no attempt of ours", st)
		}
		if c, err := f.s.Caller(t.Context(), f.campaign, "+49301111"); err != nil || c.Lead.State != Ready {
			t.Errorf("the callback of the call that was cut off: %+v, %v", c, err)
		}
	})
}

// TestCallInWhileRedisIsAway holds that a call that comes in while Redis is away is told
// it afterwards: its end where it is over, else that it is up.
func TestCallInWhileRedisIsAway(t *testing.T) {
	one, err := redistest.Start(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Stop)
	b := backend{url: "redis://" + one.Addr}
	f := newFloor(t, b.open(t, Config{Timeout: time.Second}))
	f.s.lost(ErrAway) // as after a failed round trip
	open := func(number string) cdr.Record {
		rec := cdr.Record{ID: ulid.Make().String(), Direction: cdr.In, Campaign: f.campaign, Number: number}
		if err := f.s.OpenIn(rec); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	over, up := open("+49301111"), open("+49302222")
	if err := f.s.FinishIn(asking(over, time.Time{}), Next{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "redis to be there", f.s.Up)
	f.drain()
	if recs := f.cdrs(); len(recs) != 1 || recs[0].ID != over.ID {
		t.Errorf("records %+v", recs)
	}
	if c, err := f.s.Caller(t.Context(), f.campaign, "+49301111"); err != nil || c.Lead.State != Ready {
		t.Errorf("caller %+v, %v", c, err)
	}
	sp, _ := campaignSpace(f.campaign)
	if known, err := f.s.redis.HExists(context.Background(), sp.key("calls_in"), up.ID).Result(); err != nil || !known {
		t.Errorf("the call that is up is not known: %v", err)
	}
}

// TestAdmit holds that a call from the carrier takes a channel, though the share has
// none left.
func TestAdmit(t *testing.T) {
	var share TrunkShare
	share.fill(grant{channels: 1, lapse: time.Now().Add(time.Hour)})
	share.Admit()
	share.Admit()
	if ok, _ := share.TryTake(); ok || share.Used() != 2 || share.Free() != 0 {
		t.Errorf("used %d, free %d, taken %v", share.Used(), share.Free(), ok)
	}
	share.Release()
	share.Release()
	if ok, _ := share.TryTake(); !ok {
		t.Error("a channel that was given back cannot be taken")
	}
}
