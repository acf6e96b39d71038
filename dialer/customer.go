package dialer

import (
	"cmp"
	"log/slog"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/media/detect"
	"ringpace/media/record"
	"ringpace/pacing"
	"ringpace/sip"
)

// customer is the outside party of one call, whoever called whom: their leg, its
// recording, the agent they are brought to, and the record of it all. The actor of
// the call (attempt, inbound) owns it, but for status and stop.
type customer struct {
	*equipment
	tally *tally
	terms terms
	lead  lead.Lead // who they are; no ID where nobody knows
	// optedOut is the entry of a do-not-call list that has the number of a caller.
	optedOut string
	log      *slog.Logger

	status atomic.Pointer[api.CallStatus]
	stop   chan cdr.Party // asks for the end of the call, now

	// ---
	rec       cdr.Record
	leg       *leg  // nil until there is one
	described bool  // the far side has told where it takes audio
	over      bool  // the far side has ended it
	stopped   bool  // somebody wants the call to end now
	recording *tape // nil: nothing is recorded
	speech    *detect.SpeechStart
	untap     []func()
	talk      *talk
	past      []*talk   // with agents who have transferred the customer
	guests    []*talk   // with agents who were called in, and have left
	handing   *handover // under way
	beside    *handover // who takes part in the conversation with the agent
	third     *handover // who has the customer, where it is no agent
	left      cdr.Party // the agent has left amid a transfer
	cut       bool      // the recording has ended before the call
}

// end asks for the end of the call, now. It may be called from any goroutine.
func (c *customer) end(by cdr.Party) {
	select {
	case c.stop <- by:
	default: // it is asked for already
	}
}

// show publishes the state of the attempt.
func (c *customer) show(state api.CallState) {
	s := &api.CallStatus{
		ID: c.rec.ID, Direction: string(c.rec.Direction), Campaign: c.rec.Campaign, LeadID: c.rec.LeadID,
		Number: c.rec.Number, CallerID: c.rec.CallerID,
		Trunk: c.rec.Trunk, State: state, Agent: c.rec.Agent,
		StartedAt: c.rec.Marks.Claimed, AnsweredAt: c.rec.Marks.Answered,
	}
	if c.beside != nil {
		s.Conference = c.beside.to.name
	}
	if c.talk != nil && (state == api.CallBridged || state == api.CallTransferring) {
		s.RecordingPausedAt = lasting(c.talk.paused)
	}
	for _, x := range c.rec.Transfers {
		if x.Kind != cdr.Conference || !x.Left.IsZero() {
			s.Transferred = x.To
		}
	}
	if !c.rec.Marks.Invite.IsZero() {
		s.StartedAt = c.rec.Marks.Invite
	}
	c.note(state)
	if k := c.rec.Callback; k != nil {
		s.Callback = k.Due
	}
	c.status.Store(s)
	c.feed.Publish(api.Event{Kind: api.EventCall, Call: &api.CallEvent{
		CallStatus: *s, Over: state == "", Outcome: string(c.rec.Outcome),
	}})
}

// renew takes the far side's answer to an offer that it had asked us for.
func (c *customer) renew(ev sip.SessionAnswer) {
	if err := c.leg.renew(ev.Body); err != nil {
		c.log.Warn("a session answer cannot be used", "error", err)
		return
	}
	c.described = true
}

// listen begins to record and to listen for speech.
func (c *customer) listen() {
	c.speech = detect.NewSpeechStart(detect.SpeechConfig{})
	c.untap = append(c.untap, c.leg.audio.AddTap(c.speech))
	c.floor.advance(c.rec.ID, pacing.Waiting)
	c.show(api.CallAnswered)
	if c.recorder != nil {
		rec, err := c.recorder.Start(record.Meta{
			ID: c.rec.ID, Campaign: c.rec.Campaign, Number: cmp.Or(c.rec.Number, "anonymous"), LeadID: c.rec.LeadID,
			Start: c.rec.Marks.Answered, Codec: c.leg.audio.Codec(),
		})
		if err != nil {
			c.log.Error("the call is not recorded", "error", err)
		} else {
			t, untap := newTape(rec, c.disclosure.Load(), c.terms.consent, c.leg.audio)
			c.recording, c.untap = t, append(c.untap, untap)
			c.rec.Recording = &cdr.Recording{} // there is one, whatever becomes of this process
		}
	}
	c.remember()
}

