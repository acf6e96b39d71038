package dialer

import (
	"time"

	"ringpace/pacing"
)

// news is what has happened on the floor that a campaign's pacer has not been told of
// yet, in order. It is handed over with the next plan, so that the pacer learns on its
// own goroutine, and before it decides.
type news struct{ events []pacing.Event }

// learn has the news of a campaign collected from now on, or no longer.
func (f *floor) learn(campaign string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !on:
		delete(f.news, campaign)
	case f.news[campaign] == nil:
		f.news[campaign] = &news{}
	}
}

// catchUp hands over the news of a campaign without a plan.
func (f *floor) catchUp(campaign string) []pacing.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard(campaign)
}

// heard hands over the news of a campaign. mu is held.
func (f *floor) heard(campaign string) []pacing.Event {
	n := f.news[campaign]
	if n == nil {
		return nil
	}
	events := n.events
	n.events = nil
	return events
}

// tellCall notes what became of a call, unless it was never dialed, was meant for one
// agent, or came in. mu is held.
func (f *floor) tellCall(k *flight, what pacing.EventKind, now time.Time) {
	if n := f.news[k.campaign]; n != nil && k.outbound && !k.planned {
		n.events = append(n.events, pacing.Event{At: now, Kind: what, Call: k.call})
	}
}

// done notes that an agent is through with a call, if they had one: talk and wrap-up.
// All campaigns that may have them learn how long it took. mu is held.
func (f *floor) done(s *seat) {
	if s.busy.IsZero() {
		return
	}
	for c := range s.campaigns {
		if n := f.news[c]; n != nil {
			n.events = append(n.events, pacing.Event{At: time.Now(), Kind: pacing.AgentDone, Busy: s.busy})
		}
	}
	s.busy = time.Time{}
}

// manner notes how an agent takes calls: whether they leave after the one that is up,
// whether their telephone is rung for each, and when they leave, as they have announced;
// zero if they have not.
func (f *floor) manner(id string, leaving, rung bool, leaves time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.seats[id]; s != nil && (s.leaving != leaving || s.rung != rung || !s.shift.asked.Equal(leaves)) {
		s.leaving, s.rung, s.shift.asked = leaving, rung, leaves
		f.nudge(s)
	}
}

// rang notes how long an agent's telephone rang until they took it.
func (f *floor) rang(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rings.add(d)
}

// ringTime is how long agents' telephones ring until they are taken, as learned.
type ringTime struct{ sum, n float64 } // seconds, of so many

const (
	ringPrior   = 3.0  // seconds that it is taken for, before anything is known
	ringWeight  = 5.0  // times that this is worth
	ringForgets = 0.99 // what is left of what was known, with each
)

func (r *ringTime) add(d time.Duration) {
	r.sum, r.n = r.sum*ringForgets+d.Seconds(), r.n*ringForgets+1
}

func (r *ringTime) mean() time.Duration {
	return time.Duration((r.sum + ringWeight*ringPrior) / (r.n + ringWeight) * float64(time.Second))
}
