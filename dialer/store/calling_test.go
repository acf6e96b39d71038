package store

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
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
