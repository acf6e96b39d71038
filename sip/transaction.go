package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// do sends a request other than INVITE and ACK, addressed already, and returns
// its final response. Without one it fails with ErrTimeout after 64*T1, or
// when ctx is done.
func (e *Endpoint) do(ctx context.Context, req *sipgo.Request) (*sipgo.Response, error) {
	tx, err := e.start(ctx, req)
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
			return nil, fmt.Errorf("%w to %s: %w", ErrTimeout, req.Method, context.Cause(ctx))
		}
	}
}

// start sends a request in a new client transaction.
func (e *Endpoint) start(ctx context.Context, req *sipgo.Request) (*sipgo.ClientTx, error) {
	ctx, cancel := toConnect(ctx, req)
	defer cancel()
	// Not while the sockets are being closed: sipgo would open others.
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.deaf.Load() {
		return nil, ErrClosed
	}
	if err := e.connect(ctx, req); err != nil {
		return nil, sendError(req, err)
	}
	tx, err := e.txl.Request(ctx, req)
	if err != nil {
		return nil, sendError(req, err)
	}
	return tx, nil
}

// toConnect bounds the opening of a connection. Datagrams need none.
func toConnect(ctx context.Context, req *sipgo.Request) (context.Context, context.CancelFunc) {
	if strings.EqualFold(req.Transport(), "udp") {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, sendTimeout)
}

// send sends a message outside any transaction: the ACK to a 2xx.
func (e *Endpoint) send(ctx context.Context, req *sipgo.Request) error {
	ctx, cancel := toConnect(ctx, req)
	defer cancel()
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.deaf.Load() {
		return ErrClosed
	}
	if err := e.connect(ctx, req); err != nil {
		return sendError(req, err)
	}
	conn, err := e.tpl.ClientRequestConnection(ctx, req)
	if err != nil {
		return sendError(req, err)
	}
	defer func() { _, _ = conn.TryClose() }()
	if err := conn.WriteMsg(req); err != nil {
		return sendError(req, err)
	}
	return nil
}

func sendError(req *sipgo.Request, err error) error {
	if errors.Is(err, sipgo.ErrUDPMTUCongestion) {
		return fmt.Errorf("%w: %s of more than %d bytes", ErrTooLong, req.Method, maxDatagram)
	}
	return fmt.Errorf("%w %s to %s: %w", ErrTransport, req.Method, req.Destination(), err)
}

func transactionError(req *sipgo.Request, err error) error {
	if errors.Is(err, sipgo.ErrTransactionTimeout) {
		return fmt.Errorf("%w to %s from %s", ErrTimeout, req.Method, req.Destination())
	}
	if err == nil {
		err = ErrClosed
	}
	return fmt.Errorf("%w %s to %s: %w", ErrTransport, req.Method, req.Destination(), err)
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
		if err := auth.challenged(res); err != nil {
			return res, err
		}
	}
}
