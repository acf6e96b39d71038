package dialer

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/media"
	"ringpace/media/detect"
	"ringpace/media/record"
	"ringpace/pacing"
	"ringpace/sip"
)

// terms are what a campaign's configuration says about one attempt, as it was when
// the attempt began.
type terms struct {
	ringTimeout  time.Duration
	abandonAfter time.Duration
	goodbye      time.Duration
	message      *media.Prompt // nil where none is played
	messageName  string
	dispositions []string
	policy       gate.Policy
}

// attempt is the actor of one call to one lead, from the INVITE to the call detail
// record: one goroutine (run) owns it. The store knows the attempt already when
// run begins, so whatever happens to this process it ends in a record.
type attempt struct {
	*equipment
	tally  *tally
	terms  terms
	cfg    *config.Campaign // as it was when the attempt began
	trunks *trunks
	lead   lead.Lead
	line   *line          // the trunk, one of whose channels is held
	audio  *media.Session // of the customer's leg
	// preview is what an agent saw before the call, which is for them; nil in every
	// other mode.
	preview *preview
	log     *slog.Logger

	status atomic.Pointer[api.CallStatus]
	stop   chan cdr.Party // asks for the end of the call, now

	// ---
	rec       cdr.Record
	leg       *leg
	over      bool // the far side has ended the customer's leg
	stopped   bool // somebody wants the call to end now
	described bool // the far side has told where it takes audio
	recording *record.Recording
	speech    *detect.SpeechStart
	untap     []func()
	talk      *talk
	callback  time.Time // the agent promised to call again then
}

// run makes the call. It ends when the call is over and the agent's wrap-up with
// it.
func (a *attempt) run(ctx context.Context) {
	if a.place(ctx) {
		a.listen()
		bridge := a.seekAgent()
		a.floor.landed(a.rec.ID)
		if bridge != nil {
			a.converse(bridge)
		} else {
			a.apologise()
		}
	}
	a.hangUp()
	a.conclude()
}

// end asks for the end of the call, now. It may be called from any goroutine.
func (a *attempt) end(by cdr.Party) {
	select {
	case a.stop <- by:
	default: // it is asked for already
	}
}

// show publishes the state of the attempt.
func (a *attempt) show(state api.CallState) {
	s := &api.CallStatus{
		ID: a.rec.ID, Campaign: a.rec.Campaign, LeadID: a.rec.LeadID, Number: a.rec.Number, CallerID: a.rec.CallerID,
		Trunk: a.rec.Trunk, State: state, Agent: a.rec.Agent,
		StartedAt: a.rec.Marks.Claimed, AnsweredAt: a.rec.Marks.Answered,
	}
	if !a.rec.Marks.Invite.IsZero() {
		s.StartedAt = a.rec.Marks.Invite
	}
	a.status.Store(s)
	a.feed.Publish(api.Event{Kind: api.EventCall, Call: &api.CallEvent{
		CallStatus: *s, Over: state == "", Outcome: string(a.rec.Outcome),
	}})
}

