package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// change is a session change that we ask for.
type change struct {
	ctx    context.Context // of the caller, who waits
	offer  []byte
	result func(answer []byte, err error) // called once, on the call's goroutine
	done   bool
}

func (ch *change) reply(answer []byte, err error) {
	if !ch.done {
		ch.done = true
		ch.result(answer, err)
	}
}

type changed struct {
	answer []byte
	err    error
}

// clientInvite is a re-INVITE of ours whose final response has not come. Its
// channels are those of a nil receiver when there is none.
type clientInvite struct {
	req       *sipgo.Request
	tx        *inviteTx
	end       chan inviteEnd
	seq       uint32
	branch    string
	cancelled bool
	change    *change
	limit     *time.Timer
}

// ends brings the end of the transaction without a 2xx.
func (o *clientInvite) ends() <-chan inviteEnd {
	if o == nil {
		return nil
	}
	return o.end
}

// abandoned tells that the caller of Reinvite waits no longer.
func (o *clientInvite) abandoned() <-chan struct{} {
	if o == nil || o.cancelled {
		return nil
	}
	return o.change.ctx.Done()
}

// overdue tells that a far side that sent provisional responses has not come to an end
// after 64*T1: the transaction itself would wait for ever (RFC 3261 section 17.1.1.2;
// Timer C is for proxies).
func (o *clientInvite) overdue() <-chan time.Time {
	if o == nil {
		return nil
	}
	return o.limit.C
}

// cancel gives the re-INVITE up. Its end comes all the same.
func (o *clientInvite) cancel() {
	o.cancelled = true
	o.tx.cancel(CauseNormal.reason())
}

// change runs on the caller's goroutine.
func (c *Call) change(ctx context.Context, offer []byte) ([]byte, error) {
	for {
		result := make(chan changed, 1)
		ch := &change{ctx: ctx, offer: offer, result: func(answer []byte, err error) { result <- changed{answer, err} }}
		select {
		case c.changes <- ch:
		case <-c.done:
			return nil, ErrEnded
		case <-ctx.Done():
			return nil, fmt.Errorf("%w to re-INVITE: %w", ErrTimeout, context.Cause(ctx))
		}
		var r changed
		select {
		case r = <-result:
		case <-ctx.Done():
			select {
			case r = <-result:
			default:
				return nil, fmt.Errorf("%w to re-INVITE: %w", ErrTimeout, context.Cause(ctx))
			}
		case <-c.done:
			select {
			case r = <-result:
			default:
				return nil, ErrEnded
			}
		}
		if !errors.Is(r.err, ErrGlare) {
			return r.answer, r.err
		}
		timer := time.NewTimer(c.glarePause())
		select {
		case <-timer.C:
		case <-c.done:
			timer.Stop()
			return nil, ErrEnded
		case <-ctx.Done():
			timer.Stop()
			return nil, r.err
		}
	}
}

