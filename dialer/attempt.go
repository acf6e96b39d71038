package dialer

import (
	"cmp"
	"context"
	"errors"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/media"
	"ringpace/pacing"
	"ringpace/pacing/ledger"
	"ringpace/sip"
)

// terms are what a campaign's configuration says about one attempt, as it was when
// the attempt began.
type terms struct {
	ringTimeout  time.Duration
	abandonAfter time.Duration
	waitFrom     string // config.FromAnswer and so on
	goodbye      time.Duration
	message      *media.Prompt // nil where none is played
	messageName  string
	consent      notice
	dispositions []string
	policy       gate.Policy
	classes      map[string]cdr.Outcome // what has answered, by disposition
}

// longestGreeting is how long a person's greeting is waited for to end, where the time for
// an agent begins with that: who talks longer is a machine.
const longestGreeting = 3 * time.Second

// patience is until when a customer of whom that is known may wait for an agent.
func (t *terms) patience(m *cdr.Marks) time.Time {
	from := m.Answered
	switch {
	case t.waitFrom == config.FromAnswer || m.SpeechStart.IsZero():
	case t.waitFrom != config.FromGreeting:
		from = m.SpeechStart
	case m.GreetingEnd.IsZero():
		from = m.SpeechStart.Add(longestGreeting)
	default:
		from = m.GreetingEnd
	}
	return from.Add(t.abandonAfter)
}

// attempt is the actor of one call to one lead, from the INVITE to the call detail
// record: one goroutine (run) owns it. The store knows the attempt already when
// run begins, so whatever happens to this process it ends in a record.
type attempt struct {
	customer
	cfg    *config.Campaign // as it was when the attempt began
	trunks *trunks
	line   *line          // the trunk, one of whose channels is held
	audio  *media.Session // of the customer's leg
	// preview is what an agent saw before the call, which is for them; nil in every
	// other mode.
	preview *preview
	called  pacing.Lead   // what pacing may know of them
	quit    chan struct{} // asks to give the call up, while nobody has answered; has room for one
}

// run makes the call. It ends when the call is over and the agent's wrap-up with
// it.
func (a *attempt) run(ctx context.Context) {
	if a.place(ctx) {
		a.listen()
		if bridge := a.seekAgent(); bridge != nil {
			a.floor.landed(a.rec.ID)
			a.count(ledger.Reached)
			a.converse(bridge)
		} else {
			a.lost()
			a.apologise()
		}
	}
	a.hangUp()
	a.conclude()
}

// picked notes that somebody has picked up.
func (a *attempt) picked() {
	a.floor.advance(a.rec.ID, pacing.Waiting)
	a.count(ledger.Answered)
}

// lost notes that nobody was there for who has picked up. That somebody had the call
// ended is none of pacing's making.
func (a *attempt) lost() {
	a.count(ledger.Abandoned)
	if !a.stopped {
		a.floor.abandoned(a.rec.ID)
	}
}

// count has the abandonment ledger count what became of the call.
func (a *attempt) count(what ledger.Verdict) {
	a.ledger.Count(ledger.Entry{Campaign: a.rec.Campaign, Attempt: a.rec.ID, Verdict: what, Answered: a.rec.Marks.Answered})
}

// giveUp asks to give the call up while nobody has answered. It may be called from any
// goroutine.
func (a *attempt) giveUp() {
	select {
	case a.quit <- struct{}{}:
	default: // it is asked for already
	}
}

