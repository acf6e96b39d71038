package dialer

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/pacing"
	"ringpace/sip"
)

// dial calls the agent's extension.
func (a *agent) dial(inv sip.Invite) {
	a.dropLeg(sip.CauseNormal) // there is none, unless the mode changed
	peer := a.board.peer(a.cfg.Peer)
	if peer == nil {
		a.legLost(fmt.Sprintf("peer %q is not configured", a.cfg.Peer))
		return
	}
	l, err := peer.dial(a.ctx, a.engine, a.cfg.Extension, inv, a.legChanged)
	if err != nil {
		a.legLost(err.Error())
		return
	}
	a.leg, a.proven, a.own = l, false, false
	a.listenForCodes()
	if a.talk != nil { // rung for a call
		a.joined(a.talk.call.ID, l)
	}
}

// legChanged is told when the phone has changed its audio, on a goroutine of its own.
func (a *agent) legChanged() { a.post(a.holdChanged) }

// dialedIn takes the leg that the agent has dialed themselves, which begins the shift
// or takes the place of the leg there was: a phone that lost its network dials anew,
// and amid a conversation the customer is joined with it once it has sent audio.
func (a *agent) dialedIn(l *leg) error {
	switch {
	case a.mode == config.Ring && a.state != api.AgentOffline:
		return api.Conflict("agent %s is rung for each call and needs no leg", a.id)
	case a.state == api.AgentOffline:
		a.begin(true)
	}
	a.swapLeg(l, true)
	switch a.state {
	case api.AgentOffline, api.AgentPaused, api.AgentConnecting:
		a.become(api.AgentConnecting, "dialed in from extension "+a.cfg.Extension)
	case api.AgentReady:
		if a.floor.busy(a.id, pacing.Away) {
			a.become(api.AgentConnecting, "dialed in from extension "+a.cfg.Extension)
		}
	}
	return nil
}

// swapLeg puts a leg in the place of the one there was. A conversation goes on when the
// new one has sent audio.
func (a *agent) swapLeg(l *leg, own bool) {
	a.redial.clear()
	if a.conversing {
		a.unlink()
		a.dismissSupervisors()
		a.third.dismiss()
		a.left(a.talk.call.ID, a.leg)
	}
	a.dropLeg(sip.CauseNormal)
	a.leg, a.own = l, own
	a.listenForCodes()
	a.proof.set(proofOfAudio)
}

// replacedLeg takes the leg that a PBX has put in the place of the one there was, by
// INVITE with Replaces (RFC 3891).
func (a *agent) replacedLeg(call *sip.Call, l *leg) error {
	if a.leg == nil || a.leg.call != call {
		return api.Conflict("the leg of agent %s that was to be replaced is gone", a.id)
	}
	a.swapLeg(l, a.own)
	if a.state == api.AgentReady && a.floor.busy(a.id, pacing.Away) || a.state == api.AgentPaused {
		a.become(api.AgentConnecting, "the leg is replaced")
	}
	return nil
}

// arrive is called when the extension has answered and its audio comes in: only
// then is the agent's leg good for a customer.
func (a *agent) arrive() {
	a.proven, a.retries, a.excused = true, 0, false
	a.proof.clear()
	switch {
	case a.state == api.AgentRinging:
		if t := a.talk; t.there != nil {
			select {
			case t.there <- struct{}{}:
			default: // they know
			}
			return
		}
		a.join()
	case a.conversing: // on a new leg, amid the conversation
		a.atJoin = a.leg.audio.Stats()
		if !a.hold.on && a.transfer == nil { // else what ends those does it: a new party may have the customer
			a.relink()
		}
		a.admitSupervisors()
		a.admitThird()
	case a.state == api.AgentConnecting:
		a.settle()
	}
}

