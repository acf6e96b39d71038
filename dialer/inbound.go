package dialer

import (
	"context"
	"errors"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/store"
	"ringpace/media"
	"ringpace/sip"
)

// inbound is the actor of one call to one of our numbers, from the INVITE to the call
// detail record: one goroutine (run) owns it. It takes no lead's turn.
type inbound struct {
	customer
	in      *sip.Incoming
	welcome *welcome
	audio   media.SessionConfig // of the trunk
	caller  store.Caller
	release func() // gives the trunk's channel and the place at the number back; once

	// ---
	body    []byte          // our session description for the answer
	shared  chan struct{}   // closed when Redis knows of the call, or cannot be told now
	who     *agent          // whom the caller is being brought to
	held    *agent          // likewise, while the caller has not confirmed the answer
	playing *media.Playback // what they hear while they wait; nil: nothing
	told    bool            // something has been said to them by announce
}

// run takes the call. It ends when the call is over and the agent's wrap-up with it.
func (k *inbound) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { k.end(cdr.Ringpace) })
	defer stop()
	k.open()
	if k.ring() {
		k.serve()
	}
	k.hangUp()
	k.conclude()
}

// open notes the call, so that it ends in a record whatever happens to this process.
func (k *inbound) open() {
	k.wire.Link(k.rec.ID, k.in.ID(), "")
	k.tally.called()
	k.metrics.CallStarted(k.rec.Campaign)
	if err := k.store.OpenIn(k.rec); err != nil {
		k.log.Error("the journal does not take the call", "error", err)
	}
	k.shared = make(chan struct{})
	go func() { // conclude waits for it
		defer close(k.shared)
		if err := k.store.ShareIn(context.Background(), k.rec.ID); err != nil && !errors.Is(err, store.ErrAway) { // bounded by the store
			k.log.Warn("Redis does not know of the call yet", "error", err)
		}
	}()
}

// ring opens the audio and lets it ring. It reports whether the call goes on.
func (k *inbound) ring() bool {
	audio, err := k.engine.NewSession(k.audio)
	if err != nil {
		k.log.Error("no call can be taken", "error", err)
		k.fail(503, cdr.Congestion, err.Error())
		return false
	}
	k.leg = &leg{audio: audio}
	if offer := k.in.Offer(); offer == nil {
		k.body = audio.Offer()
	} else if k.body, err = audio.Answer(offer); err != nil {
		k.log.Warn("the caller's offer cannot be used", "error", err)
		k.fail(488, cdr.TrunkFailure, "session description: "+err.Error())
		return false
	}
	k.described = k.in.Offer() != nil
	status, body := 180, []byte(nil)
	if k.welcome.cfg.Inbound.EarlyRingback && k.described {
		status, body = 183, k.body
		k.playing = audio.Play(k.board.phones.Load().tones.RingBack, true)
	}
	if err := k.in.Ring(status, body); err != nil {
		k.cancelled()
		return false
	}
	k.rec.Marks.Ringing = time.Now()
	return true
}

// fail refuses the call for a reason of ours or of the network's.
func (k *inbound) fail(status int, outcome cdr.Outcome, why string) {
	k.in.Reject(status, "")
	k.rec.Outcome, k.rec.SIPStatus, k.rec.SIPReason, k.rec.HungUpBy = outcome, status, why, cdr.Ringpace
}

// refuse ends a call that a rule forbids before it has rung, with a record.
func (k *inbound) refuse(rule string, status int) {
	k.in.Reject(status, "")
	k.rec.Outcome, k.rec.Rule, k.rec.SIPStatus, k.rec.HungUpBy = cdr.Skipped, rule, status, cdr.Ringpace
	k.rec.Marks.Ended = time.Now()
	k.tally.called()
	k.metrics.CallStarted(k.rec.Campaign)
	k.file(store.Next{})
}

// cancelled notes that the caller gave up while it rang.
func (k *inbound) cancelled() {
	k.over = true
	k.rec.Outcome, k.rec.HungUpBy, k.rec.Marks.Ended = cdr.Abandoned, cdr.Customer, time.Now()
}

// serve brings the caller to an agent, or tells them why not.
func (k *inbound) serve() {
	open := k.welcome.open(time.Now())
	if open {
		bridge := k.seekAgent()
		k.floor.landed(k.rec.ID)
		if bridge != nil {
			k.converse(bridge)
			return
		}
		k.unbring()
	}
	if !k.over && !k.stopped {
		k.announce(open)
	}
}

// seekAgent finds an agent for the caller and returns the bridge, or nil where none
// came in time, the caller did not wait, or the call was stopped. The agent whom they
// know comes first.
func (k *inbound) seekAgent() *media.Bridge {
	cfg, m := &k.welcome.cfg.Inbound, &k.rec.Marks
	patience := time.NewTimer(cfg.AgentPatience)
	defer patience.Stop()
	known := time.NewTimer(cfg.LastAgentWait)
	defer known.Stop()

	k.floor.arrive(k.rec.ID, k.rec.Campaign)
	claim := k.floor.claimFor(k.rec.Campaign, k.caller.LastAgent, cfg.LastAgentWait > 0)
	k.rec.Queued = len(claim.got) == 0
	defer func() {
		if who := k.floor.giveUp(claim); who != nil {
			who.post(who.returned)
		}
	}()
	if cfg.Answer == config.AnswerQueue {
		if !k.answer() {
			return nil
		}
		if k.welcome.queue != nil {
			k.playing = k.leg.audio.Play(k.welcome.queue, true)
		}
	}
	bounced := false // an agent could not take the call
	for {
		var joined <-chan *media.Bridge
		var there chan struct{}
		if k.talk != nil {
			joined, there = k.talk.joined, k.talk.there
		}
		select {
		case who := <-claim.got:
			if !k.hand(who, bounced) {
				return nil
			}
			if k.talk == nil {
				claim = k.floor.claimFor(k.rec.Campaign, "", false)
			}
		case <-there:
			if !k.answer() {
				return nil
			}
			k.quiet()
			k.who.meet(k.talk, k.recording)
		case bridge := <-joined:
			if bridge != nil {
				k.quiet()
				return bridge
			}
			k.talk, k.rec.Agent, m.AgentClaimed, bounced = nil, "", time.Time{}, true
			claim = k.floor.claimFor(k.rec.Campaign, "", false)
		case <-known.C:
			k.floor.widen(claim)
		case ev, open := <-k.leg.events():
			if k.ended(ev, open) {
				k.rec.Outcome = cdr.Abandoned
				return nil
			}
		case <-k.givenUp():
			k.cancelled()
			return nil
		case by := <-k.stop:
			k.rec.Outcome, k.rec.HungUpBy, k.stopped = cdr.Abandoned, by, true
			return nil
		case <-patience.C:
			if len(joined) > 0 {
				continue // the agent was quicker
			}
			return nil
		}
	}
}