// ring sends the INVITE over the line and waits for what becomes of it: an answer,
// whose session description it returns, or a failure.
func (a *attempt) ring(ctx context.Context, id string) (answer []byte, failure *sip.Failure) {
	a.show(api.CallDialing)
	a.floor.dialed(a.rec.ID, a.called, a.giveUp)
	leg, err := dialLeg(ctx, a.line.trunk.Trunk, a.audio, sip.Invite{
		ID: id, To: a.rec.Number, CallerID: a.rec.CallerID, RingTimeout: a.terms.ringTimeout,
	}, nil)
	a.line.begun()
	if err != nil {
		a.log.Error("cannot place the call", "trunk", a.rec.Trunk, "error", err)
		class := sip.TrunkFailure
		if errors.Is(err, sip.ErrTarget) {
			class = sip.InvalidNumber
		}
		return nil, &sip.Failure{Class: class, Phrase: err.Error(), Err: err, Elsewhere: !errors.Is(err, sip.ErrClosed)}
	}
	a.leg = leg
	stop := a.stop
	for {
		select {
		case ev, open := <-leg.call.Events():
			if !open {
				return nil, &sip.Failure{Class: sip.TrunkFailure, Err: errors.New("the call ended without an answer")}
			}
			switch ev := ev.(type) {
			case sip.SessionAnswer:
				a.renew(ev)
			case sip.Progress:
				a.progress(ev)
			case sip.Answered:
				a.rec.Marks.Answered, a.rec.SIPStatus = ev.At, 200
				return ev.Body, nil
			case sip.Failed:
				return nil, &ev.Failure
			}
		case by := <-stop:
			a.rec.HungUpBy, a.stopped, stop = by, true, nil
			leg.call.Hangup(sip.CauseNormal)
		case <-a.quit:
			if len(leg.call.Events()) > 0 {
				a.giveUp() // it may be the answer: first things first
				continue
			}
			a.rec.HungUpBy, a.rec.GivenUp = cdr.Ringpace, true
			leg.call.Hangup(sip.CauseNormal)
		case <-ctx.Done():
			a.rec.HungUpBy, a.stopped, stop = cdr.Ringpace, true, nil
			leg.call.Hangup(sip.CauseNormal)
			ctx = context.Background() // what comes of the CANCEL still counts
		}
	}
}

// pickedUp takes the answer, and reports whether there is somebody to talk to. A
// person who picked up and whom we cannot hear or be heard by has been abandoned,
// whoever's fault that is: they must not be called again at once.
func (a *attempt) pickedUp(description []byte) bool {
	if len(description) == 0 && a.described {
		return true // it stands as the provisional response had it
	}
	if err := a.leg.accept(description); err != nil {
		a.log.Warn("the answer cannot be used", "error", err)
		a.rec.Outcome, a.rec.HungUpBy, a.rec.SIPReason = cdr.Abandoned, cdr.Ringpace, "answered without audio that we can use: "+err.Error()
		a.lost()
		return false
	}
	return true
}

// progress takes a provisional response.
func (a *attempt) progress(p sip.Progress) {
	m := &a.rec.Marks
	if m.FirstProvisional.IsZero() {
		m.FirstProvisional = p.At
	}
	if m.Ringing.IsZero() && p.Status >= 180 {
		m.Ringing = p.At
		a.floor.advance(a.rec.ID, pacing.Ringing)
		a.show(api.CallRinging)
	}
	if len(p.Body) == 0 {
		return
	}
	if err := a.leg.accept(p.Body); err != nil {
		a.log.Debug("early media cannot be used", "error", err)
		return
	}
	a.described = true
	if m.EarlyMedia.IsZero() {
		m.EarlyMedia = p.At
	}
}

// fail takes the failure of the last INVITE. Whoever picked up as we gave the call up was
// hung up on, and has been abandoned as others whom nobody was there for.
func (a *attempt) fail(f sip.Failure) {
	a.rec.Outcome = outcomeOf(f)
	a.rec.SIPStatus, a.rec.SIPReason, a.rec.Q850 = f.Status, phraseOf(f), f.Q850
	if f.Crossed() {
		a.rec.Outcome, a.rec.HungUpBy = cdr.Abandoned, cmp.Or(a.rec.HungUpBy, cdr.Ringpace)
		a.rec.Marks.Answered = time.Now()
		a.picked()
		a.lost()
	}
	a.over = true
}

