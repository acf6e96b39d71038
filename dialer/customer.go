package dialer

import (
	"cmp"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/media"
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

// bring hands the customer to an agent. there is nil where the customer is answered
// already (see talk).
func (c *customer) bring(who *agent, there chan struct{}) {
	t := c.talkFor()
	t.there = there
	c.talk, c.rec.Agent, c.rec.Marks.AgentClaimed = t, who.id, time.Now()
	who.take(t)
}

// unbring ends what bring began, where the agent has not come in time.
func (c *customer) unbring() {
	if c.talk != nil {
		close(c.talk.over)
		c.talk, c.rec.Agent = nil, ""
	}
}

// talkFor is what an agent is told of the customer.
func (c *customer) talkFor() *talk {
	t := newTalk(c.leg)
	t.call = api.AgentCall{
		ID: c.rec.ID, Direction: string(c.rec.Direction), Campaign: c.rec.Campaign, Number: c.rec.Number,
		AnsweredAt: c.rec.Marks.Answered, Dispositions: c.terms.dispositions,
	}
	t.lead = viewOf(c.rec.Campaign, &c.lead)
	t.lead.Number, t.lead.DoNotCall = c.rec.Number, c.optedOut
	t.recording = c.recording
	return t
}

// converse lasts as long as customer and agent are joined, and the goodbye after
// it.
func (c *customer) converse(bridge *media.Bridge) {
	c.tally.connected(c.rec.Direction)
	c.show(api.CallBridged)
	m := &c.rec.Marks
	first := bridge.FirstSent()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for {
		select {
		case at := <-first:
			m.AgentAudio, first = at, nil
			c.remember()
		case at := <-c.speech.Started():
			m.SpeechStart = c.heardAt(at)
		case at := <-c.speech.GreetingEnd():
			m.GreetingEnd = c.heardAt(at)
		case <-c.recording.said():
			c.toldOfRecording()
		case key := <-c.objections():
			if c.recording.objects(key.Digit, key.At) && c.refuseRecording() {
				return
			}
		case ev, open := <-c.leg.call.Events():
			if key, ok := ev.(sip.Digit); ok && c.recording.objects(key.Digit, time.Now()) && c.refuseRecording() {
				return
			}
			if c.ended(ev, open) {
				c.talkEnds(m.Ended)
				return
			}
		case by := <-c.parted():
			c.left = by // a transfer that is under way goes on
			c.agentLeft()
		case list := <-c.talk.listened:
			c.talk.heardBy = list
			c.rec.Listened = c.listened()
			c.remember()
		case list := <-c.talk.pauses:
			c.recordingPaused(list)
		case b := <-c.talk.joined: // after a hold, or on another leg
			if m.AgentAudio.IsZero() {
				first = b.FirstSent()
			}
		case x := <-c.talk.transfers:
			c.handOver(x)
		case <-c.handing.turnCame():
			c.callParty()
		case b := <-c.handing.joined():
			c.colleagueTook(b)
		case audio := <-c.newParty().legs():
			c.joins(audio)
		case <-c.beside.parted():
			c.besideGone()
		case <-c.newParty().cancelled():
			c.dropParty()
		case <-c.handing.briefed():
			c.partyBriefed()
		case key := <-c.newParty().objections():
			if c.newParty().briefing.objects(key.Digit, key.At) && c.partyRefuses() {
				return
			}
		case ev, open := <-c.newParty().events():
			if c.partySays(ev, open) {
				c.rec.Outcome = cdr.Person
				c.sayGoodbye()
				return
			}
		case by := <-c.stop:
			c.rec.HungUpBy = by
			c.talkEnds(time.Now())
			return
		case <-watch.C:
			silent := ""
			if c.leg.silentFor(c.mediaTimeout, m.Answered) {
				silent = "the customer"
			} else if h := c.third; h != nil && h.leg.silentFor(c.mediaTimeout, c.transferEntry(h).Connected) {
				silent = "the party to whom an agent had transferred the customer"
			}
			if h := c.beside; h != nil && h.leg != nil && h.leg.silentFor(c.mediaTimeout, c.transferEntry(h).Connected) {
				c.log.Warn("no audio comes any more", "from", "the party whom an agent had called in")
				c.besideGone()
			}
			if silent != "" {
				c.log.Warn("no audio comes any more", "from", silent)
				c.rec.HungUpBy = cdr.Network
				c.talkEnds(time.Now())
				return
			}
		}
		if c.deserted() {
			c.rec.HungUpBy = c.left
			c.talkEnds(time.Now())
			c.sayGoodbye()
			return
		}
	}
}

// talkEnds notes the end of the conversation; who was transferred has parted from the
// agent before.
func (c *customer) talkEnds(at time.Time) {
	c.rec.Outcome = cdr.Person
	if c.rec.Marks.TalkEnded.IsZero() {
		c.rec.Marks.TalkEnded = at
	}
}

// sayGoodbye keeps the customer's line quiet for a while before it is hung up: a
// click in the ear is no way to part.
func (c *customer) sayGoodbye() {
	c.show(api.CallGoodbye)
	if c.recording != nil {
		c.recording.Mark("goodbye")
	}
	c.remember()
	wait(c, time.After(c.terms.goodbye))
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

// talks are those of all agents who talked with the customer, the one who has them last.
func (c *customer) talks() []*talk { return slices.Concat(c.guests, c.past, []*talk{c.talk}) }

// listened is who of the supervisors took part, with all agents who had the customer.
func (c *customer) listened() []cdr.Listening {
	var list []cdr.Listening
	for _, t := range c.talks() {
		list = append(list, t.heardBy...)
	}
	return list
}