// givenUp is closed when the caller gives up before the answer; nil after it.
func (k *inbound) givenUp() <-chan struct{} {
	if k.leg.call != nil {
		return nil
	}
	return k.in.Cancelled()
}

// hand brings the caller to an agent. Where the agent's telephone has to ring first, a
// caller whose carrier has shown to hear us is not answered meanwhile; all others are
// answered first, so that no telephone rings for a forged INVITE, and so are those whom
// an agent has bounced: they hear the ringing as a tone. It reports false where the call is over. There is no
// talk after it where the caller took so long to confirm the answer that the agent was
// given back.
func (k *inbound) hand(who *agent, bounced bool) bool {
	k.who = who
	if rings := who.status.Load().Mode == config.Ring; rings && !bounced && k.leg.call == nil && k.described && k.in.Proved() {
		k.bring(who, make(chan struct{}, 1))
		return true
	}
	k.held = who
	answered := k.answer()
	if k.held == nil {
		return answered
	}
	k.held = nil
	if !answered {
		who.post(who.returned)
		return false
	}
	if who.status.Load().Mode != config.Ring {
		k.quiet()
	} else if k.playing == nil {
		k.playing = k.leg.audio.Play(k.board.phones.Load().tones.RingBack, true)
	}
	k.bring(who, nil)
	return true
}

// quiet ends what the caller hears while they wait.
func (k *inbound) quiet() {
	if k.playing != nil {
		k.playing.Stop()
		k.playing = nil
	}
}

// holdLimit is how long an agent is kept for a caller who has not confirmed the answer:
// some retransmissions. Whoever takes longer gets an agent afterwards.
const holdLimit = time.Second

// answer answers the call, unless it is answered already, and begins to record. It
// reports false where the caller was faster, or does not confirm the answer: anybody can
// send an INVITE in the trunk's name, and no agent is brought to one whose sender does not
// hear us. The session description of a caller who sent none in the INVITE comes with
// the ACK.
func (k *inbound) answer() bool {
	if k.leg.call != nil {
		return true
	}
	call, err := k.in.Answer(k.body, onOffer(k.leg.audio, nil))
	switch {
	case errors.Is(err, sip.ErrCancelled):
		k.cancelled()
		return false
	case err != nil:
		k.log.Error("the call cannot be answered", "error", err)
		k.fail(500, cdr.TrunkFailure, err.Error())
		k.over = true
		return false
	}
	k.leg.call = call
	k.rec.Marks.Answered, k.rec.SIPStatus = time.Now(), 200
	limit, hold := time.NewTimer(confirmLimit), time.NewTimer(holdLimit)
	defer limit.Stop()
	defer hold.Stop()
	confirmed := call.Confirmed()
	for confirmed != nil || !k.described {
		select {
		case <-confirmed:
			confirmed = nil
		case <-hold.C:
			if k.held != nil {
				k.held.post(k.held.returned)
				k.held = nil
			}
		case ev, open := <-k.leg.events():
			if k.ended(ev, open) {
				k.rec.Outcome = cdr.Abandoned
				return false
			}
		case <-limit.C:
			k.rec.Outcome, k.rec.HungUpBy, k.rec.SIPReason = cdr.TrunkFailure, cdr.Ringpace, "the answer was not acknowledged with a session description"
			k.stopped = true
			return false
		}
	}
	k.listen()
	return true
}

// hangUp ends the call on every side.
func (k *inbound) hangUp() {
	if k.leg == nil || k.leg.call == nil {
		k.in.Reject(503, "") // unless it has had its end: nobody is there to take it
	}
	k.close(k.release)
}

// conclude waits for the agent's wrap-up and hands the record to the store. Whoever has
// talked with an agent has had their turn: the rules say whether they are still called.
func (k *inbound) conclude() {
	if promised := k.wrappedUp(); !promised.IsZero() {
		k.keep(promised)
	}
	var next store.Next
	if k.rec.Bridged() {
		next = nextOf(gate.Next(k.terms.policy, &k.lead, &k.rec, time.Now()), time.Time{})
	}
	next.Remember = k.welcome.cfg.Inbound.Remember
	<-k.shared
	k.file(next)
}

// file hands the record to the store, which keeps it whatever becomes of Redis.
func (k *inbound) file(next store.Next) {
	k.rec.Marks = k.rec.Marks.Steady()
	if err := k.store.FinishIn(k.rec, next); err != nil {
		k.log.Error("the record is kept in memory only: the journal cannot be written", "error", err)
	}
	k.tally.callEnded(&k.rec)
	k.metrics.CallEnded(k.rec)
	k.show("")
}