// seekAgent finds an agent for the customer who has answered, and returns the
// bridge, or nil where no agent came in time, the customer did not wait, or the
// call was stopped.
//
// The time runs from the answer. Where speech is heard it runs anew from its start, or
// from the end of the greeting, as far as the campaign's law counts from there.
func (a *attempt) seekAgent() *media.Bridge {
	if a.stopped || a.rec.GivenUp {
		a.rec.Outcome = cdr.Abandoned // they picked up while we were hanging up
		return nil
	}
	m := &a.rec.Marks
	patience := time.NewTimer(time.Until(a.terms.patience(m)))
	defer patience.Stop()

	claim := &waiter{}
	if a.preview != nil {
		a.bring(a.preview.who, nil)
	} else {
		claim = a.floor.claim(a.rec.Campaign)
		a.rec.Queued = len(claim.got) == 0
	}
	defer func() {
		if who := a.floor.giveUp(claim); who != nil {
			who.post(who.returned)
		}
	}()
	for {
		var joined <-chan *media.Bridge
		if a.talk != nil {
			joined = a.talk.joined
		}
		select {
		case who := <-claim.got:
			a.floor.met(a.rec.ID, true)
			a.bring(who, nil)
		case bridge := <-joined:
			if bridge != nil {
				return bridge
			}
			a.talk, a.rec.Agent, m.AgentClaimed = nil, "", time.Time{}
			a.floor.met(a.rec.ID, false)
			claim = a.floor.claim(a.rec.Campaign)
		case at := <-a.speech.Started():
			m.SpeechStart = a.heardAt(at)
			patience.Reset(time.Until(a.terms.patience(m)))
		case at := <-a.speech.GreetingEnd():
			m.GreetingEnd = a.heardAt(at)
			patience.Reset(time.Until(a.terms.patience(m)))
		case ev, open := <-a.leg.call.Events():
			if a.ended(ev, open) {
				a.rec.Outcome = cdr.Abandoned // answered, and nobody was there: it counts, though they did not wait
				return nil
			}
		case by := <-a.stop:
			a.rec.Outcome, a.rec.HungUpBy, a.stopped = cdr.Abandoned, by, true
			return nil
		case <-patience.C:
			if len(joined) > 0 {
				continue // the agent was quicker
			}
			a.rec.Outcome, a.rec.HungUpBy = cdr.Abandoned, cdr.Ringpace
			return nil
		}
	}
}

// apologise plays the message that is owed to a person for whom no agent is there.
func (a *attempt) apologise() {
	a.unbring()
	if a.terms.message == nil || a.over || a.stopped {
		return
	}
	a.show(api.CallMessage)
	a.rec.Message = a.terms.messageName
	wait(&a.customer, a.leg.audio.Play(a.terms.message, false).Done())
}

// hangUp ends the call, gives the trunk's channel back and ends a preview of which
// nothing came.
func (a *attempt) hangUp() {
	switch a.rec.Outcome {
	case cdr.TrunkFailure, cdr.Congestion:
		a.floor.failed(a.rec.ID)
	}
	a.close(a.line.release)
	if p := a.preview; p != nil && a.talk == nil {
		refused, status := a.rec.Marks.Answered.IsZero() && !a.stopped, a.rec.SIPStatus
		p.who.post(func() {
			if refused && p.who.preview == p {
				p.who.hearFailure(status)
			}
			p.who.unlook(p)
		})
	}
}

// conclude waits for the agent's wrap-up and hands the record to the store, which
// keeps it whatever becomes of Redis.
func (a *attempt) conclude() {
	promised := a.wrappedUp()
	if what, said := a.terms.classes[a.rec.Disposition]; said && a.rec.Outcome == cdr.Person {
		a.rec.Outcome = what // the agent has heard that it was none
	}
	next := nextOf(gate.Next(a.terms.policy, &a.lead, &a.rec, time.Now()), promised)
	next.Remember = a.cfg.Inbound.Remember
	a.rec.Marks = a.rec.Marks.Steady()
	if err := a.store.Finish(a.rec, next); err != nil {
		a.log.Error("the record is kept in memory only: the journal cannot be written", "error", err)
	}
	a.tally.ended(a.rec.Outcome)
	a.metrics.AttemptEnded(a.rec)
	a.show("")
}