// signal takes what the agent's extension says.
func (a *agent) signal(ev sip.Event, open bool) {
	switch ev := ev.(type) {
	case sip.Answered:
		if err := a.leg.accept(ev.Body); err != nil {
			a.log.Warn("the extension's answer cannot be used", "error", err)
			a.legLost(err.Error())
			return
		}
		if !a.proven {
			a.proof.set(proofOfAudio)
		}
	case sip.Progress:
		if len(ev.Body) > 0 {
			_ = a.leg.accept(ev.Body) // early media of an extension is not needed; the answer decides
		}
	case sip.SessionAnswer:
		if err := a.leg.renew(ev.Body); err != nil {
			a.log.Warn("a session answer cannot be used", "error", err)
		}
		a.holdChanged()
	case sip.Failed:
		a.legLost(fmt.Sprintf("extension %s did not answer: %s", a.cfg.Extension, describe(ev.Failure)))
	case sip.Digit:
		if !a.press(ev.Digit) && a.bridge != nil {
			a.talk.line.press(ev.Digit)
		}
	case sip.Referred:
		a.referred(ev.Referral)
	case sip.Ended:
		if a.own && ev.Err == nil && !a.excused {
			a.next, a.nextWhy = api.AgentOffline, "hung up the leg that they had dialed"
		}
		a.legLost(fmt.Sprintf("extension %s hung up", a.cfg.Extension))
	default:
		if !open && a.leg != nil {
			a.legLost("the call to the extension ended")
		}
	}
}

// legLost deals with a leg that could not be had or is no more.
func (a *agent) legLost(why string) {
	a.log.Info("agent leg lost", "why", why)
	talked := a.conversing
	if talked {
		a.fallSilent()
	}
	a.dropLeg(sip.CauseNormal)
	a.reason = why
	switch {
	case talked:
		a.depart(cdr.Agent) // settles, at once or after the wrap-up
	case a.state == api.AgentRinging:
		if a.next == "" {
			a.next, a.nextWhy = api.AgentPaused, why // an agent who does not answer is not rung again at once
		}
		close(a.talk.joined)
		a.release()
		a.settle()
	case a.talk != nil || a.preview != nil || a.fetching || a.state == api.AgentOffline:
		// settle follows
	case a.next == api.AgentOffline:
		a.offline(a.nextWhy)
	case a.mode == config.Nailed:
		a.reconnect()
	}
}

// reconnect calls a nailed agent back, later each time, or ends their shift where
// they are not to be called back.
func (a *agent) reconnect() {
	if a.leg != nil {
		a.become(api.AgentConnecting, a.reason)
		return
	}
	if !a.cfg.CallBack && !a.excused {
		a.offline(a.reason)
		return
	}
	if a.state == api.AgentReady && !a.floor.busy(a.id, pacing.Away) {
		return // a call is on its way here: take finds no leg, turns it away, and settles
	}
	wait := min(time.Second<<min(a.retries, 5), 30*time.Second)
	wait += time.Duration(rand.Int64N(int64(wait) / 4))
	a.retries++
	a.redial.set(wait)
	a.become(api.AgentConnecting, a.reason)
}

func (a *agent) dropLeg(cause sip.Cause) {
	if a.leg != nil {
		a.dropped = a.leg.drop(cause)
		a.leg, a.proven, a.own = nil, false, false
		a.keys = nil
		a.proof.clear()
		a.forgetKeys()
	}
}

// listenIn looks whether the agent's phone still sends audio. One that has lost its
// network says no goodbye: to be joined with it would be silence for a customer.
func (a *agent) listenIn() {
	if a.leg != nil && a.proven && a.leg.silentFor(a.mediaTimeout, time.Time{}) {
		a.legLost(fmt.Sprintf("no audio came from extension %s for %v", a.cfg.Extension, a.mediaTimeout))
	}
}

// phoneCame is called when the agent's telephone has registered here. One that waits
// to be called back is called at once: it can be reached now.
func (a *agent) phoneCame() {
	if a.redial.isSet() {
		a.redial.set(0)
	}
}
