package dialer

import (
	"time"

	"ringpace/dialer/api"
)

// figures are one agent's sums since local midnight, the present state left out.
type figures struct {
	day             time.Time
	calls, disposed int
	transfers       int
	spent           map[api.AgentState]time.Duration
}

// spend adds the time from since to now to what was spent in a state. What lies
// before the last midnight is not today's.
func (f *figures) spend(s api.AgentState, since, now time.Time) {
	midnight := dayOf(now)
	if !f.day.Equal(midnight) {
		*f = figures{day: midnight, spent: map[api.AgentState]time.Duration{}}
	}
	if since.Before(midnight) {
		since = midnight
	}
	f.spent[s] += now.Sub(since)
}

func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

func (f *figures) sums() api.AgentFigures {
	if !f.day.Equal(dayOf(time.Now())) {
		return api.AgentFigures{}
	}
	sums := api.AgentFigures{Calls: f.calls, Disposed: f.disposed, Transfers: f.transfers}
	for s, d := range f.spent {
		addTime(&sums, s, d)
	}
	return sums
}

// addTime adds the time that an agent was in a state.
func addTime(to *api.AgentFigures, s api.AgentState, d time.Duration) {
	secs := d.Seconds()
	if s != api.AgentOffline {
		to.OnlineS += secs
	}
	switch s {
	case api.AgentTalking, api.AgentTransferring:
		to.TalkS += secs
	case api.AgentHold:
		to.HoldS += secs
	case api.AgentReady:
		to.WaitS += secs
	case api.AgentWrapUp, api.AgentGoodbye:
		to.WrapUpS += secs
	case api.AgentPaused:
		to.PauseS += secs
	}
}

// asOf completes a published status by the time in the present state.
func asOf(s api.AgentStatus, now time.Time) api.AgentStatus {
	since := s.Since
	if midnight := dayOf(now); since.Before(midnight) {
		since = midnight
	}
	addTime(&s.Today, s.State, now.Sub(since))
	return s
}
