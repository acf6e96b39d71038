package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// A trunk is taken out after that many pings in a row without an answer, and
// taken back after that many good ones, so that a server that limps does
// not get calls between two falls.
const (
	pingsDown   = 3
	pingsUp     = 3
	pingTimeout = 5 * time.Second
)

// health is the result of the OPTIONS pings. Trunk.mu protects it.
type health struct {
	down   bool
	reason string
	bad    int // in a row
	good   int // in a row
}

// observe takes one ping's result in; err is nil for a good one. It reports true when
// that brings the trunk back.
func (h *health) observe(server string, err error) (back bool) {
	if err == nil {
		h.bad = 0
		h.good++
		if h.down && h.good >= pingsUp {
			h.down, h.reason = false, ""
			return true
		} else if h.down {
			h.reason = fmt.Sprintf("%s answers again: %d of %d good pings before calls are sent", server, h.good, pingsUp)
		}
		return false
	}
	h.good = 0
	h.bad++
	if h.bad >= pingsDown {
		h.down = true
	}
	if h.down {
		h.reason = fmt.Sprintf("%d pings (OPTIONS) to %s in a row failed, and no calls are sent until %d succeed; the last: %v", h.bad, server, pingsUp, err)
	}
	return false
}

// ping asks the server by OPTIONS every health interval whether it lives (RFC
// 3261 section 11), until ctx is done. While the trunk fails it asks more often.
func (t *Trunk) ping(ctx context.Context) {
	for {
		err := t.pingOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		var failing bool
		t.update(func() {
			if t.health.observe(t.cfg.Server, err) {
				t.calls.halfOpen()
			}
			failing = t.health.down || t.health.bad > 0
		})
		wait := t.cfg.HealthInterval
		if failing {
			wait = min(wait, pingTimeout)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pingOnce sends one OPTIONS. Any answer is a sign of life, also 404 or 405,
// except those that say that there is none.
func (t *Trunk) pingOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	callID, tag, seq := sipgo.CallIDHeader(random(16)+"@"+t.cfg.Domain), random(8), uint32(0)
	uri := t.uri("")
	from := sipgo.Uri{Scheme: "sip", User: header.EscapeUser(t.contactUser()), Host: t.cfg.Domain}
	res, h, err := t.ask(ctx, func(h hop) *sipgo.Request {
		req := t.e.newRequest(sipgo.OPTIONS, uri, h.path, string(callID), tag)
		for _, route := range t.preloaded() {
			req.AppendHeader(&sipgo.RouteHeader{Address: route})
		}
		req.AppendHeader(&sipgo.FromHeader{Address: from, Params: sipgo.HeaderParams{{K: "tag", V: tag}}})
		req.AppendHeader(&sipgo.ToHeader{Address: uri})
		req.AppendHeader(&callID)
		seq++
		req.AppendHeader(&sipgo.CSeqHeader{SeqNo: seq, MethodName: sipgo.OPTIONS})
		req.AppendHeader(&sipgo.ContactHeader{Address: t.contact(h.path)})
		req.AppendHeader(sipgo.NewHeader("Accept", sdpType))
		setBody(req, nil)
		return req
	})
	if res == nil {
		return errors.New(explain(err))
	}
	t.learn(h.path, res)
	switch res.StatusCode {
	case 408, 500, 502, 503, 504:
		return fmt.Errorf("%d %s", res.StatusCode, header.Clip(res.Reason, 64))
	}
	return nil
}
