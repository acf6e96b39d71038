package sip

import (
	"context"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// newACK builds the ACK to a 2xx (RFC 3261 section 13.2.2.4): a request of the
// dialog, with the CSeq number of the INVITE it acknowledges (not of whatever
// was sent since, such as PRACK) and the INVITE's credentials.
func (d *dialog) newACK(e *Endpoint, invite *sipgo.Request, body []byte) *sipgo.Request {
	ack := d.request(e, sipgo.ACK, invite.CSeq().SeqNo)
	sipgo.CopyHeaders("Authorization", invite, ack)
	sipgo.CopyHeaders("Proxy-Authorization", invite, ack)
	setBody(ack, body)
	return ack
}

// sendACK sends an ACK the way of the dialog. A lost ACK is asked for again by
// the retransmitted 2xx, so an error is only logged.
func (e *Endpoint) sendACK(d *dialog, ack *sipgo.Request) {
	ctx, cancel := context.WithTimeout(context.Background(), wire.SendTimeout)
	defer cancel()
	err := d.hop(ctx, e, ack)
	if err == nil {
		err = e.wire.Send(ctx, ack)
	}
	if d.unreachedBy(err) {
		if err = d.hop(ctx, e, ack); err == nil {
			err = e.wire.Send(ctx, ack)
		}
	}
	if err != nil {
		e.log.Warn("sip: ACK not sent", "call_id", d.callID, "error", err)
	}
}

// ackPatience is how long an ACK waits for the name service before it goes where the 2xx
// came from.
const ackPatience = 200 * time.Millisecond

// sendACK sends the call's ACK: at once where that takes neither the name service nor a
// new connection, else beside the call, which does not wait.
func (c *Call) sendACK() {
	ack := c.ack.Clone()
	if c.d.atHand(c.e) {
		c.e.sendACK(c.d, ack)
		return
	}
	d := c.d.clone()
	c.e.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), ackPatience)
		defer cancel()
		if _, err := c.e.locateURI(ctx, d.nextHop(), d.path); err != nil && d.path.fallback.IsValid() {
			stopgap := d.clone()
			stopgap.unreached = true
			c.e.sendACK(stopgap, ack.Clone())
		}
		c.e.sendACK(d, ack)
		if d.unreached {
			c.ask(func() { c.d.unreached = true })
		}
	})
}

// atHand reports whether a request can be sent without asking the name service and
// without connecting.
func (d *dialog) atHand(e *Endpoint) bool {
	next := d.nextHop()
	switch {
	case d.returns():
		return true
	case !isAddress(hostOf(next)):
		return false
	case d.path.transport == "udp":
		return true
	}
	to, err := e.locateURI(context.Background(), next, d.path)
	return err == nil && e.wire.Connected(d.path.transport, to)
}
