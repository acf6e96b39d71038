package dialer

import (
	"cmp"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
)

// legs gives the audio of another agent who was called in; none of others.
func (h *handover) legs() <-chan *media.Session {
	if h == nil || h.talk == nil {
		return nil
	}
	return h.talk.legs
}

// parted tells that another agent who was called in has left.
func (h *handover) parted() <-chan cdr.Party {
	if h == nil || h.talk == nil {
		return nil
	}
	return h.talk.parted
}

// cancelled tells that the agent does not want who was called in any more.
func (h *handover) cancelled() <-chan struct{} {
	if h == nil {
		return nil
	}
	return h.cancel
}

// joins has the party who was called in take part, by the agent who called: they have
// answered, or go on at another leg.
func (c *customer) joins(audio *media.Session) {
	h := cmp.Or(c.beside, c.handing)
	h.beepNoMore()
	if c.recording != nil {
		h.hush = c.recording.include(audio, h.talk != nil)
	}
	if c.beside != nil {
		offerLatest(c.beside.audio, audio)
		return
	}
	c.beside = h
	if c.recording != nil {
		c.recording.Mark("third party joined")
	}
	c.log.Info("a third party takes part in a call", "agent", h.from, "to", h.to.name)
	offerLatest(h.audio, audio)
	c.handed()
}

// beepNoMore ends what joins had them hear of the recording.
func (h *handover) beepNoMore() {
	if h.hush != nil {
		h.hush()
		h.hush = nil
	}
}

// dropParty ends what the agent wants no more.
func (c *customer) dropParty() {
	if c.beside != nil {
		c.besideGone()
		return
	}
	c.handFailed(cdr.Cancelled, 487, "the agent gave it up")
}

// besideGone is called when the third has left.
func (c *customer) besideGone() {
	c.partBeside()
	if c.recording != nil {
		c.recording.Mark("third party left")
	}
	c.remember()
	c.show(api.CallBridged)
}

// partBeside lets go of the third.
func (c *customer) partBeside() {
	h := c.beside
	c.beside = nil
	e := c.transferEntry(h)
	e.Ended = time.Now()
	if h.leg != nil {
		e.Leg = h.leg.figures()
	}
	if h.talk != nil {
		c.guests = append(c.guests, h.talk)
	}
	c.log.Info("a third party took part in a call", "agent", h.from, "to", h.to.name, "seconds", e.Ended.Sub(e.Connected).Seconds())
	close(h.audio)
	h.close()
}

// agentLeft is called when the agent has hung up: who was called in has the customer now,
// and who only was to be is called no more.
func (c *customer) agentLeft() {
	if h := c.handing; h != nil && h.kind == cdr.Conference {
		c.handFailed(cdr.Cancelled, 487, "the agent hung up")
	}
	h := c.beside
	if h == nil {
		return
	}
	select {
	case <-h.cancel: // just before
		c.besideGone()
		return
	default:
	}
	c.beside = nil
	h.beepNoMore()
	c.transferEntry(h).Left = time.Now()
	if h.talk != nil {
		c.past = append(c.past, c.talk)
		c.talk, c.left = h.talk, ""
		h.to.agent.post(func() { h.to.agent.inherit(h.talk) })
	} else if err := c.goOnWith(h); err != nil {
		c.log.Error("cannot bridge", "error", err)
		c.beside = h
		c.besideGone()
		return
	}
	c.remember()
	c.show(api.CallBridged)
}
