package dialer

import (
	"time"

	"ringpace/dialer/api"
	"ringpace/media"
	"ringpace/pacing"
)

// hold is how a customer waits for the agent who has put them on hold: from the
// phone's key (a re-INVITE that says sendonly, inactive or 0.0.0.0), or by a command.
// Both may be the case; the conversation goes on when neither is.
type hold struct {
	commanded bool // by the API, the desk or a code
	on        bool
	since     time.Time
	music     *media.Playback
	times     int           // in this call
	total     time.Duration // of the holds that are over
}

// heldReason is why an agent is paused whose phone holds the leg without a call.
const heldReason = "the phone holds its leg"

// holdCustomer puts the customer on hold.
func (a *agent) holdCustomer() error {
	if !a.conversing || a.transfer != nil {
		return api.Conflict("agent %s is not talking to anybody", a.id)
	}
	if a.talk.conference {
		return a.calledIn()
	}
	a.hold.commanded = true
	a.holdChanged()
	return nil
}

// resume takes the customer back.
func (a *agent) resume() error {
	switch {
	case !a.conversing || !a.hold.on:
		return api.Conflict("agent %s has nobody on hold", a.id)
	case a.leg.audio.Held():
		return api.Conflict("agent %s holds with the phone: take the call back there", a.id)
	}
	a.hold.commanded = false
	a.holdChanged()
	return nil
}

// holdChanged is called where the phone may have begun or ceased to hold the leg.
func (a *agent) holdChanged() {
	if a.leg == nil || !a.proven {
		return
	}
	held := a.leg.audio.Held()
	switch {
	case a.transfer != nil: // transferred looks
	case a.conversing && a.talk.conference: // inherit looks
	case a.conversing && (held || a.hold.commanded):
		a.beginHold()
	case a.conversing && a.hold.on:
		a.endHold()
		a.relink()
		a.become(api.AgentTalking, "")
	case held && a.state == api.AgentReady && a.floor.busy(a.id, pacing.Away):
		a.become(api.AgentPaused, heldReason) // where a call is on its way already, join looks
	case !held && a.state == api.AgentPaused && a.reason == heldReason:
		a.settle()
	}
}

// beginHold parts agent and customer for a while: neither hears the other, whatever
// the phone sends, guests of the agent's do not hear the customer either, and the
// recording has what the configuration says.
func (a *agent) beginHold() {
	if a.hold.on {
		return
	}
	rules := a.board.phones.Load()
	a.hold.on, a.hold.since = true, time.Now()
	a.hold.times++
	a.unlink()
	a.hold.music = a.talk.customer.Play(rules.music, true)
	if a.talk.recording != nil {
		a.talk.recording.Mark("hold")
		if rules.pauseOnHold {
			a.talk.recording.Pause()
		}
	}
	a.become(api.AgentHold, "")
}

// endHold ends what beginHold began.
func (a *agent) endHold() {
	if !a.hold.on {
		return
	}
	a.hold.on, a.hold.commanded = false, false
	a.hold.total += time.Since(a.hold.since)
	a.hold.music.Stop()
	if a.talk.recording != nil {
		a.talk.recording.Mark("hold over")
		a.talk.recording.Resume()
	}
}
