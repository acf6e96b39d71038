package sip

import (
	"context"
	"errors"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/identity"
	"ringpace/sip/wire"
)

// setup is an outgoing call up to its answer or failure.
type setup struct {
	*Call
	outlet outlet
	inv    Invite
	to     string
	from   identity.Caller

	seq        uint32     // CSeq number of the latest INVITE
	groups     [][]target // not tried yet
	open       int        // branches without a final response
	ends       chan inviteEnd
	redirects  []redirection   // not followed yet
	redirected map[string]bool // the Request-URIs of the call, once one was redirected
	found      <-chan search   // of a search for servers that is going on; nothing is open meanwhile
	find       func(targets func(context.Context) ([][]target, error))

	current *fork            // whose session is agreed already (RFC 3262)
	gone    map[string]Ended // by To tag: BYE came before the 2xx
	worst   *outcome         // the failure that is told if all fail: the most telling

	answered     bool // any response has come
	rang         bool
	wantCancel   bool
	cancelCause  Cause
	cancelClass  FailureClass
	cancelPhrase string
}

// fork is one early dialog: each To tag has its own (RFC 3261 section 12.1).
type fork struct {
	*dialog
	b    *branch
	rseq uint32 // the last RSeq that was acknowledged (RFC 3262), 0: none
}

// run is the call's goroutine.
func (s *setup) run(ctx context.Context) {
	defer s.finish()
	s.outlet.trial.begin()
	final := s.ring(ctx)
	s.outlet.trial.over(final)
	if final != nil {
		s.emit(*final)
		return
	}
	s.confirmed()
}

// search is what came of looking for the servers.
type search struct {
	groups [][]target
	err    error
}

// ring places the call and waits for the final response. It returns nil when the
// call is answered: then s.d is set, the ACK sent and Answered emitted.
func (s *setup) ring(ctx context.Context) *Failed {
	stopSearch := func() {}
	defer func() { stopSearch() }()
	s.find = func(targets func(context.Context) ([][]target, error)) {
		found := make(chan search, 1)
		s.found = found
		ctx, cancel := context.WithTimeout(ctx, wire.SendTimeout)
		stopSearch = cancel
		s.e.work.Go(func() {
			defer cancel()
			groups, err := targets(ctx)
			found <- search{groups, err}
		})
	}
	at := func(ctx context.Context) ([][]target, error) { return s.outlet.targets(ctx, s.outlet.uri(s.to)) }
	if s.outlet.near {
		groups, err := at(ctx)
		if failed := s.begin(search{groups, err}); failed != nil {
			return failed
		}
	} else {
		s.find(at)
	}
	ring := time.NewTimer(s.inv.RingTimeout)
	defer ring.Stop()
	ctxDone, closing := ctx.Done(), s.e.closing
	for {
		var failed *Failed
		var changes chan *change
		if s.current != nil && s.current.canUpdate() && !s.wantCancel {
			changes = s.changes
		}
		select {
		case ch := <-changes:
			s.update(s.current.dialog, ch)
		case f := <-s.asks:
			f()
		case found := <-s.found:
			s.found = nil
			failed = s.begin(found)
		case m := <-s.mail:
			if s.takeEarly(m) {
				return s.answer2xx()
			}
		case end := <-s.ends:
			// A failure that its transaction brings must not overtake what came before it.
			if s.takeQueued() {
				return s.answer2xx()
			}
			failed = s.branchEnded(end)
		case <-s.e.dead:
			return s.unanswered(ErrClosed)
		case cause := <-s.hang:
			s.cancelCall(cause, Cancelled, "Cancelled")
		case <-ctxDone:
			ctxDone = nil
			s.cancelCall(CauseNormal, Cancelled, "Cancelled")
		case <-closing:
			closing = nil
			s.cancelCall(CauseShutdown, Cancelled, "Cancelled: shutting down")
		case <-ring.C:
			s.cancelCall(CauseNoAnswer, NoAnswer, "No answer within "+s.inv.RingTimeout.String())
		}
		if failed != nil {
			return failed
		}
		if s.wantCancel && s.found != nil {
			return s.unanswered(nil) // nothing is open
		}
	}
}

