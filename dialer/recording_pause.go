package dialer

import (
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// recordingPauses are an agent's pauses of the recording in the conversation that is up:
// while the customer tells what must not be kept, such as the number of a card. They have
// nothing to do with holds, through which a pause lasts.
type recordingPauses struct {
	list  []cdr.RecordingPause // the last one has no end where it lasts
	limit deadline             // of the one that lasts
	until time.Time            // the limit; zero where there is none
}

// lasting is when the pause that lasts began; zero where none does.
func lasting(list []cdr.RecordingPause) time.Time {
	if n := len(list); n > 0 && list[n-1].Ended.IsZero() {
		return list[n-1].Began
	}
	return time.Time{}
}

// pauseRecording keeps silence in the recording from now on, and nothing of what anybody
// says, until resumeRecording, the end of the agent's part, or recording.max_pause. The
// latter begins anew where it is asked for again.
func (a *agent) pauseRecording() error {
	switch {
	case !a.conversing || a.transfer != nil || a.talk.consult:
		return api.Conflict("agent %s is not talking to a customer", a.id)
	case a.talk.conference:
		return a.calledIn()
	case a.talk.recording == nil || !a.talk.recording.pauseFor(a.id):
		return api.Conflict("the call of agent %s is not recorded", a.id)
	}
	p := &a.pauses
	p.limit.clear()
	p.until = time.Time{}
	if longest := a.board.phones.Load().maxPause; longest > 0 {
		p.limit.set(longest)
		p.until = time.Now().Add(longest)
	}
	if lasting(p.list).IsZero() {
		p.list = append(p.list, cdr.RecordingPause{Agent: a.id, Began: time.Now()})
		a.talk.recording.Mark("paused by the agent")
		a.log.Info("the recording is paused", "attempt", a.talk.call.ID, "until", p.until)
		a.tellPauses()
	}
	a.publish()
	return nil
}

// resumeRecording ends the pause.
func (a *agent) resumeRecording() error {
	if lasting(a.pauses.list).IsZero() {
		return api.Conflict("agent %s has not paused the recording", a.id)
	}
	a.endPause(cdr.PauseEndedByAgent)
	a.publish()
	return nil
}

// pausedTooLong is called when the pause has lasted for recording.max_pause. A low beep
// tells the agent that what is said now is recorded.
func (a *agent) pausedTooLong() {
	a.endPause(cdr.PauseEndedByLimit)
	a.beep(false)
	a.publish()
}

// endPause ends the pause, where one lasts.
func (a *agent) endPause(by cdr.PauseEnd) {
	p := &a.pauses
	p.limit.clear()
	began := lasting(p.list)
	if began.IsZero() {
		return
	}
	e := &p.list[len(p.list)-1]
	e.Ended, e.EndedBy = time.Now(), by
	a.talk.recording.resumeFor(a.id)
	a.talk.recording.Mark("the agent's pause is over")
	a.log.Info("the recording's pause is over", "attempt", a.talk.call.ID, "by", by, "seconds", e.Ended.Sub(began).Seconds())
	a.tellPauses()
}

// tellPauses lets the attempt know of the pauses.
func (a *agent) tellPauses() { offerLatest(a.talk.pauses, slices.Clone(a.pauses.list)) }

// recordingPaused is called when an agent has paused the recording, or a pause is over.
func (c *customer) recordingPaused(list []cdr.RecordingPause) {
	c.talk.paused = list
	c.rec.RecordingPauses = c.recordingPauses()
	c.remember()
	c.show(c.status.Load().State)
}

// recordingPauses are those by all agents who had the customer, in order.
func (c *customer) recordingPauses() []cdr.RecordingPause {
	var list []cdr.RecordingPause
	for _, t := range c.talks() {
		list = append(list, t.paused...)
	}
	slices.SortStableFunc(list, func(x, y cdr.RecordingPause) int { return x.Began.Compare(y.Began) })
	return list
}
