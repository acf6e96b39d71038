package sip

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// maxRings bounds the provisional responses that wait for a PRACK.
const maxRings = 8

// ringing is an incoming call up to its final response. It belongs to the call's
// goroutine.
type ringing struct {
	d        *dialog
	final    bool // a final response has been given, by us or by CANCEL
	answered bool // Answer was called
	confirm  bool // the 200 has been sent

	answer  []byte // of Answer, while it waits for a PRACK
	rseq    uint32 // of the latest reliable response, 0: none yet
	unacked *provisional
	waiting []func() // provisional responses that wait for a PRACK
	given   []byte   // the description that was sent reliably
}

// run is the call's goroutine.
func (in *Incoming) run() {
	c := in.call
	defer c.finish()
	in.ring()
	in.unacked.stop()
	in.leave()
	switch {
	case in.confirm:
		c.confirmed()
	case in.answered:
		failure := in.Cause()
		if failure.Class == "" {
			failure = Failure{Class: TrunkFailure, Phrase: "Ended before the answer was sent", Err: ErrNoPRACK}
		}
		c.end(Ended{At: time.Now(), Failure: failure})
	}
}

// ring waits for the final response.
func (in *Incoming) ring() {
	c := in.call
	limit := time.NewTimer(incomingLimit)
	defer limit.Stop()
	for !in.final {
		var changes chan *change
		if in.d.canUpdate() {
			changes = c.changes
		}
		select {
		case m := <-c.mail:
			if r, ok := m.(incomingRequest); ok {
				in.takeRequest(r)
			}
		case f := <-c.asks:
			f()
		case ch := <-changes:
			c.update(in.d, ch)
		case <-in.cancelled:
			return
		case <-in.unacked.again():
			_ = in.tx.Respond(in.unacked.res) // the transport is gone, then the limit ends it
			in.unacked.interval *= 2
			in.unacked.timer.Reset(in.unacked.interval)
		case <-in.unacked.expired():
			c.e.log.Info("sip: no PRACK for our provisional response", "call", c.id)
			in.refuse(504, "Server Time-out") // RFC 3262 section 3
		case <-limit.C:
			in.refuse(480, "Temporarily Unavailable")
		case <-c.hang:
			in.refuse(480, "Temporarily Unavailable")
		case <-c.e.closing:
			in.refuse(503, "Service Unavailable")
		case <-c.e.dead:
			return
		}
	}
}

func (in *Incoming) refuse(status int, phrase string) {
	_ = in.sendResponse(in.e.response(in.req, status, phrase, nil), true) // cancelled already: nothing to say
}

// sendResponse sends a response to the INVITE, unless it has had a final one.
func (in *Incoming) sendResponse(res *sipgo.Response, final bool) error {
	select {
	case <-in.cancelled:
		return ErrCancelled
	default:
	}
	if in.final {
		return ErrEnded
	}
	err := in.tx.Respond(res)
	if errors.Is(err, sipgo.ErrTransactionCanceled) {
		// CANCEL came in between, and 487 is on its way. sipgo would now retransmit
		// our response in its place: put the 487 back.
		_ = in.tx.Respond(in.e.response(in.req, 487, "Request Terminated", nil))
		in.final = true
		return ErrCancelled
	}
	in.final = in.final || final
	if err != nil {
		return fmt.Errorf("sip: send %d to %s: %w", res.StatusCode, res.Destination(), err)
	}
	return nil
}

// reliably reports whether a provisional response is to be sent reliably.
func (in *Incoming) reliably(body []byte) bool {
	switch {
	case in.call.policy.Reliable == ReliableOff:
		return false
	case listed(in.req, "Require", "", "100rel"):
		return true
	case !listed(in.req, "Supported", "k", "100rel"):
		return false
	}
	return in.call.policy.Reliable == ReliableRequired || len(body) > 0
}

// ringWith sends a provisional response, after those that wait for a PRACK: there may
// be one at a time (RFC 3262 section 3).
func (in *Incoming) ringWith(status int, body []byte) error {
	if in.unacked != nil {
		if len(in.waiting) < maxRings {
			in.waiting = append(in.waiting, func() { _ = in.ringWith(status, body) })
		}
		return nil
	}
	reliable := in.reliably(body)
	if reliable && in.given != nil {
		if len(body) > 0 && !bytes.Equal(body, in.given) {
			return errAgreed
		}
		body = nil // RFC 3261 section 13.2.1: said once, for good
	}
	res := in.e.response(in.req, status, phraseOf(status), body)
	contact := in.d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	res.AppendHeader(sipgo.NewHeader("Allow", in.e.allowed())) // RFC 3311 section 5.1
	in.call.policy.announce(res)
	if !reliable {
		return in.sendResponse(res, false)
	}
	if in.rseq == 0 {
		in.rseq = firstRSeq()
	} else {
		in.rseq++
	}
	in.unacked = newProvisional(in.rseq, res)
	if len(body) > 0 {
		in.given, in.d.localSDP, in.d.remoteSDP = body, body, in.offer
	}
	if err := in.sendResponse(res, false); err != nil {
		in.unacked.stop()
		in.unacked = nil
		return err
	}
	return nil
}

// errAgreed: the far side holds the session for agreed, by RFC 3261 section 13.2.1.
var errAgreed = fmt.Errorf("%w: a reliable provisional response has given another session description", ErrConfig)

