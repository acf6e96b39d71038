package sip

import (
	"context"
	"errors"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// inside is a request of ours inside a dialog, other than INVITE, ACK and BYE.
type inside struct {
	method      sipgo.RequestMethod
	headers     []Header
	contentType string
	body        []byte
}

// ask hands work to the call's goroutine. It reports false when that has ended.
func (c *Call) ask(f func()) bool {
	select {
	case c.asks <- f:
		return true
	case <-c.done:
		return false
	}
}

// demand sends a request in the confirmed dialog and waits for its response: ErrRefused
// when the far side does not take it, ErrEarly before the call is answered. write makes
// its headers and body, on the call's goroutine.
func (c *Call) demand(ctx context.Context, method sipgo.RequestMethod, write func(*dialog) inside) error {
	result := make(chan error, 1)
	if !c.ask(func() {
		switch {
		case c.ended:
			result <- ErrEnded
		case c.d == nil:
			result <- ErrEarly
		default:
			request := write(c.d)
			request.method = method
			c.send(c.d, request, func(res *sipgo.Response, err error) {
				if err == nil && !res.IsSuccess() {
					err = fmt.Errorf("%w: %d %s", ErrRefused, res.StatusCode, res.Reason)
				}
				result <- err
			})
		}
	}) {
		return ErrEnded
	}
	select {
	case err := <-result:
		return err
	case <-c.done:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("%w to %s: %w", ErrTimeout, method, context.Cause(ctx))
	}
}

// send sends a request inside dialog d, with credentials when asked. The call goes on
// meanwhile; done is called on its goroutine with the final response, or with why
// there is none, unless the call ends before.
func (c *Call) send(d *dialog, r inside, done func(*sipgo.Response, error)) {
	c.sendAs(c.auth.fresh(), d, r, done)
}

func (c *Call) sendAs(auth *authenticator, d *dialog, r inside, done func(*sipgo.Response, error)) {
	req := d.build(c.e, r)
	if r.method == sipgo.UPDATE && d == c.d {
		c.askInterval(req)
	}
	if err := auth.authorize(req); err != nil {
		done(nil, err)
		return
	}
	hop := d.clone()
	c.e.work.Go(func() {
		res, err := c.e.doInside(hop, req)
		c.ask(func() {
			d.unreached = d.unreached || hop.unreached
			if err == nil && (res.StatusCode == 401 || res.StatusCode == 407) {
				if err = auth.challenged(req, res); err == nil {
					c.sendAs(auth, d, r, done)
					return
				}
			}
			done(res, err)
		})
	})
}

// build makes the request, with the dialog's next CSeq number.
func (d *dialog) build(e *Endpoint, r inside) *sipgo.Request {
	req := d.request(e, r.method, d.nextSeq())
	for _, h := range r.headers {
		req.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	if len(r.body) > 0 {
		contentType := sipgo.ContentTypeHeader(r.contentType)
		req.AppendHeader(&contentType)
	}
	req.SetBody(r.body)
	return req
}

// doInside sends a request the way of the dialog and returns its final response.
func (e *Endpoint) doInside(d *dialog, req *sipgo.Request) (*sipgo.Response, error) {
	ctx := context.Background() // bounded by the transaction
	return d.reach(func() (*sipgo.Response, error) {
		if err := d.hop(ctx, e, req); err != nil {
			return nil, err
		}
		return e.do(ctx, req)
	})
}

// reach tries to send. A next hop that cannot be reached is replaced by where the far
// side's messages come from, and try is called once more.
func (d *dialog) reach(try func() (*sipgo.Response, error)) (*sipgo.Response, error) {
	res, err := try()
	if d.unreachedBy(err) {
		res, err = try()
	}
	return res, err
}

// unreachedBy reports whether err says that the next hop cannot be reached and the
// fallback is to be tried, which is taken from then on.
func (d *dialog) unreachedBy(err error) bool {
	if !errors.Is(err, ErrTransport) || errors.Is(err, wire.ErrBroken) || !d.path.fallback.IsValid() || d.unreached {
		return false
	}
	d.unreached = true
	return true
}