// ring sends the INVITE over the line and waits for what becomes of it: an answer,
// whose session description it returns, or a failure.
func (a *attempt) ring(ctx context.Context, id string) (answer []byte, failure *sip.Failure) {
	a.show(api.CallDialing)
	leg, err := dialLeg(ctx, a.line.trunk.Trunk, a.audio, sip.Invite{
		ID: id, To: a.rec.Number, CallerID: a.rec.CallerID, RingTimeout: a.terms.ringTimeout,
	}, nil)
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

// renew takes the far side's answer to an offer that it had asked us for.
func (a *attempt) renew(ev sip.SessionAnswer) {
	if err := a.leg.accept(ev.Body); err != nil {
		a.log.Warn("a session answer cannot be used", "error", err)
	}
}

func (a *attempt) fail(f sip.Failure) {
	a.rec.Outcome = outcomeOf(f)
	a.rec.SIPStatus, a.rec.SIPReason, a.rec.Q850 = f.Status, phraseOf(f), f.Q850
	a.over = true
}

// listen begins to record and to listen for speech.
func (a *attempt) listen() {
	a.speech = detect.NewSpeechStart(detect.SpeechConfig{})
	a.untap = append(a.untap, a.leg.audio.AddTap(a.speech))
	a.floor.advance(a.rec.ID, pacing.Waiting)
	a.show(api.CallAnswered)
	if a.recorder != nil {
		rec, err := a.recorder.Start(record.Meta{
			ID: a.rec.ID, Campaign: a.rec.Campaign, Number: a.rec.Number, LeadID: a.rec.LeadID,
			Start: a.rec.Marks.Answered, Codec: a.leg.audio.Codec(),
		})
		if err != nil {
			a.log.Error("the call is not recorded", "error", err)
		} else {
			a.recording = rec
			a.rec.Recording = &cdr.Recording{} // there is one, whatever becomes of this process
			a.untap = append(a.untap, a.leg.audio.AddTap(rec.Customer()))
		}
	}
	a.remember()
}

// remember lets the journal know how far the attempt has come, so that a record
// written after a crash tells it.
func (a *attempt) remember() {
	if err := a.store.Progress(a.rec); err != nil {
		a.log.Error("the journal does not take marks", "error", err)
	}
}

// seekAgent finds an agent for the customer who has answered, and returns the
// bridge, or nil where no agent came in time, the customer did not wait, or the
// call was stopped.
//
// The time runs from the answer; where speech is heard it runs anew from its start
// (the abandonment rules count from the person's greeting).
func (a *attempt) seekAgent() *media.Bridge {
	if a.stopped {
		a.rec.Outcome = cdr.Abandoned // they picked up while we were hanging up
		return nil
	}
	m := &a.rec.Marks
	patience := time.NewTimer(time.Until(m.Answered.Add(a.terms.abandonAfter)))
	defer patience.Stop()

	claim := &waiter{}
	if a.preview != nil {
		a.bring(a.preview.who)
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
			a.bring(who)
		case bridge := <-joined:
			if bridge != nil {
				return bridge
			}
			a.talk, a.rec.Agent, m.AgentClaimed = nil, "", time.Time{}
			claim = a.floor.claim(a.rec.Campaign)
		case m.SpeechStart = <-a.speech.Started():
			patience.Reset(time.Until(m.SpeechStart.Add(a.terms.abandonAfter)))
		case m.GreetingEnd = <-a.speech.GreetingEnd():
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

// bring hands the customer to an agent.
func (a *attempt) bring(who *agent) {
	t := newTalk(a.leg.audio)
	t.call = api.AgentCall{
		ID: a.rec.ID, Campaign: a.rec.Campaign, Number: a.rec.Number,
		AnsweredAt: a.rec.Marks.Answered, Dispositions: a.terms.dispositions,
	}
	t.lead = viewOf(a.rec.Campaign, &a.lead)
	if a.recording != nil {
		t.tap = a.recording.Agent
	}
	a.talk, a.rec.Agent, a.rec.Marks.AgentClaimed = t, who.id, time.Now()
	who.take(t)
}

// converse lasts as long as customer and agent are joined, and the goodbye after
// it.
func (a *attempt) converse(bridge *media.Bridge) {
	a.tally.connected()
	a.show(api.CallBridged)
	m := &a.rec.Marks
	first := bridge.FirstSent()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for {
		select {
		case at := <-first:
			m.AgentAudio, first = at, nil
			a.remember()
		case m.SpeechStart = <-a.speech.Started():
		case m.GreetingEnd = <-a.speech.GreetingEnd():
		case ev, open := <-a.leg.call.Events():
			if a.ended(ev, open) {
				m.TalkEnded = m.Ended
				a.rec.Outcome = cdr.Person
				return
			}
		case by := <-a.talk.parted:
			m.TalkEnded = time.Now()
			a.rec.Outcome, a.rec.HungUpBy = cdr.Person, by
			a.sayGoodbye()
			return
		case by := <-a.stop:
			m.TalkEnded = time.Now()
			a.rec.Outcome, a.rec.HungUpBy = cdr.Person, by
			return
		case <-watch.C:
			if a.leg.silentFor(a.mediaTimeout, m.Answered) {
				a.log.Warn("no audio comes from the customer any more")
				m.TalkEnded = time.Now()
				a.rec.Outcome, a.rec.HungUpBy = cdr.Person, cdr.Network
				return
			}
		}
	}
}

// sayGoodbye keeps the customer's line quiet for a while before it is hung up: a
// click in the ear is no way to part.
func (a *attempt) sayGoodbye() {
	a.show(api.CallGoodbye)
	a.remember()
	wait(a, time.After(a.terms.goodbye))
}

// apologise plays the message that is owed to a person for whom no agent is there.
func (a *attempt) apologise() {
	if a.talk != nil {
		close(a.talk.over)
		a.talk, a.rec.Agent = nil, ""
	}
	if a.terms.message == nil || a.over || a.stopped {
		return
	}
	a.show(api.CallMessage)
	a.rec.Message = a.terms.messageName
	wait(a, a.leg.audio.Play(a.terms.message, false).Done())
}

// wait lasts until done, or until the call is over or to be ended.
func wait[T any](a *attempt, done <-chan T) {
	for {
		select {
		case <-done:
			return
		case ev, open := <-a.leg.call.Events():
			if a.ended(ev, open) {
				return
			}
		case <-a.stop:
			a.stopped = true
			return
		}
	}
}

// ended takes an event of an answered call, and reports whether the call is over.
func (a *attempt) ended(ev sip.Event, open bool) bool {
	end, ok := ev.(sip.Ended)
	if open && !ok {
		if answer, ok := ev.(sip.SessionAnswer); ok {
			a.renew(answer)
		}
		return false
	}
	a.over = true
	a.rec.Marks.Ended = time.Now()
	if ok {
		a.rec.Marks.Ended, a.rec.Q850 = end.At, end.Q850
	}
	if a.rec.HungUpBy == "" {
		a.rec.HungUpBy = cdr.Customer
		if !ok || end.Err != nil {
			a.rec.HungUpBy = cdr.Network
		}
	}
	return true
}

// hangUp ends the customer's leg, unless they have done so, and all that hangs on
// it: the trunk's channel, the recording, the agent's part.
func (a *attempt) hangUp() {
	a.floor.landed(a.rec.ID)
	if a.rec.Marks.Ended.IsZero() {
		a.rec.Marks.Ended = time.Now()
	}
	if a.recording != nil {
		a.recording.End(a.rec.Marks.Ended)
	}
	if a.leg != nil {
		for _, remove := range a.untap {
			remove()
		}
		a.rec.Customer = a.leg.figures()
		a.leg.drop(sip.CauseNormal)
	}
	a.line.release()
	switch p := a.preview; {
	case a.talk != nil:
		close(a.talk.over)
		a.show(api.CallWrapUp)
	case p != nil:
		p.who.post(func() { p.who.unlook(p) })
	}
	a.closeRecording()
}

func (a *attempt) closeRecording() {
	if a.recording == nil {
		return
	}
	if a.talk == nil && !a.keepUnbridged {
		if err := a.recording.Discard(); err != nil {
			a.log.Error("cannot remove a recording that is not kept", "error", err)
		}
		a.rec.Recording = nil
		return
	}
	sum, err := a.recording.Close()
	if err != nil {
		a.log.Error("the recording is not whole", "error", err)
	}
	a.rec.Recording = recordingOf(sum)
}

// conclude waits for the agent's wrap-up and hands the record to the store, which
// keeps it whatever becomes of Redis.
func (a *attempt) conclude() {
	if a.talk != nil {
		a.remember()
		w := <-a.talk.wrapped
		a.rec.Disposition, a.rec.Note, a.rec.AgentLeg = w.disposition.Name, w.disposition.Note, w.leg
		a.rec.Marks.WrappedUp = time.Now()
		a.callback = w.disposition.Callback
	}
	plan := gate.Next(a.terms.policy, &a.lead, &a.rec, time.Now())
	if err := a.store.Finish(a.rec, nextOf(plan, a.callback)); err != nil {
		a.log.Error("the record is kept in memory only: the journal cannot be written", "error", err)
	}
	a.tally.ended(a.rec.Outcome)
	a.metrics.AttemptEnded(a.rec)
	a.show("")
}