func (in *Incoming) answerWith(body []byte, onOffer OnOffer) error {
	switch {
	case in.final || in.answered:
		return ErrEnded
	case in.given != nil && !bytes.Equal(body, in.given):
		return errAgreed
	}
	if onOffer != nil {
		in.call.onOffer = onOffer
	}
	in.waiting = nil
	if in.unacked != nil && in.unacked.described {
		in.answered, in.answer = true, body
		return nil
	}
	return in.accept(body)
}

// accept sends the 200.
func (in *Incoming) accept(body []byte) error {
	c := in.call
	offered := in.offer == nil
	if in.given != nil {
		body, offered = nil, false
	}
	res := in.e.response(in.req, 200, "OK", body)
	contact := in.d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	c.policy.announce(res)
	c.grantInterval(in.req, res)
	if in.trunk != nil && !in.Proved() {
		c.unACKed = in.trunk.unproved.add() // before the far side can know that it is answered
	}
	if err := in.sendResponse(res, true); err != nil {
		c.stopTimer()
		c.unACKed.settle()
		return err
	}
	c.d = in.d
	if in.given == nil {
		c.d.localSDP, c.d.remoteSDP, c.d.agreed = body, in.offer, true
	}
	if in.unacked != nil {
		c.rseqs = append(c.rseqs, in.unacked.rseq)
	}
	c.in, c.acks = newServerInvite(in.req, in.tx, res, offered), in.tx.Acks()
	c.in.initial = true
	in.answered, in.confirm = true, true
	return nil
}

// takeRequest handles a request inside the early dialog.
func (in *Incoming) takeRequest(m incomingRequest) {
	c, e := in.call, in.e
	if fromTag(m.req) != in.d.remoteTag() {
		e.refuse(m.tx, m.req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if !c.inOrder(in.d, m) {
		return
	}
	switch m.req.Method {
	case sipgo.PRACK:
		in.takePRACK(m)
	case sipgo.UPDATE:
		c.takeEarlyUpdate(in.d, m)
	case sipgo.BYE:
		// RFC 3261 section 15.1.2: the caller may end an early dialog by BYE.
		e.respond(m.tx, e.response(m.req, 200, "OK", nil))
		in.refuse(487, "Request Terminated")
		in.cancel(failureOf(m.req))
	case sipgo.INFO:
		c.takeInfo(m.req, m.tx)
	case sipgo.OPTIONS:
		e.respond(m.tx, e.options(m.req, &in.call.policy))
	case sipgo.INVITE:
		c.refusePending(m.req, m.tx) // RFC 3261 section 14.2
	case sipgo.REFER:
		e.refuse(m.tx, m.req, 603, "Decline") // nobody is there to be transferred
	default:
		e.refuse(m.tx, m.req, 405, "Method Not Allowed")
	}
}

// takePRACK answers the acknowledgement of a reliable provisional response (RFC 3262
// section 3), with an answer to the offer that it may bring (section 5).
func (in *Incoming) takePRACK(m incomingRequest) {
	c := in.call
	rack, ok := header.ParseRAck(value(m.req, "RAck"))
	switch {
	case !ok:
		in.e.refuse(m.tx, m.req, 400, "Bad RAck")
		return
	case in.unacked == nil || rack.RSeq != in.unacked.rseq || rack.CSeq != in.req.CSeq().SeqNo || rack.Method != string(sipgo.INVITE):
		in.e.refuse(m.tx, m.req, 481, "Call/Transaction Does Not Exist")
		return
	}
	sdp, ok := session(m.req)
	if !ok {
		c.refuseBody(m.req, m.tx)
		return
	}
	described := in.unacked.described
	in.unacked.stop()
	in.unacked = nil
	var answer []byte
	switch {
	case described && in.offer == nil && !in.d.agreed:
		in.d.remoteSDP = sdp
		if sdp != nil {
			c.emit(SessionAnswer{At: time.Now(), Body: sdp})
		}
	case sdp != nil:
		var err error
		if answer, err = c.answer(sdp); err != nil {
			c.e.log.Info("sip: offer in PRACK refused", "call", c.id, "error", err)
			in.e.respond(m.tx, in.e.notAcceptable(m.req))
			in.next()
			return
		}
		in.d.localSDP, in.d.remoteSDP = answer, sdp
	}
	in.d.agreed = in.d.agreed || described
	in.e.respond(m.tx, in.e.response(m.req, 200, "OK", answer))
	in.next()
}

// next sends what has waited for a PRACK.
func (in *Incoming) next() {
	if in.answered {
		_ = in.accept(in.answer) // cancelled: run tells
		return
	}
	for in.unacked == nil && len(in.waiting) > 0 {
		f := in.waiting[0]
		in.waiting = in.waiting[1:]
		f()
	}
}

// takeLatePRACK answers a PRACK that comes after the 200.
func (c *Call) takeLatePRACK(m incomingRequest) {
	rack, ok := header.ParseRAck(value(m.req, "RAck"))
	for i, rseq := range c.rseqs {
		if ok && rack.RSeq == rseq {
			c.rseqs = append(c.rseqs[:i], c.rseqs[i+1:]...)
			c.e.respond(m.tx, c.e.response(m.req, 200, "OK", nil))
			return
		}
	}
	c.e.refuse(m.tx, m.req, 481, "Call/Transaction Does Not Exist")
}
