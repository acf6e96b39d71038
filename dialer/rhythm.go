package dialer

import "time"

// rhythm spaces the decisions of a campaign out, so that they never take more than their
// share of a core, however much happens on the floor. What happens while they rest is
// decided on together; what happens after that, at once. It is the campaign's; the zero
// value is ready.
type rhythm struct {
	mean  time.Duration // that a decision takes, of late
	spent time.Duration // on those since the last rest
	until time.Time     // when the rest is over
	alarm deadline      // set while something waits for that
}

const (
	restFactor  = 9                      // times as long as was spent on decisions: they take a tenth of a core
	longestRest = 250 * time.Millisecond // whatever they cost: people wait for what is decided
	costsRecent = 8                      // decisions that the mean is of: one that was held up is no measure
)

// due reports whether to decide now. Otherwise rested tells when.
func (r *rhythm) due() bool {
	rest := time.Until(r.until)
	if rest <= 0 {
		r.alarm.clear()
		r.spent = 0
		return true
	}
	r.alarm.set(rest)
	return false
}

// took notes how long a decision took that has just been made.
func (r *rhythm) took(d time.Duration) {
	r.mean += (d - r.mean) / costsRecent
	r.spent += r.mean
	r.until = time.Now().Add(min(restFactor*r.spent, longestRest))
}

// rested is ready when the rest is over for which something waits.
func (r *rhythm) rested() <-chan time.Time { return r.alarm.reached() }
