package sip

import (
	"context"
	"errors"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/wire"
)

// seqMargin is how far the CSeq number goes up where it is not known what has been
// sent in a dialog: numbers need to rise, not to follow each other (RFC 3261 section
// 12.2.2), and no call sends as many requests before it is answered.
const seqMargin = 1000

// startBYE ends a dialog (RFC 3261 section 15.1.1) while its call goes on taking what
// crosses the BYE; done is called when it is answered, and must not block. d and auth
// belong to it.
func (e *Endpoint) startBYE(d *dialog, cause Cause, auth *authenticator, done func(error)) {
	if d.path.transport != "udp" || !d.atHand(e) {
		e.work.Go(func() { done(e.bye(d, cause, auth)) })
		return
	}
	req, err := e.newBYE(d, cause)
	if err == nil {
		err = auth.authorize(req)
	}
	if err != nil {
		done(err)
		return
	}
	release := e.work.Hold()
	_, err = e.wire.Request(context.Background(), req, func(res *sipgo.Response, err error) {
		if err == nil && res.IsProvisional() {
			return
		}
		defer release()
		if err == nil && byeAccepted(res) {
			done(nil)
			return
		}
		e.work.Go(func() { done(e.byeAgain(d, cause, auth, req, res, err)) })
	})
	if err != nil {
		release()
		e.work.Go(func() { done(e.byeAgain(d, cause, auth, req, nil, err)) })
	}
}

// byeAgain goes on where the first try of startBYE has not done.
func (e *Endpoint) byeAgain(d *dialog, cause Cause, auth *authenticator, req *sipgo.Request, res *sipgo.Response, err error) error {
	switch {
	case errors.Is(err, wire.ErrBroken), d.unreachedBy(err):
		return e.bye(d, cause, auth)
	case err == nil && (res.StatusCode == 401 || res.StatusCode == 407) && auth.challenged(req, res) == nil:
		return e.bye(d, cause, auth)
	}
	return e.byeAnswered(d, cause, auth, res, err)
}

// bye ends a dialog (RFC 3261 section 15.1.1) and waits for the final response.
// d and auth belong to it. Provisional responses are waited through, challenges are
// answered. A far side that fails (5xx, as it does with a number that it holds for out
// of order) is asked once more, with a number far above. bye fails when the far side
// may still think that the call is up; for us it is over all the same.
func (e *Endpoint) bye(d *dialog, cause Cause, auth *authenticator) error {
	res, err := e.tryBYE(d, cause, auth)
	if errors.Is(err, wire.ErrBroken) { // another connection may do
		res, err = e.tryBYE(d, cause, auth)
	}
	return e.byeAnswered(d, cause, auth, res, err)
}

func (e *Endpoint) byeAnswered(d *dialog, cause Cause, auth *authenticator, res *sipgo.Response, err error) error {
	if err == nil && res.StatusCode >= 500 && res.StatusCode < 600 {
		e.log.Warn("sip: BYE is tried again", "call_id", d.callID, "status", res.StatusCode, "phrase", header.Clip(res.Reason, 100))
		d.localSeq += seqMargin
		res, err = e.tryBYE(d, cause, auth)
	}
	if err == nil && !byeAccepted(res) {
		err = fmt.Errorf("sip: BYE refused: %d %s", res.StatusCode, header.Clip(res.Reason, 100))
	}
	return err
}

// byeAccepted reports whether the call is over for the far side too. 481: it knows no
// such call.
func byeAccepted(res *sipgo.Response) bool { return res.IsSuccess() || res.StatusCode == 481 }

func (e *Endpoint) tryBYE(d *dialog, cause Cause, auth *authenticator) (*sipgo.Response, error) {
	return d.reach(func() (*sipgo.Response, error) {
		return e.doAuth(context.Background(), auth, func() (*sipgo.Request, error) { return e.newBYE(d, cause) })
	})
}

// newBYE builds a BYE and addresses it. Only the name service can make it wait.
func (e *Endpoint) newBYE(d *dialog, cause Cause) (*sipgo.Request, error) {
	req := d.request(e, sipgo.BYE, d.nextSeq())
	req.AppendHeader(sipgo.NewHeader("Reason", cause.reason()))
	setBody(req, nil)
	return req, d.hop(context.Background(), e, req) // the request is bounded by its transaction
}
