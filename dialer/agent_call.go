package dialer

import (
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/sip"
)

// take brings a customer to the agent, who was engaged for it on the floor. The
// answer comes on t.joined.
func (a *agent) take(t *talk) {
	a.post(func() {
		if a.talk != nil && a.talk.consult {
			a.leaveConsult() // the colleague transfers their customer
		}
		if a.talk != nil || a.state == api.AgentOffline {
			close(t.joined)
			return
		}
		select {
		case <-t.over: // the customer is gone already
			close(t.joined)
			if a.preview == nil {
				a.settle()
			}
			return
		default:
		}
		a.decideBy.clear()
		a.talk, a.over, a.result, a.preview = t, t.over, api.Disposition{}, nil
		switch {
		case a.mode == config.Ring && a.proven && t.there == nil: // from the consult
			a.join()
		case a.mode == config.Ring:
			a.become(api.AgentRinging, "")
			a.dial(sip.Invite{RingTimeout: a.cfg.RingTimeout, DisplayName: t.lead.Number})
		case a.proven && t.there == nil:
			a.join()
		default:
			close(t.joined)
			a.talk, a.over = nil, nil
			a.settle()
		}
	})
}

// meet joins the agent, who has said that they are there, with the customer, who is
// answered now and recorded, unless that is nil.
func (a *agent) meet(t *talk, recording *tape) {
	a.post(func() {
		t.recording = recording
		if a.talk == t && a.bridge == nil && a.proven {
			a.join()
		}
	})
}

// join puts agent and customer together.
func (a *agent) join() {
	t := a.talk
	b, err := a.link()
	if err != nil {
		a.log.Error("cannot bridge", "attempt", t.call.ID, "error", err)
		close(t.joined)
		a.release()
		a.settle()
		return
	}
	a.conversing, a.atJoin = true, a.leg.audio.Stats()
	if b != nil {
		t.joined <- b
	}
	a.hearArrival()
	if a.state == api.AgentRinging {
		a.floor.rang(time.Since(a.since))
	}
	t.call.BridgedAt = time.Now()
	if !t.consult {
		a.figures.calls++
	}
	a.admitSupervisors()
	a.listenForCodes() // which a reload may have changed
	a.become(api.AgentTalking, "")
	a.holdChanged() // a phone that held while it had no call still does
}

// link lets agent and customer hear each other. There is no bridge where the agent is
// the third in another's conversation.
func (a *agent) link() (*media.Bridge, error) {
	t := a.talk
	if t.conference {
		offerLatest(t.legs, a.leg.audio)
		a.joined(t.call.ID, a.leg)
		return nil, nil
	}
	if t.recording != nil {
		a.untap = t.recording.join(a.leg.audio) // before the bridge, which forwards a packet at once
	}
	b, err := a.engine.Bridge(t.customer, a.leg.audio)
	if err != nil {
		a.stopTap()
		return nil, err
	}
	if t.recording != nil {
		t.recording.Mark("bridged")
	}
	a.bridge = b
	a.guestsHear()
	a.joined(t.call.ID, a.leg)
	return b, nil
}

// relink lets agent and customer hear each other again, and the attempt hear of it.
func (a *agent) relink() {
	b, err := a.link()
	if err != nil {
		a.log.Error("cannot bridge again", "attempt", a.talk.call.ID, "error", err)
		return
	}
	if b != nil {
		offerLatest(a.talk.joined, b)
	}
}

// offerLatest sends x on a channel with room for one, in the place of what nobody has
// taken. The channel has no other sender.
func offerLatest[T any](on chan T, x T) {
	select {
	case <-on:
	default:
	}
	on <- x
}

// unlink ends what link did.
func (a *agent) unlink() {
	a.stopTap()
	if a.bridge != nil {
		a.bridge.Close()
		a.bridge = nil
		a.guestsHear()
	}
}

// guestsHear has the guests of the conversation hear the customer as long as the agent
// does: not while they are on hold, or on their way to somebody else.
func (a *agent) guestsHear() {
	for _, s := range a.supervisors {
		a.hearsCustomer(s.guest)
	}
	if a.third != nil {
		a.hearsCustomer(a.third.guest)
	}
}

// hearsCustomer is guestsHear for one; nil for none.
func (a *agent) hearsCustomer(g *media.Guest) {
	if g != nil {
		g.Hear(a.bridge != nil)
	}
}

// part ends the conversation from the agent's side, or the network's.
func (a *agent) part(by cdr.Party) {
	if a.conversing {
		a.fallSilent()
		a.depart(by)
	}
}

// depart lets the attempt know that the conversation is over.
func (a *agent) depart(by cdr.Party) {
	a.talk.parted <- by
	goesOn := a.transfer != nil || a.talk.conference // without them
	if a.third.present() {
		a.figures.transfers++
		goesOn = true
	}
	a.transfer, a.third = nil, nil
	if goesOn {
		a.wrap(api.AgentWrapUp)
		return
	}
	a.wrap(api.AgentGoodbye)
}

// customerGone is called when the attempt has done with the customer's leg.
func (a *agent) customerGone() {
	switch {
	case a.conversing:
		a.transfer = nil
		a.fallSilent()
		a.third = nil
		a.wrap(api.AgentWrapUp)
	case a.state == api.AgentRinging: // the customer did not wait
		a.dropLeg(sip.CauseNormal)
		a.release()
		a.settle()
	default: // the goodbye is over
		a.over = nil
		if a.state == api.AgentGoodbye {
			a.become(api.AgentWrapUp, "")
		}
	}
}

// fallSilent ends the conversation.
func (a *agent) fallSilent() {
	a.endHold()
	a.endPause(cdr.PauseEndedWithTalk)
	a.unlink()
	a.dismissSupervisors()
	a.third.dismiss()
	a.leg.audio.Withdraw() // where the agent was the third
	a.left(a.talk.call.ID, a.leg)
	a.conversing = false
	a.heard = legFigures(a.leg.audio.Stats().Since(a.atJoin))
	if a.mode == config.Ring {
		a.dropLeg(sip.CauseNormal)
	}
}

func (a *agent) stopTap() {
	if a.untap != nil {
		a.untap()
		a.untap = nil
	}
}

// wrap begins the wrap-up; its clock runs from the end of the conversation, so the
// goodbye is part of it.
func (a *agent) wrap(s api.AgentState) {
	if s == api.AgentWrapUp {
		a.over = nil
	}
	if a.talk.consult || a.cfg.WrapUp <= 0 || a.result.Name != "" {
		a.finish()
		return
	}
	a.wrapBy = time.Now().Add(a.cfg.WrapUp)
	a.wrapEnd.set(a.cfg.WrapUp)
	a.become(s, "")
}

// finish ends the wrap-up and lets the attempt write its record.
func (a *agent) finish() {
	if a.talk == nil {
		return
	}
	if a.result.Name != "" {
		a.figures.disposed++
	}
	a.release()
	a.settle()
}

// release lets go of the call.
func (a *agent) release() {
	a.talk.wrapped <- wrapUp{disposition: a.result, leg: a.heard, holds: a.hold.times, held: a.hold.total, listened: a.listened, pauses: a.pauses.list}
	a.heard, a.hold, a.listened, a.pauses = nil, hold{}, nil, recordingPauses{}
	a.talk, a.over = nil, nil
	a.wrapEnd.clear()
	if a.mode == config.Ring {
		a.dropLeg(sip.CauseNormal)
	}
}
