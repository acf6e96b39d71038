package sip

import (
	"context"
	"errors"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/fault"
)

// do sends a request other than INVITE and ACK, addressed already, and returns
// its final response. Without one it fails with ErrTimeout after 64*T1, or
// when ctx is done.
func (e *Endpoint) do(ctx context.Context, req *sipgo.Request) (*sipgo.Response, error) {
	tx, err := e.wire.Request(ctx, req)
	if err != nil {
		return nil, err
	}
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, transactionError(req, tx.Err())
		case <-e.dead:
			tx.Terminate()
			return nil, ErrClosed
		case <-ctx.Done():
			tx.Terminate()
			return nil, fmt.Errorf("%w to %s from %s: %w", ErrTimeout, req.Method, req.Destination(), fault.Plain(context.Cause(ctx)))
		}
	}
}

// transactionError is how a client transaction ended without final response.
func transactionError(req *sipgo.Request, err error) error {
	if errors.Is(err, sipgo.ErrTransactionTimeout) {
		return fmt.Errorf("%w to %s from %s", ErrTimeout, req.Method, req.Destination())
	}
	if err == nil {
		err = ErrClosed
	}
	return fmt.Errorf("%w %s to %s: %w", ErrTransport, req.Method, req.Destination(), fault.Plain(err))
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
