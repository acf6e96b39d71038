package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// Invite describes an outgoing call.
type Invite struct {
	ID          string // the attempt's id: Call-ID is ID@host. Empty: a random one.
	To          string // number in E.164, or extension
	CallerID    string // one of the trunk's, if it lists any; empty at a PBX peer: its username
	DisplayName string // default: the trunk's
	Offer       []byte // SDP
	Headers     []Header

	// RingTimeout bounds INVITE to final response; then the call is cancelled. It
	// must be above 0: nothing else ends a call that rings for ever.
	RingTimeout time.Duration

	OnOffer OnOffer // answers re-INVITE and UPDATE; nil: 488
}

// Invite calls. It returns at once; what comes of it is told by the call's events.
// An error means that nothing was sent: the target (ErrTarget), caller ID
// (ErrCallerID) or a header (ErrHeader) is not allowed, the id is in use, the
// endpoint is closed. When ctx ends before the answer, the call is cancelled;
// afterwards ctx has no effect.
func (t *Trunk) Invite(ctx context.Context, inv Invite) (*Call, error) {
	to, err := t.cfg.Identity.format(inv.To)
	if err != nil {
		return nil, err
	}
	if inv.CallerID == "" && len(t.cfg.Identity.CallerIDs) == 0 {
		inv.CallerID = t.cfg.Username
	}
	from, err := t.cfg.Identity.present(inv.CallerID, inv.DisplayName)
	if err != nil {
		return nil, fmt.Errorf("%w (trunk %s)", err, t.cfg.Name)
	}
	if err := checkHeaders(inv.Headers); err != nil {
		return nil, err
	}
	if inv.RingTimeout <= 0 {
		return nil, fmt.Errorf("%w: the ring timeout must be above 0", ErrConfig)
	}
	if inv.ID == "" {
		inv.ID = random(16)
	}
	if !isCallIDWord(inv.ID) {
		return nil, fmt.Errorf("%w: id %q cannot be part of a Call-ID", ErrHeader, clip(inv.ID, 64))
	}
	listen, _ := t.e.Addr(t.cfg.Transport) // checked in NewTrunk
	c := t.e.newCall(inv.ID, inv.ID+"@"+listen.Addr().String(), random(8), inv.OnOffer, t.authenticator())
	c.outgoing = true
	s := &setup{Call: c, trunk: t, inv: inv, to: to, from: from, seq: randomSeq(), early: map[string]*dialog{}}
	if err := t.e.add(c); err != nil {
		return nil, err
	}
	if !t.e.spawn(func() { s.run(ctx) }) {
		t.e.remove(c)
		return nil, ErrClosed
	}
	return c, nil
}

// setup is an outgoing call up to its final response.
type setup struct {
	*Call
	trunk *Trunk
	inv   Invite
	to    string
	from  presented

	path   path
	seq    uint32
	req    *sipgo.Request // the INVITE in progress
	tx     *inviteTx
	branch string
	early  map[string]*dialog // by To tag
	reli   map[string]uint32  // by To tag: the last RSeq that was acknowledged (RFC 3262)
	gone   map[string]Ended   // by To tag: BYE came before the 2xx

	answered     bool // any response has come
	provisional  bool // a 1xx has come: CANCEL may be sent
	rang         bool
	wantCancel   bool
	cancelSent   bool
	cancelCause  Cause
	cancelClass  FailureClass
	cancelPhrase string
	giveUp       *time.Timer // after CANCEL; stopped before
}

// run is the call's goroutine.
func (s *setup) run(ctx context.Context) {
	defer s.finish()
	final := s.ring(ctx)
	if final != nil {
		s.emit(*final)
		return
	}
	s.confirmed()
}