// heardAt is an instant of the customer's voice for the record. The packet that comes with
// the answer holds sound of before it, which is none of the call's.
func (c *customer) heardAt(at time.Time) time.Time {
	if answered := c.rec.Marks.Answered; at.Before(answered) {
		return answered
	}
	return at
}

// remember lets the journal know how far the attempt has come, so that a record
// written after a crash tells it.
func (c *customer) remember() {
	if err := c.store.Progress(c.rec); err != nil {
		c.log.Error("the journal does not take marks", "error", err)
	}
}

// wait lasts until done, or until the call is over or to be ended.
func wait[T any](c *customer, done <-chan T) {
	for {
		select {
		case <-done:
			return
		case ev, open := <-c.leg.call.Events():
			if c.ended(ev, open) {
				return
			}
		case <-c.stop:
			c.stopped = true
			return
		}
	}
}

// ended takes an event of an answered call, and reports whether the call is over.
func (c *customer) ended(ev sip.Event, open bool) bool {
	end, ok := ev.(sip.Ended)
	if open && !ok {
		if answer, ok := ev.(sip.SessionAnswer); ok {
			c.renew(answer)
		}
		return false
	}
	c.over = true
	c.rec.Marks.Ended = time.Now()
	if ok {
		c.rec.Marks.Ended, c.rec.Q850 = end.At, end.Q850
	}
	if c.rec.HungUpBy == "" {
		c.rec.HungUpBy = cdr.Customer
		if !ok || end.Err != nil {
			c.rec.HungUpBy = cdr.Network
		}
	}
	return true
}

// close ends the customer's leg, unless they have done so, and all that hangs on it:
// the trunk's channel, which release gives back, the recording, the agent's part.
func (c *customer) close(release func()) {
	c.floor.landed(c.rec.ID)
	if c.rec.Marks.Ended.IsZero() {
		c.rec.Marks.Ended = time.Now()
	}
	if c.recording != nil && !c.cut {
		c.recording.End(c.rec.Marks.Ended)
	}
	c.endTransfers()
	if c.leg != nil {
		for _, remove := range c.untap {
			remove()
		}
		if c.leg.call != nil {
			c.rec.Customer = c.leg.figures()
		}
		c.leg.drop(sip.CauseNormal)
	}
	release()
	if c.talk != nil {
		close(c.talk.over)
		c.show(api.CallWrapUp)
	}
	c.closeRecording()
}

func (c *customer) closeRecording() {
	if c.recording == nil {
		return
	}
	why := c.recording.refused()
	if why == "" && c.talk == nil && !c.keepUnbridged {
		why = whyUnbridged
	}
	if why != "" {
		if err := c.recording.Discard(why); err != nil {
			c.log.Error("cannot remove a recording that is not kept", "error", err)
		}
		c.rec.Recording = nil
		return
	}
	sum, err := c.recording.Close()
	if err != nil {
		c.log.Error("the recording is not whole", "error", err)
	}
	c.rec.Recording = c.recordingOf(sum)
	if err != nil {
		c.rec.Recording.Fault = err.Error()
	}
}

// wrappedUp waits for the agent's wrap-up, if an agent had the call, and returns when
// they promised to call again; zero where they did not.
func (c *customer) wrappedUp() (promised time.Time) {
	if c.talk == nil {
		return time.Time{}
	}
	c.remember()
	for _, t := range c.talks() {
		w := <-t.wrapped
		c.rec.Holds += w.holds
		c.rec.HoldMS += w.held.Milliseconds()
		t.heardBy, t.paused = w.listened, w.pauses
		if d := w.disposition; d.Name != "" { // the last agent's word counts
			c.rec.Disposition, c.rec.Note, promised = d.Name, d.Note, d.Callback
		}
		if t.handed == 0 {
			c.rec.AgentLeg = w.leg
		} else {
			e := &c.rec.Transfers[t.handed-1]
			e.Leg, e.Disposition = w.leg, w.disposition.Name
		}
	}
	c.rec.Listened = c.listened()
	c.rec.RecordingPauses = c.recordingPauses()
	c.rec.Marks.WrappedUp = time.Now()
	return promised
}

// listened is who of the supervisors took part, with all agents who had the customer.
func (c *customer) listened() []cdr.Listening {
	var list []cdr.Listening
	for _, t := range c.talks() {
		list = append(list, t.heardBy...)
	}
	return list
}
