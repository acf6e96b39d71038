package sip

import (
	"context"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/fault"
)

// do sends a request other than INVITE and ACK, addressed already, and returns
// its final response. Without one it fails with ErrTimeout after 64*T1, or
// when ctx is done.
func (e *Endpoint) do(ctx context.Context, req *sipgo.Request) (*sipgo.Response, error) {
	type outcome struct {
		res *sipgo.Response
		err error
	}
	final := make(chan outcome, 1)
	tx, err := e.wire.Request(ctx, req, func(res *sipgo.Response, err error) {
		if res == nil || !res.IsProvisional() {
			final <- outcome{res, err}
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case o := <-final:
		return o.res, o.err
	case <-ctx.Done():
		tx.Terminate()
		return nil, fmt.Errorf("%w to %s from %s: %w", ErrTimeout, req.Method, req.Destination(), fault.Plain(context.Cause(ctx)))
	}
}

// doAuth is do with answers to 401 and 407. build makes the request anew for
// every try, since each needs its own CSeq number and branch; it includes the
// address.
func (e *Endpoint) doAuth(ctx context.Context, auth *authenticator, build func() (*sipgo.Request, error)) (*sipgo.Response, error) {
	for {
		req, err := build()
		if err != nil {
			return nil, err
		}
		if err := auth.authorize(req); err != nil {
			return nil, err
		}
		res, err := e.do(ctx, req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != 401 && res.StatusCode != 407 {
			return res, nil
		}
		if err := auth.challenged(req, res); err != nil {
			return res, err
		}
	}
}