// begin sends the INVITE to the first places.
func (s *setup) begin(found search) *Failed {
	if found.err != nil {
		s.note(outcome{Failure{
			Class: TrunkFailure, Phrase: "INVITE not sent", Err: found.err,
			Elsewhere: !s.rang && !errors.Is(found.err, ErrClosed),
		}})
	}
	s.groups = found.groups
	return s.goOn()
}

// tryNext sends the INVITE to the members of the next group (RFC 3261 section 16.5,
// RFC 3263 section 4.3). It returns a failure when there is none left.
func (s *setup) tryNext() *Failed {
	for len(s.groups) > 0 && s.open == 0 {
		group := s.groups[0]
		s.groups = s.groups[1:]
		s.seq++
		for _, at := range group {
			if err := s.send(at, s.outlet.auth()); err != nil {
				s.note(outcome{Failure{Class: TrunkFailure, Phrase: "INVITE not sent", Err: err, Elsewhere: true}})
			}
		}
	}
	if s.open > 0 {
		return nil
	}
	if s.worst == nil {
		s.note(outcome{Failure{Class: TrunkFailure, Phrase: "INVITE not sent", Err: ErrNoRoute, Elsewhere: true}})
	}
	return s.failed(s.worst.Failure)
}

// takeQueued takes what is in the mailbox, and reports whether a 2xx was there.
func (s *setup) takeQueued() bool {
	for {
		select {
		case m := <-s.mail:
			if s.takeEarly(m) {
				return true
			}
		default:
			return false
		}
	}
}

// takeEarly handles a message before the call is answered. It reports true when
// that was the 2xx that answers it; s.d is set then.
func (s *setup) takeEarly(m any) bool {
	switch m := m.(type) {
	case *sipgo.Response:
		b := s.branches[branchOf(m)]
		if b == nil || m.CSeq().SeqNo != b.seq() {
			return false
		}
		s.answered = true
		if !m.IsSuccess() {
			s.takeProvisional(b, m)
			return false
		}
		return s.takeSuccess(b, m)
	case incomingRequest:
		s.takeEarlyRequest(m)
	}
	return false
}

func (s *setup) takeProvisional(b *branch, res *sipgo.Response) {
	if b.ended {
		s.e.silence(res)
		return
	}
	b.heard = true
	if res.StatusCode == 100 {
		return
	}
	s.outlet.trial.good()
	if res.StatusCode >= 180 && res.StatusCode <= 183 {
		s.rang = true
	}
	f := s.earlyDialog(b, res)
	if f != nil && !s.acknowledge(f, res) {
		return // a reliable one that came again, or out of order
	}
	body, _ := session(res)
	if s.late() {
		body = nil // an offer, and answered already, or none
	}
	s.emit(Progress{At: time.Now(), Status: res.StatusCode, Phrase: res.Reason, Body: body})
}

// earlyDialog returns the dialog of a provisional response, nil when it has no tag.
func (s *setup) earlyDialog(b *branch, res *sipgo.Response) *fork {
	tag := toTag(res)
	if tag == "" {
		return nil
	}
	f, known := s.early[tag]
	if known {
		f.refresh(res)
		return f
	}
	if len(s.early) >= maxForks {
		return nil
	}
	d, err := s.e.newUACDialog(b.req, res, b.target.path)
	if err != nil {
		return nil
	}
	f = &fork{dialog: d, b: b}
	s.early[tag] = f
	return f
}

