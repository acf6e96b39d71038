package dialer

import (
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
)

// third is a party whom an agent has called in to their conversation, from the wish on.
// The attempt owns the party's leg; the agent's actor owns this.
type third struct {
	*transfer
	audio   *media.Session // what is heard of them; nil until they are there
	guest   *media.Guest   // nil while the agent has no leg
	dropped bool           // they are to go
}

// callIn asks for a third party to join agent and customer: whom a transfer could reach.
// The conversation goes on meanwhile.
func (a *agent) callIn(to string) error {
	x, err := a.wish(cdr.Conference, to)
	if err != nil {
		return err
	}
	x.audio, x.cancel = make(chan *media.Session, 1), make(chan struct{})
	a.third = &third{transfer: x}
	a.become(a.state, "calls in "+x.to.name)
	a.talk.transfers <- x // there is room: one at a time
	return nil
}

// dropThird lets go of the third party, or of who is being called.
func (a *agent) dropThird() error {
	if a.third == nil || a.third.dropped {
		return api.Conflict("agent %s has called in nobody", a.id)
	}
	a.third.dropped = true
	a.third.dismiss()
	close(a.third.cancel) // outcome or heard tells when they are gone
	return nil
}

// calledIn is why an agent who is the third in another's conversation cannot do as they
// like with the customer.
func (a *agent) calledIn() error {
	return api.Conflict("agent %s was called in by agent %s, who has the customer", a.id, a.talk.call.Conference)
}

// outcome tells how the call to the third party ended.
func (t *third) outcome() <-chan *unreached {
	if t == nil {
		return nil
	}
	return t.done
}

// heard gives the third party's audio, and is closed when they have left.
func (t *third) heard() <-chan *media.Session {
	if t == nil {
		return nil
	}
	return t.transfer.audio
}

// present reports whether the customer would be with the third party if the agent left.
func (t *third) present() bool { return t != nil && t.audio != nil && !t.dropped }

// dismiss ends what admitThird began.
func (t *third) dismiss() {
	if t != nil && t.guest != nil {
		t.guest.Leave()
		t.guest = nil
	}
}

// thirdCalled is called when the third party has answered, which hearThird deals with, or
// does not come.
func (a *agent) thirdCalled(not *unreached) {
	if not == nil {
		return
	}
	a.third = nil
	a.hearWhy(not)
	a.become(a.state, not.String())
}

// hearThird has all hear the third party; open is false where they have left.
func (a *agent) hearThird(audio *media.Session, open bool) {
	name := a.third.to.name
	a.third.dismiss()
	if !open {
		a.third = nil
		a.talk.call.Conference = ""
		a.become(a.state, name+" has left")
		return
	}
	a.third.audio = audio
	a.talk.call.Conference = name
	a.admitThird()
	a.become(a.state, "")
}

// admitThird lets the third party, if there is one, take part in the conversation that
// the agent's leg is in.
func (a *agent) admitThird() {
	t := a.third
	if !t.present() || !a.conversing || a.leg == nil || !a.proven || t.guest != nil {
		return
	}
	var err error
	if t.guest, err = a.engine.Join(t.audio, a.talk.customer, a.leg.audio, media.Third); err != nil {
		a.log.Error("a third party cannot take part", "to", t.to.name, "attempt", a.talk.call.ID, "error", err)
		return
	}
	a.hearsCustomer(t.guest)
}

// inherit makes the conversation that this agent was called in to their own: the agent
// who had called them has left.
func (a *agent) inherit(t *talk) {
	if a.talk != t || !a.conversing {
		return
	}
	t.conference = false
	t.call.TransferredBy, t.call.Conference = t.call.Conference, ""
	if a.proven { // else arrive does it
		a.relink()
		a.admitSupervisors()
	}
	a.publish()
	a.holdChanged()
}
