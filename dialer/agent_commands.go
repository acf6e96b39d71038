package dialer

import (
	"slices"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/pacing"
)

// logout ends the shift now, or after the call that is up.
func (a *agent) logout() error {
	switch {
	case a.state == api.AgentOffline:
	case a.preview != nil && !a.preview.dialing:
		p := a.preview
		go p.campaign.post(func() { p.campaign.giveBack(p) })
		a.next, a.nextWhy = api.AgentOffline, "logged out"
		a.unlook(p)
	case a.talk != nil || a.preview != nil || a.fetching || a.state == api.AgentReady && !a.floor.busy(a.id, pacing.Away):
		a.next, a.nextWhy = api.AgentOffline, "logged out"
		a.publish()
	default:
		a.offline("logged out")
	}
	return nil
}

// ready makes the agent ready: from a pause, or out of the wrap-up. During a call, and
// where they are ready, it takes back a pause or log-out that was to follow.
func (a *agent) ready() error {
	switch a.state {
	case api.AgentOffline:
		return api.Conflict("agent %s is not logged in: log in first", a.id)
	case api.AgentPaused:
		a.next = ""
		a.settle()
	case api.AgentWrapUp:
		a.next = ""
		a.finish()
	default:
		a.next = ""
		a.leave.forget()
		a.publish()
	}
	return nil
}

// pause takes the agent out of the reach of calls, now or after the one that is up.
func (a *agent) pause(reason string) error {
	if a.state == api.AgentOffline {
		return api.Conflict("agent %s is not logged in", a.id)
	}
	a.next, a.nextWhy = api.AgentPaused, reason
	if a.leave.next == api.AgentPaused {
		a.leave.forget() // here it is
	}
	if a.state == api.AgentPaused || a.state == api.AgentReady && a.floor.busy(a.id, pacing.Away) {
		a.become(api.AgentPaused, reason)
		return nil
	}
	a.publish()
	return nil
}

// hangup ends the conversation; the customer's leg is then held quiet for the
// goodbye.
func (a *agent) hangup() error {
	switch {
	case a.conversing:
		a.part(cdr.Agent)
	case a.talk == nil || a.state == api.AgentRinging:
		return api.Conflict("agent %s is not talking to anybody", a.id)
	}
	return nil
}

// dispose names the call's result. After the conversation it ends the wrap-up.
func (a *agent) dispose(d api.Disposition) error {
	t := a.talk
	if t == nil || a.state == api.AgentRinging {
		return api.Conflict("agent %s has no call to give a disposition", a.id)
	}
	if len(t.call.Dispositions) > 0 && !slices.Contains(t.call.Dispositions, d.Name) {
		return api.Invalid("campaign %s has no disposition %q; it has %v", t.call.Campaign, d.Name, t.call.Dispositions)
	}
	a.result = d
	if a.conversing {
		a.publish()
		return nil
	}
	a.finish()
	return nil
}
