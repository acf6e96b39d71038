package sip

import (
	"context"
	"errors"

	sipgo "github.com/emiago/sipgo/sip"
)

// bye ends a dialog (RFC 3261 section 15.1.1) and waits for the final response.
// d and auth belong to it. Provisional responses are waited through, challenges are
// answered. Any other response ends the dialog all the same, 481 and 408 by
// RFC 3261 section 12.2.1.2.
func (e *Endpoint) bye(d *dialog, cause Cause, auth *authenticator) error {
	ctx := context.Background() // bounded by the transaction: 64*T1 a try
	build := func() (*sipgo.Request, error) {
		req := d.request(e, sipgo.BYE, d.nextSeq())
		req.AppendHeader(sipgo.NewHeader("Reason", cause.reason()))
		setBody(req, nil)
		return req, d.hop(ctx, e, req)
	}
	_, err := e.doAuth(ctx, auth, build)
	if errors.Is(err, ErrTransport) && d.path.fallback.IsValid() && !d.unreached {
		d.unreached = true
		_, err = e.doAuth(ctx, auth, build)
	}
	return err
}
