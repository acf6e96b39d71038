package dialer

import (
	"errors"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/sip"
)

// transferTo hands the customer to an extension, another agent's or not, or to a number
// outside, as far as the configuration allows it. The agent's part ends when the new
// party has the customer, who otherwise comes back.
func (a *agent) transferTo(to string) error {
	x, err := a.wish(cdr.Blind, to)
	if err != nil {
		return err
	}
	a.hand(x)
	return nil
}

// wish makes a transfer of what the agent asks for.
func (a *agent) wish(kind cdr.TransferKind, to string) (*transfer, error) {
	if err := a.mayTransfer(); err != nil {
		return nil, err
	}
	whom, err := a.board.find(&a.cfg, to)
	if err != nil {
		return nil, err
	}
	return newTransfer(a.id, kind, whom), nil
}

func (a *agent) mayTransfer() error {
	switch {
	case !a.conversing || a.talk.consult:
		return api.Conflict("agent %s is not talking to anybody", a.id)
	case a.transfer != nil:
		return api.Conflict("agent %s is transferring the customer to %s already", a.id, a.transfer.to.name)
	case a.third != nil:
		return api.Conflict("agent %s has called in %s; drop them first, or hang up to leave them the customer", a.id, a.third.to.name)
	case a.talk.conference:
		return a.calledIn()
	}
	return nil
}

// referred takes the phone's own wish to transfer its call (RFC 3515). The phone is told
// how it goes, and hangs up when it has succeeded.
func (a *agent) referred(r *sip.Referral) {
	x, err := a.wishOf(r)
	if err != nil {
		a.log.Info("a transfer is refused", "to", r.Target(), "error", err)
		status := 403
		if errors.Is(err, api.ErrConflict) {
			status = 603
		}
		r.Reject(status)
		return
	}
	if err := r.Accept(); err != nil {
		a.log.Info("a transfer was given up", "to", r.Target(), "error", err)
		if x.leg != nil { // the consult is over: the party has nobody else
			x.leg.drop(sip.CauseNormal)
		}
		return
	}
	x.told, x.by, a.excused = r.Progress, r.By(), true
	a.hand(x)
}

// wishOf makes a transfer of what the phone asks for.
func (a *agent) wishOf(r *sip.Referral) (*transfer, error) {
	id, attended := r.Replaces()
	if !attended {
		return a.wish(cdr.Blind, r.Target())
	}
	if call, ours := a.board.dialog(id); ours {
		return a.wishOfConsult(call)
	}
	x, err := a.wish(cdr.Attended, r.Target())
	if err != nil {
		return nil, err
	}
	if p := a.board.peer(a.cfg.Peer); p == nil || p.local != nil {
		// Telephones that register here have no calls but through us.
		return nil, api.Invalid("the call that is to be replaced is not one of agent %s", a.id)
	}
	// The agent's call with the new party is at the PBX: there ours takes its place.
	if x.to.agent != nil {
		x.to.agent, x.to.peer = nil, a.board.peer(a.cfg.Peer)
	}
	if x.to.peer == nil {
		return nil, api.Invalid("%q is not an extension", r.Target())
	}
	x.replaces = &id
	return x, nil
}

// wishOfConsult makes a transfer to the party whom the agent's phone talks with through
// us.
func (a *agent) wishOfConsult(call *sip.Call) (*transfer, error) {
	if err := a.mayTransfer(); err != nil {
		return nil, err
	}
	c := a.board.consults.find(call)
	if c != nil && c.from != a.id {
		return nil, api.Invalid("the call that is to be replaced is not one of agent %s", a.id)
	}
	if c == nil || !c.yield() {
		return nil, api.Conflict("the call that the customer was to be transferred to is over")
	}
	x := newTransfer(a.id, cdr.Attended, c.to)
	x.leg, x.engaged = c.out, true
	return x, nil
}

// leaveConsult ends the agent's talk with a colleague, for that colleague's customer.
func (a *agent) leaveConsult() {
	a.endHold()
	a.unlink()
	a.conversing, a.hold = false, hold{}
	a.talk, a.over = nil, nil
}

// hand lets go of the customer and asks their actor for the transfer.
func (a *agent) hand(x *transfer) {
	a.endHold()
	a.unlink()
	a.transfer = x
	a.become(api.AgentTransferring, "to "+x.to.name)
	a.talk.transfers <- x // there is room: one at a time
}

// outcome tells how the transfer ended.
func (x *transfer) outcome() <-chan *unreached {
	if x == nil {
		return nil
	}
	return x.done
}

// transferred is called when the customer is with the new party, or comes back.
func (a *agent) transferred(not *unreached) {
	a.transfer = nil
	if not == nil {
		a.figures.transfers++
		a.beep(true)
		a.fallSilent()
		a.wrap(api.AgentWrapUp)
		return
	}
	if a.leg.audio.Held() {
		a.beginHold()
		return
	}
	if a.proven { // else arrive does it
		a.relink()
	}
	a.hearWhy(not)
	a.become(api.AgentTalking, not.String())
}
