package dialer

import (
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/sip"
)

// take brings a customer to the agent, who was engaged for it on the floor. The
// answer comes on t.joined.
func (a *agent) take(t *talk) {
	a.post(func() {
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
		a.decideBy = nil
		a.talk, a.over, a.result, a.preview = t, t.over, api.Disposition{}, nil
		switch {
		case a.mode == config.Ring:
			a.become(api.AgentRinging, "")
			a.dial(sip.Invite{RingTimeout: a.cfg.RingTimeout, DisplayName: t.lead.Number})
		case a.proven:
			a.join()
		default:
			close(t.joined)
			a.talk, a.over = nil, nil
			a.settle()
		}
	})
}

// join puts agent and customer together.
func (a *agent) join() {
	t := a.talk
	if t.tap != nil {
		a.untap = a.leg.audio.AddTap(t.tap()) // before the bridge, which forwards a packet at once
	}
	b, err := a.engine.Bridge(t.customer, a.leg.audio)
	if err != nil {
		a.stopTap()
		a.log.Error("cannot bridge", "attempt", t.call.ID, "error", err)
		close(t.joined)
		a.release()
		a.settle()
		return
	}
	a.bridge, a.atJoin = b, *a.leg.figures()
	t.joined <- b
	t.call.BridgedAt = time.Now()
	a.become(api.AgentTalking, "")
	a.figures.calls++
}

// part ends the conversation from the agent's side, or the network's.
func (a *agent) part(by cdr.Party) {
	if a.bridge != nil {
		a.unbridge()
		a.depart(by)
	}
}

// depart lets the attempt know that the conversation is over.
func (a *agent) depart(by cdr.Party) {
	a.talk.parted <- by
	a.wrap(api.AgentGoodbye)
}

// customerGone is called when the attempt has done with the customer's leg.
func (a *agent) customerGone() {
	switch {
	case a.bridge != nil:
		a.unbridge()
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

func (a *agent) unbridge() {
	a.stopTap()
	a.bridge.Close()
	a.bridge = nil
	a.heard = a.leg.figures().Since(a.atJoin)
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
	if a.cfg.WrapUp <= 0 || a.result.Name != "" {
		a.finish()
		return
	}
	a.wrapBy = time.Now().Add(a.cfg.WrapUp)
	a.wrapEnd = time.NewTimer(a.cfg.WrapUp)
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
	a.talk.wrapped <- wrapUp{disposition: a.result, leg: a.heard}
	a.heard = nil
	a.talk, a.over = nil, nil
	if a.wrapEnd != nil {
		a.wrapEnd.Stop()
		a.wrapEnd = nil
	}
	if a.mode == config.Ring {
		a.dropLeg(sip.CauseNormal)
	}
}