// takeSuccess handles a 2xx before any other: the first wins.
func (s *setup) takeSuccess(b *branch, res *sipgo.Response) bool {
	if s.wantCancel {
		// It crossed our CANCEL: nobody wants the call any more.
		s.disown(b, res)
		s.d = nil
		return true
	}
	p := b.target.path
	if source, err := wire.Source(res); err == nil {
		p.fallback = source
	}
	d, err := s.e.newUACDialog(b.req, res, p)
	if err != nil {
		s.e.log.Warn("sip: 2xx that makes no dialog", "call", s.id, "error", err)
		return false // the ring timeout ends it
	}
	if f := s.early[toTag(res)]; f != nil {
		d = f.confirm(d)
	} else if d.remoteTag() == "" {
		for _, f := range s.early {
			d.countOn(f.dialog) // whichever this one is
		}
	}
	s.d, s.auth = d, b.auth
	body, answer, err := s.conclude(res)
	s.ack = d.newACK(s.e, b.req, answer)
	s.sendACK()
	s.cancelOthers(b)
	s.takeInterval(res)
	s.emit(Answered{At: time.Now(), Body: body})
	close(s.proved)
	if ev, ok := s.gone[d.remoteTag()]; ok {
		s.end(ev)
	}
	if err != nil {
		s.e.log.Info("sip: offer in the answer refused", "call", s.id, "error", err)
		s.Hangup(CauseInterworking)
	}
	return true
}

// confirm makes a confirmed dialog of the early one: target and route set are those of
// the 2xx (RFC 3261 section 13.2.2.4), what was counted and agreed goes on.
func (f *fork) confirm(d *dialog) *dialog {
	early := *f.dialog
	*f.dialog = *d
	d = f.dialog
	d.countOn(&early)
	d.remoteSeq = early.remoteSeq
	d.localSDP, d.remoteSDP, d.agreed, d.offered = early.localSDP, early.remoteSDP, early.agreed, early.offered
	return d
}

// conclude ends the exchange of offer and answer with the 2xx. It returns the far
// side's description, and our answer for the ACK where the 2xx brings a late offer.
func (s *setup) conclude(res *sipgo.Response) (body, answer []byte, err error) {
	body, _ = session(res)
	d := s.d
	if d.agreed {
		// RFC 3261 section 13.2.1: what was agreed reliably stands, and the 2xx should
		// have no description.
		return d.remoteSDP, nil, nil
	}
	d.localSDP, d.remoteSDP, d.agreed = s.inv.Offer, body, true
	if s.late() {
		if body == nil {
			return nil, nil, errors.New("a 2xx without the offer that it owes")
		}
		answer, err = s.inv.OnLateOffer(body)
		d.localSDP = answer
	}
	return body, answer, err
}

// cancelOthers cancels what is still open beside a branch that has decided.
func (s *setup) cancelOthers(winner *branch) {
	for _, b := range s.branches {
		if b != winner && !b.ended {
			b.tx.cancel(completedElsewhere)
		}
	}
}

// answer2xx is the end of ring after a 2xx.
func (s *setup) answer2xx() *Failed {
	if s.d == nil {
		return s.cancelled(Failure{Status: 200, Err: errors.New("the answer crossed our CANCEL; it was ended with BYE")})
	}
	return nil
}

// cancelCall gives the call up.
func (s *setup) cancelCall(cause Cause, class FailureClass, phrase string) {
	if s.wantCancel {
		return
	}
	if cause == 0 {
		cause = CauseNormal
	}
	s.wantCancel, s.cancelCause, s.cancelClass, s.cancelPhrase = true, cause, class, phrase
	for _, b := range s.branches {
		if !b.ended {
			b.tx.cancel(cause.reason())
		}
	}
}

// branchEnded handles the end of one branch without a 2xx. It returns the end of
// the call, or nil when it goes on: the INVITE was sent again, or other branches are
// open.
func (s *setup) branchEnded(end inviteEnd) *Failed {
	b := s.branches[end.branch]
	b.ended = true
	s.open--
	if !s.wantCancel {
		s.outlet.trial.tried(b.target, end)
	}
	if end.res == nil {
		if b.heard && !s.wantCancel {
			s.e.cancel(b.req, completedElsewhere) // its first response crossed the end of our patience
		} else {
			s.e.silent.keep(b.req)
		}
		return s.branchUnanswered(end.err)
	}
	s.answered = true
	return s.refused(b, end.res)
}
