package sip

import (
	"context"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

const (
	mailboxSize = 64 // messages on their way to a call
	eventBuffer = 64 // events that nobody has read yet
	finalEvents = 4  // of these, kept free for Answered, SessionAnswer, Failed and Ended
	maxForks    = 16 // early dialogs of one INVITE that are told apart
)

// Call is one call, out ([Trunk.Invite]) or in ([Incoming.Answer]).
type Call struct {
	e        *Endpoint
	id       string
	callID   string
	localTag string
	outgoing bool // we own the Call-ID

	events   chan Event
	mail     chan any // *sipgo.Response (1xx, 2xx to INVITE), *sipgo.Request (ACK), incomingRequest
	hang     chan Cause
	changes  chan *change
	asks     chan func()   // work for the call's goroutine
	proved   chan struct{} // see Confirmed
	done     chan struct{} // closed when the goroutine has taken its last message
	hangup   sync.Once
	arrivals arrivals // requests on their way to mail

	// Everything below belongs to the call's goroutine.

	onOffer OnOffer
	policy  Policy
	auth    *authenticator
	d       *dialog        // the confirmed dialog, nil before
	ack     *sipgo.Request // our latest ACK to a 2xx, sent again when that comes again

	branches map[string]*branch // the INVITEs of an outgoing call, by Via branch
	early    map[string]*fork   // its early dialogs, by To tag

	unACKed       *unACKed              // of a call that came in, among those of its trunk; nil: not counted
	out           *clientInvite         // our re-INVITE in progress
	in            *serverInvite         // their INVITE or re-INVITE, answered with 2xx, not yet ACKed
	acks          <-chan *sipgo.Request // where sipgo waits with ACKs that we have had already
	timer         *sessionTimer         // nil: the session does not expire
	leastInterval uint32                // of the session timer, in seconds, as the far side demanded by 422
	referrals     []*Referral           // transfers that the far side has asked for, but for those that are over
	referred      bool                  // there was one
	lost          uint32                // CSeq number of our re-INVITE that was given up without a response; 0: none
	after         *afterlife            // set by finish, if there are any
	rseqs         []uint32              // reliable responses of ours that may still be acknowledged
	ended         bool                  // Ended has been emitted; only the last messages are left
}

func (e *Endpoint) newCall(id, callID, localTag string, onOffer OnOffer, policy Policy, auth *authenticator) *Call {
	return &Call{
		e: e, id: id, callID: callID, localTag: localTag, onOffer: onOffer, policy: policy, auth: auth,
		events:  make(chan Event, eventBuffer),
		mail:    make(chan any, mailboxSize),
		hang:    make(chan Cause, 1),
		changes: make(chan *change),
		asks:    make(chan func()),
		proved:  make(chan struct{}),
		done:    make(chan struct{}),
	}
}

// ID is the attempt's id, for an outgoing call; for an incoming one its Call-ID.
func (c *Call) ID() string { return c.id }

// Events returns the call's events: Progress and SessionAnswer as they come, then
// exactly one of Answered and Failed; after Answered Digit, SessionAnswer and Referred
// as they come, then exactly one Ended; then the channel is closed. An incoming
// call begins after Answered, which it does not send.
func (c *Call) Events() <-chan Event { return c.events }

// Confirmed is closed once both sides hold the call for answered: for a call that came
// in, when the ACK to our answer is there. That proves that whoever sent the INVITE gets
// what we send, which a forged source address does not: until then the INVITE is nobody's
// word.
func (c *Call) Confirmed() <-chan struct{} { return c.proved }

// Done is closed when the call is over: nothing is added to its Events any more.
func (c *Call) Done() <-chan struct{} { return c.done }

// Hangup ends the call: CANCEL before the answer, BYE after it. It returns at
// once, and only the first of several does anything. The cause goes into the
// Reason header.
func (c *Call) Hangup(cause Cause) {
	c.hangup.Do(func() { c.hang <- cause })
}

// emit reports an event. Progress and Digit events that nobody reads are dropped
// before the channel is full, so that emit never blocks.
func (c *Call) emit(ev Event) {
	switch ev.(type) {
	case Progress, Digit, Notified:
		if len(c.events) >= eventBuffer-finalEvents {
			c.e.count.dropped.Add(1)
			return
		}
	}
	select {
	case c.events <- ev:
	default: // SessionAnswers without end, unread
		c.e.count.dropped.Add(1)
	}
}

// offer puts a message into the mailbox, or drops it: the far side will send it
// again. A flood of provisional responses leaves room for the rest. For the
// goroutine that reads the socket.
func (c *Call) offer(m any) {
	if res, ok := m.(*sipgo.Response); ok && res.IsProvisional() && len(c.mail) > mailboxSize*3/4 {
		c.e.count.dropped.Add(1)
		return
	}
	select {
	case c.mail <- m:
		c.drainEnded()
	default:
		c.e.count.dropped.Add(1)
	}
}

// deliver puts a request into the mailbox, or answers that the call is gone.
func (c *Call) deliver(m incomingRequest) {
	select {
	case c.mail <- m:
		c.drainEnded()
	case <-c.done:
		c.e.refuse(m.tx, m.req, 481, "Call/Transaction Does Not Exist")
	}
}

// drainEnded is drain for who puts something into the mailbox: the call may have come to
// its end in between.
func (c *Call) drainEnded() {
	select {
	case <-c.done:
		c.drain()
	default:
	}
}

// drain answers what nobody will take up any more.
func (c *Call) drain() {
	for {
		select {
		case m := <-c.mail:
			switch m := m.(type) {
			case incomingRequest:
				c.e.refuse(m.tx, m.req, 481, "Call/Transaction Does Not Exist")
			case *sipgo.Response:
				c.e.silence(m)
			}
		default:
			return
		}
	}
}

// finish is the last deed of the call's goroutine.
func (c *Call) finish() {
	c.leaveReferrals()
	c.unACKed.settle()
	c.e.remove(c)
	close(c.done)
	c.drain()
	close(c.events)
}

// confirmed runs the call from the answer to the end of its dialog. since is when
// the dialog was answered.
func (c *Call) confirmed() {
	var (
		byeDone  chan struct{} // closed when our BYE is answered
		wantEnd  bool          // hang up as soon as that is allowed
		endCause Cause
		closing  = c.e.closing
	)
	hangup := func(cause Cause) {
		if wantEnd || c.ended {
			return
		}
		wantEnd, endCause = true, cause
	}
	for {
		// RFC 3261 section 15: the called side must not send BYE before the ACK has
		// come, or cannot come any more.
		if wantEnd && !c.ended && (c.in == nil || !c.in.initial) {
			c.endByUs(endCause, nil)
			byeDone = c.startBye(endCause)
		}
		if c.ended && byeDone == nil {
			return
		}
		select {
		case m := <-c.mail:
			c.take(m)
		case <-c.acks: // of an ACK with the INVITE's branch (RFC 2543); receive has it
		case cause := <-c.hang:
			hangup(cause)
		case <-closing:
			closing = nil
			hangup(CauseShutdown)
		case <-c.e.dead:
			c.endByUs(CauseShutdown, ErrClosed)
			return
		case ch := <-c.changes:
			c.startChange(ch)
		case f := <-c.asks:
			f()
		case <-c.timer.due():
			c.refreshSession()
		case <-c.timer.expired():
			// RFC 4028 section 10: nobody has refreshed the session in time.
			c.stopTimer()
			if !c.ended && !wantEnd {
				c.endByUs(CauseTimer, ErrExpired)
				byeDone = c.startBye(CauseTimer)
			}
		case <-c.in.again():
			c.in.retransmit()
		case <-c.unACKed.displaced():
			c.unACKed = nil
			c.in.giveUp()
		case <-c.in.expired():
			// RFC 3261 section 13.3.1.4: no ACK in 64*T1, the session is ended by BYE.
			c.in.stop()
			c.unACKed.settle()
			c.in, c.unACKed = nil, nil
			if !c.ended && !wantEnd {
				c.endByUs(CauseInterworking, ErrNoACK)
				byeDone = c.startBye(CauseInterworking)
			}
		case end := <-c.out.ends():
			c.changeEnded(end)
		case <-c.out.abandoned():
			c.out.cancel()
		case <-c.out.overdue():
			c.out.cancel()
		case <-byeDone:
			return
		}
	}
}

// startBye sends BYE on a copy of the dialog, while the call goes on taking what
// crosses it. What it returns is closed when that is answered.
func (c *Call) startBye(cause Cause) chan struct{} {
	done := make(chan struct{})
	c.e.startBYE(c.d.clone(), cause, c.auth.fresh(), func(err error) {
		if err != nil {
			c.e.log.Warn("sip: BYE failed; the far side may think that the call is up", "call", c.id, "error", err)
		}
		close(done)
	})
	return done
}

// endByUs emits the end of the call by our decision.
func (c *Call) endByUs(cause Cause, err error) {
	if c.ended {
		return
	}
	f := Failure{Phrase: cause.String(), Q850: int(cause), Err: err}
	if cause == 0 {
		f.Q850 = int(CauseNormal)
	}
	if err != nil {
		f.Class = TrunkFailure
	}
	c.end(Ended{At: time.Now(), ByUs: true, Failure: f})
}

// end emits Ended, once, and fails what waits for the dialog.
func (c *Call) end(ev Ended) {
	if c.ended {
		return
	}
	c.ended = true
	c.stopTimer()
	if c.out != nil {
		c.out.change.reply(nil, ErrEnded)
	}
	c.emit(ev)
}

// take handles one message in the confirmed dialog.
func (c *Call) take(m any) {
	switch m := m.(type) {
	case *sipgo.Response:
		c.takeResponse(m)
	case *sipgo.Request:
		c.takeACK(m)
	case incomingRequest:
		c.takeRequest(m)
	}
}

// takeResponse handles a 1xx or 2xx to an INVITE of ours, initial or not.
func (c *Call) takeResponse(res *sipgo.Response) {
	seq := res.CSeq().SeqNo
	if c.out != nil && seq == c.out.seq && branchOf(res) == c.out.branch {
		if res.IsSuccess() {
			c.changeAccepted(res)
		}
		return
	}
	if res.IsProvisional() {
		c.e.silence(res)
	}
	if !res.IsSuccess() || !c.e.signer.ownBranch(branchOf(res), c.callID, c.localTag) {
		return
	}
	if toTag(res) != c.d.remoteTag() {
		// A second fork answered too (RFC 3261 section 13.2.2.4).
		c.disown(c.branches[branchOf(res)], res)
		return
	}
	if c.ack != nil && c.ack.CSeq().SeqNo == seq {
		c.e.count.retransmitted.Add(1)
		c.sendACK()
		return
	}
	c.takeLateAnswer(res)
}

// disown ends the call behind a 2xx that is not ours to keep. b is the branch that it
// answers, nil if that is forgotten.
func (c *Call) disown(b *branch, res *sipgo.Response) {
	var invite *sipgo.Request
	if b != nil {
		invite = b.req
	}
	var early *dialog
	if f := c.early[toTag(res)]; f != nil {
		early = f.dialog.clone()
	}
	auth := c.auth.fresh()
	c.e.work.Go(func() { c.e.disown(res, invite, early, auth) })
}

// takeRequest handles a request inside the confirmed dialog.
func (c *Call) takeRequest(m incomingRequest) {
	req, tx := m.req, m.tx
	if fromTag(req) != c.d.remoteTag() {
		c.e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if !c.inOrder(c.d, m) {
		return
	}
	if req.Method == sipgo.BYE {
		c.e.respond(tx, c.e.response(req, 200, "OK", nil))
		c.end(Ended{At: time.Now(), Failure: failureOf(req)})
		return
	}
	if c.ended {
		c.e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	switch req.Method {
	case sipgo.INVITE:
		c.takeReinvite(m)
	case sipgo.UPDATE:
		c.takeUpdate(m)
	case sipgo.PRACK:
		c.takeLatePRACK(m)
	case sipgo.REFER:
		c.takeRefer(m)
	case sipgo.NOTIFY:
		c.takeNotify(m)
	case sipgo.INFO:
		c.takeInfo(req, tx)
	case sipgo.OPTIONS:
		c.e.respond(tx, c.e.options(req, &c.policy))
	default:
		c.e.refuse(tx, req, 405, "Method Not Allowed")
	}
}

// failureOf is what a BYE or CANCEL says about itself.
func failureOf(req *sipgo.Request) Failure {
	r := reasons(req)
	return Failure{Q850: header.Q850(r), Phrase: reasonText(r)}
}

// reasonText returns the text of the first reason that has one.
func reasonText(reasons []header.Reason) string {
	for _, r := range reasons {
		if r.Text != "" {
			return r.Text
		}
	}
	return ""
}

// Reinvite offers a changed session to the far side and returns its answer: by
// re-INVITE or, before the call is answered, by UPDATE (RFC 3311) as soon as the early
// dialog allows it. When the far side is doing the same (491), it tries again after
// the pause of RFC 3261 section 14.1, until ctx is done.
func (c *Call) Reinvite(ctx context.Context, offer []byte) (answer []byte, err error) {
	return c.change(ctx, offer)
}
