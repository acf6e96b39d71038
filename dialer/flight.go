package dialer

import (
	"time"

	"ringpace/pacing"
)

// flight is one call that has neither ended nor reached an agent.
type flight struct {
	campaign string
	call     pacing.Call
	planned  bool   // meant for the agent who previewed the lead: it takes no other agent's time
	giveUp   func() // has the call cancelled; nil until its INVITE is sent, and once that was asked for
	gone     bool   // it was asked for: nobody counts on an answer any more
	outbound bool   // its INVITE was sent
	met      bool   // an agent was found, who is on their way to it
}

// arrive notes a call that has come in and waits for an agent: pacing leaves the next
// free one to it. It ends in landed.
func (f *floor) arrive(id, campaign string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flights[id] = &flight{campaign: campaign, call: pacing.Call{State: pacing.Waiting, Since: time.Now()}}
	f.tell(campaign)
}

// dialed notes that the INVITE of a planned call is sent, the first or one over another
// trunk. giveUp has the call cancelled; it must not block.
func (f *floor) dialed(id string, who pacing.Lead, giveUp func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := f.flights[id]; k != nil {
		k.call = pacing.Call{State: pacing.Dialing, Since: time.Now(), Lead: who, Theta: k.call.Theta}
		k.giveUp, k.outbound = giveUp, true
	}
}

// advance notes how far a call in flight has come. Waiting is that somebody has answered.
func (f *floor) advance(id string, state pacing.CallState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.flights[id]
	if k == nil {
		return
	}
	now := time.Now()
	if state == pacing.Ringing && k.call.Rings.IsZero() {
		k.call.Rings = now
	}
	if state == pacing.Waiting && k.call.State != state {
		f.tellCall(k, pacing.CallAnswered, now)
		k.gone = false // they were quicker
	}
	k.call.State = state
	f.tell(k.campaign)
}

// met notes that an agent was found for a call that waits, or that they did not come.
func (f *floor) met(id string, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := f.flights[id]; k != nil && k.met != found {
		k.met = found
		f.tell(k.campaign)
	}
}

// unplan takes back calls that were planned and are not made. Only other campaigns
// may decide anew for that: this one has just found that it cannot dial.
func (f *floor) unplan(campaign string, ids []string) {
	if len(ids) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		delete(f.flights, id)
	}
	for c, nudge := range f.changed {
		if c != campaign {
			nudge()
		}
	}
}

// landed takes a call out of flight: it has ended, or reached an agent.
func (f *floor) landed(id string) { f.land(id, pacing.CallEnded) }

// abandoned takes an answered call out of flight for which no agent was there in time.
func (f *floor) abandoned(id string) { f.land(id, pacing.CallAbandoned) }

// failed takes a call out of flight that no trunk has carried. That tells nothing of the
// people on the list: a pacer that learned of it would dial too many when the trunks are
// back.
func (f *floor) failed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := f.flights[id]; k != nil && k.call.State != pacing.Waiting {
		delete(f.flights, id)
		f.tell(k.campaign)
	}
}

func (f *floor) land(id string, how pacing.EventKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.flights[id]
	if k == nil {
		return
	}
	delete(f.flights, id)
	if answered := k.call.State == pacing.Waiting; answered == (how == pacing.CallAbandoned) {
		f.tellCall(k, how, time.Now())
	}
	f.tell(k.campaign)
}

// tell lets a campaign decide anew, one of whose calls has changed, and with it those
// that wait for its agents.
func (f *floor) tell(campaign string) {
	now := time.Now()
	for c, nudge := range f.changed {
		if c == campaign || f.hungry(c, now) {
			nudge()
		}
	}
}
