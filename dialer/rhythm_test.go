package dialer

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestDecisionsTakeTheirShare has much happen on a floor on which a decision is dear, and
// holds that all of it is decided on soon, by decisions that leave most of a core alone.
func TestDecisionsTakeTheirShare(t *testing.T) {
	const (
		cost   = 2 * time.Millisecond // at some 500 agents
		events = 10000
		gap    = time.Millisecond
	)
	synctest.Test(t, func(t *testing.T) {
		var r rhythm
		decisions, dear := 0, time.Duration(0)
		waits := []time.Time{} // what has happened and is not decided on
		longest := time.Duration(0)
		began := time.Now()
		tick := time.NewTicker(gap)
		defer tick.Stop()
		for n := 0; n < events || len(waits) > 0; {
			if len(waits) > 0 && r.due() {
				time.Sleep(cost) // virtual
				r.took(cost)
				decisions, dear = decisions+1, dear+cost
				longest = max(longest, time.Since(waits[0]))
				waits = nil
			}
			select {
			case <-r.rested():
			case now := <-tick.C:
				if n++; n <= events {
					waits = append(waits, now)
				}
			}
		}
		share := dear.Seconds() / time.Since(began).Seconds()
		if share > 0.11 || share < 0.08 {
			t.Errorf("%d decisions took %.0f %% of a core", decisions, 100*share)
		}
		if longest > (restFactor+2)*cost {
			t.Errorf("an event was decided on after %v", longest)
		}
	})
}

// TestDecisionsComeAtOnce holds that an event is decided on at once on a quiet floor, soon
// after a decision that was held up, and after the longest rest where decisions are too
// dear for their share.
func TestDecisionsComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rhythm
		wait := func() time.Duration {
			from := time.Now()
			if !r.due() {
				<-r.rested()
				if !r.due() {
					t.Error("the rest is not over")
				}
			}
			return time.Since(from)
		}
		if d := wait(); d != 0 {
			t.Errorf("the first decision comes after %v", d)
		}
		for range 50 {
			r.took(200 * time.Microsecond)
			if d := wait(); d > 2*time.Millisecond {
				t.Fatalf("at 0.2 ms for a decision the next comes after %v", d)
			}
		}
		time.Sleep(time.Second) // virtual
		if d := wait(); d != 0 {
			t.Errorf("after a quiet second the decision comes after %v", d)
		}
		r.took(20 * time.Millisecond)
		if d := wait(); d > 30*time.Millisecond {
			t.Errorf("after one decision that was held up the next comes after %v", d)
		}
		r.took(time.Millisecond)
		if r.due() {
			t.Error("there is no rest")
		}
		r.took(time.Millisecond) // somebody asked
		<-r.rested()
		if d := wait(); d > 50*time.Millisecond {
			t.Errorf("after a rest that was prolonged the next decision comes after %v", d)
		}
		for range 50 {
			r.took(time.Second)
			if d := wait(); d > longestRest {
				t.Fatalf("at 1 s for a decision the next comes after %v", d)
			}
		}
	})
}