// ring places the call and waits for the final response. It returns nil when the
// call is answered: then s.d is set, the ACK sent and Answered emitted.
func (s *setup) ring(ctx context.Context) *Failed {
	if err := s.sendInvite(ctx); err != nil {
		f := Failure{Class: TrunkFailure, Phrase: "INVITE not sent", Err: err}
		if ctx.Err() != nil {
			f.Class = Cancelled
		}
		return s.failed(f)
	}
	ring := time.NewTimer(s.inv.RingTimeout)
	defer ring.Stop()
	s.giveUp = time.NewTimer(time.Hour)
	s.giveUp.Stop()
	defer s.giveUp.Stop()
	ctxDone, closing := ctx.Done(), s.e.closing
	for {
		select {
		case m := <-s.mail:
			if s.takeEarly(m) {
				return s.answer2xx()
			}
		case res := <-s.tx.refusal:
			if s.takeQueued() {
				return s.answer2xx()
			}
			if f := s.refused(ctx, res); f != nil {
				return f
			}
		case <-s.tx.failed:
			if s.takeQueued() {
				return s.answer2xx()
			}
			return s.unanswered(transactionError(s.req, s.tx.Err()))
		case <-s.e.dead:
			s.tx.Terminate()
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
		case <-s.giveUp.C:
			// The far side never ended the INVITE, although it was cancelled 64*T1 ago
			// (RFC 3261 section 9.1). A 2xx that still comes is ended as a stray.
			s.tx.Terminate()
			return s.cancelled(Failure{Err: fmt.Errorf("%w after CANCEL", ErrTimeout)})
		}
	}
}

// sendInvite sends the INVITE, the first time or again with credentials.
func (s *setup) sendInvite(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	p, server, err := s.trunk.locate(ctx)
	if err != nil {
		return err
	}
	s.path = p
	id, domain := &s.trunk.cfg.Identity, s.trunk.cfg.Domain
	s.seq++
	req := s.e.newRequest(sipgo.INVITE, s.trunk.uri(s.to), p, s.callID, s.localTag)
	routes := s.trunk.serviceRoutes()
	for i := range routes {
		req.AppendHeader(&sipgo.RouteHeader{Address: routes[i]})
	}
	req.AppendHeader(&sipgo.FromHeader{
		DisplayName: s.from.display, Address: id.uri(s.from.user, domain),
		Params: sipgo.HeaderParams{{K: "tag", V: s.localTag}},
	})
	req.AppendHeader(&sipgo.ToHeader{Address: id.uri(s.to, domain)})
	callID := sipgo.CallIDHeader(s.callID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: s.seq, MethodName: sipgo.INVITE})
	req.AppendHeader(&sipgo.ContactHeader{Address: contactURI(s.trunk.contactUser(), p)})
	for _, h := range id.headers(s.from, domain) {
		req.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	req.AppendHeader(sipgo.NewHeader("Allow", allow))
	for _, h := range s.inv.Headers {
		req.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	setBody(req, s.inv.Offer)
	if err := s.auth.authorize(req); err != nil {
		return err
	}
	if len(routes) > 0 {
		if server, err = s.e.locateURI(ctx, &routes[0], p); err != nil {
			return err
		}
	}
	address(req, p, server)
	tx, err := s.e.startInvite(ctx, req)
	if err != nil {
		return err
	}
	s.req, s.tx, s.branch = req, tx, branchOf(req)
	s.invite, s.provisional = req, false
	return nil
}

// takeQueued takes what is in the mailbox, and reports whether a 2xx was there.
// A failure that its transaction brings must not overtake what came before it.
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
		if branchOf(m) != s.branch || m.CSeq().SeqNo != s.seq {
			return false // to an INVITE before this one
		}
		s.answered = true
		if !m.IsSuccess() {
			s.takeProvisional(m)
			return false
		}
		return s.takeSuccess(m)
	case incomingRequest:
		s.takeEarlyRequest(m)
	}
	return false
}

func (s *setup) takeProvisional(res *sipgo.Response) {
	s.provisional = true
	if s.wantCancel && !s.cancelSent {
		s.sendCancel() // RFC 3261 section 9.1: it had to wait for this
	}
	if res.StatusCode == 100 {
		return
	}
	if res.StatusCode >= 180 && res.StatusCode <= 183 {
		s.rang = true
	}
	d := s.earlyDialog(res)
	if d != nil && !s.acknowledge(d, res) {
		return // a reliable one that came again, or out of order
	}
	body, _ := session(res)
	s.emit(Progress{At: time.Now(), Status: res.StatusCode, Phrase: res.Reason, Body: body})
}

// earlyDialog returns the dialog of a provisional response; each To tag is one of
// its own (RFC 3261 section 12.1, forking). nil when it has no tag.
func (s *setup) earlyDialog(res *sipgo.Response) *dialog {
	tag := toTag(res)
	if tag == "" {
		return nil
	}
	d, known := s.early[tag]
	if !known {
		if len(s.early) >= maxForks {
			return nil
		}
		var err error
		if d, err = s.e.newUACDialog(s.req, res, s.path); err != nil {
			return nil
		}
		s.early[tag] = d
	} else {
		d.refresh(res)
	}
	return d
}

