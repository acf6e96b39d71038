package sip

import (
	"context"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// seqMargin is how far the CSeq number goes up where it is not known what has been
// sent in a dialog: numbers need to rise, not to follow each other (RFC 3261 section
// 12.2.2), and no call sends as many requests before it is answered.
const seqMargin = 1000

// bye ends a dialog (RFC 3261 section 15.1.1) and waits for the final response.
// d and auth belong to it. Provisional responses are waited through, challenges are
// answered. A far side that fails (5xx, as it does with a number that it holds for out
// of order) is asked once more, with a number far above. bye fails when the far side
// may still think that the call is up; for us it is over all the same.
func (e *Endpoint) bye(d *dialog, cause Cause, auth *authenticator) error {
	res, err := e.tryBYE(d, cause, auth)
	if err == nil && res.StatusCode >= 500 && res.StatusCode < 600 {
		e.log.Warn("sip: BYE is tried again", "call_id", d.callID, "status", res.StatusCode, "phrase", header.Clip(res.Reason, 100))
		d.localSeq += seqMargin
		res, err = e.tryBYE(d, cause, auth)
	}
	if err == nil && !res.IsSuccess() && res.StatusCode != 481 { // 481: there is no such call
		err = fmt.Errorf("sip: BYE refused: %d %s", res.StatusCode, header.Clip(res.Reason, 100))
	}
	return err
}

func (e *Endpoint) tryBYE(d *dialog, cause Cause, auth *authenticator) (*sipgo.Response, error) {
	ctx := context.Background() // bounded by the transaction: 64*T1 a try
	build := func() (*sipgo.Request, error) {
		req := d.request(e, sipgo.BYE, d.nextSeq())
		req.AppendHeader(sipgo.NewHeader("Reason", cause.reason()))
		setBody(req, nil)
		return req, d.hop(ctx, e, req)
	}
	return d.reach(func() (*sipgo.Response, error) { return e.doAuth(ctx, auth, build) })
}
