package store

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// TestWhoCallsIsNotDialed holds that an attempt cannot start on a person who is on the
// telephone with us, whichever of their numbers they call from, and can when they have
// hung up.
func TestWhoCallsIsNotDialed(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		two := person(1)
		two.Numbers = append(two.Numbers, "+49309999")
		f.add(two, person(2))
		leads := f.claim(2)
		first, second := f.callIn(two.Numbers[0]), f.callIn("+49309999")
		_, err := f.start(leads[0])
		wantErr(t, err, ErrCalling)
		f.mustStart(leads[1]) // who does not call
		f.finishIn(first, 0)
		_, err = f.start(leads[0])
		wantErr(t, err, ErrCalling)
		f.finishIn(second, 0)
		f.mustStart(leads[0])
	})
}

// TestTalkEndsTheClaim holds that a person who has talked with an agent is not dialed on a
// claim from before.
func TestTalkEndsTheClaim(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		l := f.claim(1)[0]
		rec := f.callIn(person(1).Numbers[0])
		rec.Outcome, rec.Agent, rec.Marks.TalkEnded = cdr.Person, "anna", time.Now()
		if err := f.s.FinishIn(rec, Next{Final: true}); err != nil {
			t.Fatal(err)
		}
		f.drain()
		_, err := f.start(l)
		wantErr(t, err, ErrUnclaimed)
		if st := f.lead(l.ID); st.State != Done {
			t.Errorf("the lead is %s", st.State)
		}
	})
}

// other is a further campaign of the same store, with people on its list.
func (f *floor) other(people ...lead.Lead) *floor {
	f.t.Helper()
	o := newFloor(f.t, f.s)
	o.add(people...)
	return o
}

// TestWhoCallsOneCampaignIsDialedByNone holds that a person who calls one campaign is not
// dialed by another that has the number, whether it was registered before the call or
// during it; that this is over with the last of their calls; and that an attempt does not
// go on over another trunk meanwhile.
func TestWhoCallsOneCampaignIsDialedByNone(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		o := f.other(person(1), person(2), person(3))
		leads := o.claim(3)
		number := person(1).Numbers[0]
		first := f.callIn(number)
		second := o.callIn(number)
		f.callIn("") // who hides the number bars nobody
		_, err := o.start(leads[0])
		wantErr(t, err, ErrCalling)
		o.mustStart(leads[1])

		late := f.other(person(1))
		l := late.claim(1)[0]
		_, err = late.start(l)
		wantErr(t, err, ErrCalling)

		rec := o.mustStart(leads[2])
		third := f.callIn(rec.Number)
		wantErr(t, o.s.Reroute(t.Context(), rec), ErrCalling)
		f.finishIn(third, 0)
		if err := o.s.Reroute(t.Context(), rec); err != nil {
			t.Error(err)
		}

		f.finishIn(first, 0)
		_, err = late.start(l)
		wantErr(t, err, ErrCalling)
		o.finishIn(second, 0)
		o.mustStart(leads[0])
		late.mustStart(l)
	})
}

// TestCallIsForgotten holds that a call whose end another campaign was never told of, for
// its node died, bars nobody for long.
func TestCallIsForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		o := f.other(person(1))
		l := o.claim(1)[0]
		rec := f.callIn(person(1).Numbers[0])
		f.finishIn(rec, 0)
		sp, _ := campaignSpace(o.campaign)
		if err := f.s.redis.HSet(t.Context(), sp.key("calling"), rec.Number, callerOf(&rec).line()+"\n").Err(); err != nil {
			t.Fatal(err)
		}
		_, err := o.start(l)
		wantErr(t, err, ErrCalling)
		o.mustStart(l)
	})
}

// TestCallIsToldAnew holds that a Redis that has lost its last moments hears again who
// calls, for all campaigns.
func TestCallIsToldAnew(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		o := f.other(person(1))
		l := o.claim(1)[0]
		rec := f.callIn(person(1).Numbers[0])
		for _, name := range []string{f.campaign, o.campaign} {
			sp, _ := campaignSpace(name)
			for _, lost := range sp.keys("calling", "calls_in") {
				if err := f.s.redis.Del(t.Context(), lost).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.s.restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := o.start(l)
		wantErr(t, err, ErrCalling)
		f.finishIn(rec, 0)
		o.mustStart(l)
	})
}
