package dialer

import (
	"time"

	"ringpace/dialer/api"
)

// leave is a break, or the end of the shift, that an agent has announced. Pacing dials
// ahead for nobody who will be gone.
type leave struct {
	deadline
	at   time.Time // zero where none is announced
	next api.AgentState
	why  string
}

func (l *leave) forget() {
	l.clear()
	l.at = time.Time{}
}

// longestNotice is how far ahead a break may be announced.
const longestNotice = 24 * time.Hour

// announce has the agent take a break at that time, for that reason, or end the shift
// where there is none, in place of what was announced before.
func (a *agent) announce(at time.Time, reason string) error {
	if a.state == api.AgentOffline {
		return api.Conflict("agent %s is not logged in", a.id)
	}
	after := time.Until(at)
	if after <= 0 || after > longestNotice {
		return api.Invalid("%s is not within the next %s", at.Format(time.RFC3339), longestNotice)
	}
	l := &a.leave
	l.next, l.why = api.AgentPaused, reason
	if reason == "" {
		l.next, l.why = api.AgentOffline, "the shift is over"
	}
	l.at = time.Now().Add(after) // as the deadline, whatever becomes of the clock
	l.set(after)
	a.publish()
	return nil
}

// stay takes back what was announced.
func (a *agent) stay() error {
	a.leave.forget()
	a.publish()
	return nil
}

// leaves is called when the time has come that was announced: at once, or after the call
// that is up.
func (a *agent) leaves() {
	next, why := a.leave.next, a.leave.why
	a.leave.forget()
	var err error
	if next == api.AgentOffline {
		err = a.logout()
	} else {
		err = a.pause(why)
	}
	if err != nil {
		a.log.Warn("a break that was announced does not come", "error", err)
	}
}