// glarePause is how long to wait after a 491 (RFC 3261 section 14.1): 2.1 to 4 s for the
// owner of the Call-ID, 0 to 2 s for the other side, in steps of 10 ms.
func (c *Call) glarePause() time.Duration {
	if c.outgoing {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}

// startChange sends a re-INVITE.
func (c *Call) startChange(ch *change) {
	switch {
	case c.ended:
		ch.reply(nil, ErrEnded)
	case c.out != nil || c.in != nil || c.d.offered:
		// RFC 3261 section 14.1: not while another INVITE is in progress, either way.
		ch.reply(nil, ErrGlare)
	default:
		c.auth = c.auth.fresh()
		if err := c.sendReinvite(ch); err != nil {
			ch.reply(nil, err)
		}
	}
}

func (c *Call) sendReinvite(ch *change) error {
	req := c.d.request(c.e, sipgo.INVITE, c.d.nextSeq())
	c.askInterval(req)
	setBody(req, ch.offer)
	if err := c.auth.authorize(req); err != nil {
		return err
	}
	end := make(chan inviteEnd, 1)
	c.out = &clientInvite{
		req: req, end: end, seq: req.CSeq().SeqNo, branch: branchOf(req), change: ch,
		limit: time.NewTimer(64 * sipgo.T1),
	}
	d := c.d.clone()
	find := func(ctx context.Context) error { return d.hop(ctx, c.e, req) }
	c.out.tx = c.e.startInvite(req, find, 0, func(x inviteEnd) { end <- x })
	return nil
}

// changeAccepted handles the 2xx to our re-INVITE.
func (c *Call) changeAccepted(res *sipgo.Response) {
	out := c.closeChange()
	c.d.refresh(res)
	c.ack = c.d.newACK(c.e, out.req, nil)
	c.sendACK()
	c.takeInterval(res)
	answer, ok := session(res)
	if !ok || answer == nil {
		out.change.reply(nil, fmt.Errorf("%w: the answer to re-INVITE has no SDP", ErrRefused))
		return
	}
	c.d.localSDP, c.d.remoteSDP = out.change.offer, answer
	out.change.reply(answer, nil)
	if out.change.ctx.Err() != nil { // looked at after the reply: who did not read that sees this
		c.reconcile()
	}
}

// takeLateAnswer handles a 2xx to a re-INVITE that has been given up: the far side wants
// its ACK all the same, and else ends the call (RFC 3261 section 13.3.1.4).
func (c *Call) takeLateAnswer(res *sipgo.Response) {
	seq := res.CSeq().SeqNo
	c.ack = c.d.request(c.e, sipgo.ACK, seq)
	setBody(c.ack, nil)
	c.sendACK()
	if seq == c.lost {
		c.lost = 0
		c.reconcile()
	}
}

// reconcile offers the session that our side has. The far side has agreed to another
// one, which nobody here waited for any more.
func (c *Call) reconcile() {
	if c.ended || c.onOffer == nil {
		return
	}
	offer, err := c.onOffer(nil)
	if err != nil {
		c.e.log.Warn("sip: no offer to undo a change of the session that was given up", "call", c.id, "error", err)
		return
	}
	c.startChange(&change{ctx: context.Background(), offer: offer, result: func(answer []byte, err error) {
		if errors.Is(err, ErrGlare) {
			time.AfterFunc(c.glarePause(), func() { c.ask(c.reconcile) })
			return
		}
		if err != nil {
			c.e.log.Warn("sip: a change of the session that was given up cannot be undone", "call", c.id, "error", err)
			return
		}
		c.emit(SessionAnswer{At: time.Now(), Body: answer})
	}})
}

// changeRefused handles a failure response to our re-INVITE.
func (c *Call) changeRefused(res *sipgo.Response) {
	out := c.closeChange()
	switch status := res.StatusCode; {
	case status == 401 || status == 407:
		err := c.auth.challenged(out.req, res)
		if err == nil && !out.cancelled && !c.ended {
			err = c.sendReinvite(out.change)
			if err == nil {
				return
			}
		}
		out.change.reply(nil, err)
	case status == 422 && !out.cancelled && !c.ended && c.raiseInterval(res):
		if err := c.sendReinvite(out.change); err != nil {
			out.change.reply(nil, err)
		}
	case status == 491:
		out.change.reply(nil, ErrGlare)
	case status == 408 || status == 481:
		// RFC 3261 section 14.1: the dialog is gone.
		out.change.reply(nil, fmt.Errorf("%w: %d %s", ErrEnded, status, res.Reason))
		c.Hangup(CauseNormal)
	default:
		out.change.reply(nil, fmt.Errorf("%w: %d %s", ErrRefused, status, res.Reason))
	}
}

// changeEnded handles the end of our re-INVITE without a 2xx.
func (c *Call) changeEnded(end inviteEnd) {
	if end.res == nil {
		c.lost = c.out.seq
		c.closeChange().change.reply(nil, end.err)
		return
	}
	c.changeRefused(end.res)
}

func (c *Call) closeChange() *clientInvite {
	out := c.out
	out.limit.Stop()
	c.out = nil
	return out
}

// takeReinvite answers a re-INVITE (RFC 3261 section 14.2).
func (c *Call) takeReinvite(m incomingRequest) {
	req, tx := m.req, m.tx
	if c.out != nil || c.d.offered {
		c.e.refuse(tx, req, 491, "Request Pending")
		return
	}
	if c.in != nil { // our answer to an earlier one is not ACKed yet
		c.refusePending(req, tx)
		return
	}
	if c.refuseInterval(m) {
		return
	}
	offer, ok := session(req)
	if !ok {
		c.refuseBody(req, tx)
		return
	}
	answer, err := c.answer(offer)
	if err != nil {
		c.e.log.Info("sip: re-INVITE refused", "call", c.id, "error", err)
		c.e.respond(tx, c.e.notAcceptable(req))
		return
	}
	c.d.refresh(req)
	c.d.localSDP = answer
	if offer != nil {
		c.d.remoteSDP = offer
	}
	res := c.e.response(req, 200, "OK", nil)
	contact := c.d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	c.policy.announce(res)
	c.grantInterval(req, res)
	setBody(res, answer)
	c.in, c.acks = newServerInvite(req, tx, res, offer == nil), tx.Acks()
	if err := c.in.send(); err != nil {
		c.e.log.Debug("sip: 2xx not sent", "call", c.id, "error", err)
	}
}

func (c *Call) answer(offer []byte) ([]byte, error) {
	if c.onOffer == nil {
		return nil, errors.New("session changes are not taken")
	}
	answer, err := c.onOffer(offer)
	if err == nil && len(answer) == 0 {
		err = errors.New("no answer was made")
	}
	return answer, err
}

// refuseBody answers a body that is no session description (RFC 3261 section 8.2.3).
func (c *Call) refuseBody(req *sipgo.Request, tx *sipgo.ServerTx) {
	c.e.respond(tx, c.e.unsupportedBody(req))
}

func (e *Endpoint) unsupportedBody(req *sipgo.Request) *sipgo.Response {
	res := e.response(req, 415, "Unsupported Media Type", nil)
	res.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	e.count.rejected.Add(1)
	return res
}
