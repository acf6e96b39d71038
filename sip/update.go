package sip

import (
	"fmt"
	"math/rand/v2"

	sipgo "github.com/emiago/sipgo/sip"
)

// takeEarlyUpdate answers UPDATE in an early dialog. An offer in it is taken only when
// the exchange before it is complete (RFC 3311 section 5.2).
func (c *Call) takeEarlyUpdate(d *dialog, m incomingRequest) {
	req, tx := m.req, m.tx
	offer, ok := session(req)
	switch {
	case !ok:
		c.refuseBody(req, tx)
		return
	case offer == nil:
	case d.offered || !d.agreed && c.outgoing:
		c.e.refuse(tx, req, 491, "Request Pending") // our own offer has no answer yet
		return
	case !d.agreed:
		c.refusePending(req, tx) // their own offer has none
		return
	}
	c.acceptUpdate(d, m, offer)
}

// takeUpdate answers UPDATE in the confirmed dialog (RFC 3311): with an offer like a
// re-INVITE, without one it refreshes the session (RFC 4028 section 7.4) or the target.
func (c *Call) takeUpdate(m incomingRequest) {
	offer, ok := session(m.req)
	switch {
	case !ok:
		c.refuseBody(m.req, m.tx)
		return
	case offer != nil && (c.out != nil || c.in != nil || c.d.offered):
		c.e.refuse(m.tx, m.req, 491, "Request Pending") // RFC 3311 section 5.2
		return
	}
	c.acceptUpdate(c.d, m, offer)
}

func (c *Call) acceptUpdate(d *dialog, m incomingRequest, offer []byte) {
	if c.refuseInterval(m) {
		return
	}
	var answer []byte
	if offer != nil {
		var err error
		if answer, err = c.answer(offer); err != nil {
			c.e.log.Info("sip: UPDATE refused", "call", c.id, "error", err)
			c.e.respond(m.tx, c.e.notAcceptable(m.req))
			return
		}
		d.localSDP, d.remoteSDP = answer, offer
	}
	d.refresh(m.req)
	res := c.e.response(m.req, 200, "OK", nil)
	contact := d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	if d == c.d {
		c.grantInterval(m.req, res)
	}
	setBody(res, answer)
	c.e.respond(m.tx, res)
}

// refusePending answers an offer that came while an earlier one of theirs has no
// answer yet (RFC 3261 section 14.2, RFC 3311 section 5.2).
func (c *Call) refusePending(req *sipgo.Request, tx *sipgo.ServerTx) {
	res := c.e.response(req, 500, "Request Pending", nil)
	res.AppendHeader(sipgo.NewHeader("Retry-After", fmt.Sprint(rand.IntN(11))))
	c.e.respond(tx, res)
}

// canUpdate reports whether a change of the session can be asked for in an early
// dialog: the first exchange must be complete, and the far side must know UPDATE (RFC
// 3311 section 5.1).
func (d *dialog) canUpdate() bool { return d != nil && d.agreed && !d.offered && d.updates }

// update asks for a change of the session by UPDATE.
func (c *Call) update(d *dialog, ch *change) {
	d.offered = true
	c.send(d, inside{method: sipgo.UPDATE, contentType: sdpType, body: ch.offer}, func(res *sipgo.Response, err error) {
		d.offered = false
		switch {
		case err != nil:
			ch.reply(nil, err)
		case res.StatusCode == 491 || res.StatusCode == 500 && value(res, "Retry-After") != "":
			ch.reply(nil, ErrGlare)
		case !res.IsSuccess():
			ch.reply(nil, fmt.Errorf("%w: %d %s", ErrRefused, res.StatusCode, res.Reason))
		default:
			d.refresh(res)
			answer, ok := session(res)
			if !ok || answer == nil {
				ch.reply(nil, fmt.Errorf("%w: the answer to UPDATE has no SDP", ErrRefused))
				return
			}
			d.localSDP, d.remoteSDP = ch.offer, answer
			ch.reply(answer, nil)
		}
	})
}