// takeSuccess handles a 2xx before any other.
func (s *setup) takeSuccess(res *sipgo.Response) bool {
	if s.wantCancel {
		// It crossed our CANCEL: nobody wants the call any more.
		s.disown(res)
		s.d = nil
		return true
	}
	p := s.path
	if source, err := parseSource(res.Source()); err == nil {
		p.fallback = source
	}
	d, err := s.e.newUACDialog(s.req, res, p)
	if err != nil {
		s.e.log.Warn("sip: 2xx that makes no dialog", "call", s.id, "error", err)
		return false // the ring timeout ends it
	}
	if e := s.early[toTag(res)]; e != nil {
		d.localSeq, d.remoteSeq = e.localSeq, e.remoteSeq // PRACK and UPDATE have counted on
	}
	s.d = d
	s.ack = d.newACK(s.e, s.req, nil)
	s.e.sendACK(d, s.ack.Clone())
	body, _ := session(res)
	s.emit(Answered{At: time.Now(), Body: body})
	if ev, ok := s.gone[d.remoteTag()]; ok {
		s.end(ev)
	}
	return true
}

// answer2xx is the end of ring after a 2xx.
func (s *setup) answer2xx() *Failed {
	if s.d == nil {
		return s.cancelled(Failure{Status: 200, Err: errors.New("the answer crossed our CANCEL; it was ended with BYE")})
	}
	return nil
}

// refused handles a failure response to the INVITE, ACKed by its transaction. It
// returns nil when the INVITE was sent again.
func (s *setup) refused(ctx context.Context, res *sipgo.Response) *Failed {
	f := Failure{
		Status: res.StatusCode, Phrase: res.Reason, Q850: q850(reasons(res)),
		RetryAfter: parseRetryAfter(value(res, "Retry-After")), Warning: clip(value(res, "Warning"), 256),
	}
	if s.wantCancel {
		return s.cancelled(f)
	}
	switch {
	case res.StatusCode == 401 || res.StatusCode == 407:
		err := s.auth.challenged(res)
		if err == nil {
			err = s.sendInvite(ctx)
		}
		if err == nil {
			return nil
		}
		f.Err = err
	case res.StatusCode < 400:
		f.Err = ErrRedirect // followed, it would call whatever the far side names
	}
	f.Class = classify(response{status: res.StatusCode, phrase: res.Reason, reasons: reasons(res), rang: s.rang})
	return s.failed(f)
}

// unanswered is the end of a transaction without final response.
func (s *setup) unanswered(err error) *Failed {
	if s.wantCancel && s.answered {
		return s.cancelled(Failure{Err: err})
	}
	f := Failure{Class: TrunkFailure, Phrase: "No response", Err: err}
	if s.wantCancel && s.cancelClass == Cancelled {
		f.Class, f.Phrase = Cancelled, s.cancelPhrase
	}
	return s.failed(f)
}

func (s *setup) failed(f Failure) *Failed { return &Failed{At: time.Now(), Failure: f} }

// cancelled is the end of a call that we gave up; f says how the far side took it.
// Of a far side that answers the CANCEL with a failure of its own (busy, just
// then), ours counts: it was decided first.
func (s *setup) cancelled(f Failure) *Failed {
	f.Class = s.cancelClass
	if f.Status == 0 || f.Status == 487 || f.Status == 200 {
		f.Phrase = s.cancelPhrase
	}
	if f.Q850 == 0 {
		f.Q850 = int(s.cancelCause)
	}
	return s.failed(f)
}

// cancelCall gives the call up. The CANCEL waits for the first provisional response.
func (s *setup) cancelCall(cause Cause, class FailureClass, phrase string) {
	if s.wantCancel {
		return
	}
	if cause == 0 {
		cause = CauseNormal
	}
	s.wantCancel, s.cancelCause, s.cancelClass, s.cancelPhrase = true, cause, class, phrase
	if s.provisional {
		s.sendCancel()
	}
}

func (s *setup) sendCancel() {
	s.cancelSent = true
	s.e.cancel(s.req, s.cancelCause)
	s.giveUp.Reset(64 * sipgo.T1)
}
