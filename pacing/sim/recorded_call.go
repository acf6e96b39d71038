package sim

import (
	"time"

	"ringpace/pacing"
)

// RecordedCall is one call as it was recorded: what a replay is made of. Instants are zero
// where they did not come about.
type RecordedCall struct {
	Lead     pacing.Lead // what was known of who was called
	Sent     time.Time   // the INVITE
	Rang     time.Time   // it was first heard to ring
	Answered time.Time
	Ended    time.Time // of a call that nobody answered, or in which nobody was there for who did
	Cut      bool      // we ended it before anybody answered: what would have come of it is not known
	Queued   bool      // nobody was free at the answer

	Agent   string
	Claimed time.Time // the agent was taken for the call
	Joined  time.Time // agent and customer were together
	Parted  time.Time
	Ready   time.Time // the wrap-up was over

	// Elsewhere is a call that took an agent's time and was none of the campaign's: another
	// campaign's, or one that came in.
	Elsewhere bool
}

// Plausible says whether its instants follow one another as they must. They may not where
// a clock was set.
func (a *RecordedCall) Plausible() bool {
	before := func(all ...time.Time) bool {
		var last time.Time
		for _, t := range all {
			if t.IsZero() {
				continue
			}
			if t.Before(last) {
				return false
			}
			last = t
		}
		return true
	}
	handled := a.Agent == "" || !a.Claimed.IsZero() && !a.Ready.IsZero()
	if a.Elsewhere {
		return handled && before(a.Claimed, a.Joined, a.Parted, a.Ready)
	}
	return !a.Sent.IsZero() && handled && before(a.Sent, a.Rang, a.Answered, a.Claimed, a.Joined, a.Parted, a.Ready) &&
		before(a.Sent, a.Rang, a.Answered, a.Ended) && a.Ready.Sub(a.Sent) < longestAttempt && a.Ended.Sub(a.Sent) < longestAttempt &&
		(!a.Ended.IsZero() || !a.Answered.IsZero())
}

// longestAttempt is what no call takes, with its wrap-up.
const longestAttempt = 12 * time.Hour

// handled is how the call took the agent's time.
func (a *RecordedCall) handled() handling {
	h := handling{wrap: a.Ready.Sub(a.Claimed).Seconds()}
	if !a.Joined.IsZero() && !a.Parted.IsZero() {
		h.ring, h.talk = a.Joined.Sub(a.Claimed).Seconds(), a.Parted.Sub(a.Joined).Seconds()
		h.wrap -= h.ring + h.talk
	}
	return h
}
