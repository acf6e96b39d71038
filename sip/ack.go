package sip

import (
	"context"
	"errors"

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
	if errors.Is(err, ErrTransport) && d.path.fallback.IsValid() && !d.unreached {
		d.unreached = true
		if err = d.hop(ctx, e, ack); err == nil {
			err = e.wire.Send(ctx, ack)
		}
	}
	if err != nil {
		e.log.Warn("sip: ACK not sent", "call_id", d.callID, "error", err)
	}
}
