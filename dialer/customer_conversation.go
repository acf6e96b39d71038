package dialer

import (
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
	"ringpace/sip"
)

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
			c.parting(by)
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

// parting is called when the agent has left. A transfer goes on: one that is under way, and
// one that they asked for last.
func (c *customer) parting(by cdr.Party) {
	select {
	case x := <-c.talk.transfers:
		c.handOver(x)
	default:
	}
	c.left = by
	c.agentLeft()
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

// talks are those of all agents who talked with the customer, the one who has them last.
func (c *customer) talks() []*talk { return slices.Concat(c.guests, c.past, []*talk{c.talk}) }
