package sip

import (
	"context"
	"errors"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// serverTimeout is how long one of several servers is waited for before the next one
// is asked.
const serverTimeout = 6 * time.Second

// ask sends a request of the trunk's own (REGISTER, OPTIONS) to its servers, one
// after the other until one answers (RFC 3263 section 4.3). build makes it for one of
// them. Beside an error there may be a response: the one that could not be
// satisfied.
func (t *Trunk) ask(ctx context.Context, build func(hop) *sipgo.Request) (*sipgo.Response, hop, error) {
	hops, err := t.hops(ctx)
	if err != nil {
		return nil, hop{}, err
	}
	var res *sipgo.Response
	for i, h := range hops {
		res, err = t.askOne(ctx, h, i == len(hops)-1, build)
		if ctx.Err() != nil {
			return res, h, err
		}
		if !t.judge(h, res, err) || i == len(hops)-1 {
			return res, h, err
		}
	}
	return nil, hop{}, err // there is always one
}

func (t *Trunk) askOne(ctx context.Context, h hop, last bool, build func(hop) *sipgo.Request) (*sipgo.Response, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, serverTimeout)
		defer cancel()
	}
	return t.e.doAuth(ctx, t.authenticator(), func() (*sipgo.Request, error) {
		req := build(h)
		address(req, h.path, h.addr)
		return req, nil
	})
}

// judge remembers whether a server worked, and reports whether another one is to be
// asked: it said nothing, or 503.
func (t *Trunk) judge(h hop, res *sipgo.Response, err error) (failed bool) {
	switch {
	case res != nil && res.StatusCode == 503:
		t.e.resolver.Failed(h.server(), header.ParseRetryAfter(value(res, "Retry-After")))
		return true
	case res != nil:
		t.e.resolver.Worked(h.server())
		return false
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrTransport):
		t.e.resolver.Failed(h.server(), 0)
		return true
	}
	return false
}
