package sip

import (
	"context"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
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

// observe takes one ping's result in; err is nil for a good one.
func (h *health) observe(server string, err error) {
	if err == nil {
		h.bad = 0
		h.good++
		if h.down && h.good >= pingsUp {
			h.down, h.reason = false, ""
		} else if h.down {
			h.reason = fmt.Sprintf("%s answers again: %d of %d good pings before calls are sent", server, h.good, pingsUp)
		}
		return
	}
	h.good = 0
	h.bad++
	if h.bad >= pingsDown {
		h.down = true
	}
	if h.down {
		h.reason = fmt.Sprintf("%d pings (OPTIONS) in a row failed, the last: %v; no calls are sent until %d succeed", h.bad, err, pingsUp)
	}
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
			t.health.observe(t.cfg.Server, err)
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
	found, err := t.hops(ctx)
	if err != nil {
		return err
	}
	p, server := found[0].path, found[0].addr
	callID, tag := sipgo.CallIDHeader(random(16)+"@"+t.cfg.Domain), random(8)
	uri := t.uri("")
	from := sipgo.Uri{Scheme: "sip", User: escapeUser(t.contactUser()), Host: t.cfg.Domain}
	req := t.e.newRequest(sipgo.OPTIONS, uri, p, string(callID), tag)
	req.AppendHeader(&sipgo.FromHeader{Address: from, Params: sipgo.HeaderParams{{K: "tag", V: tag}}})
	req.AppendHeader(&sipgo.ToHeader{Address: uri})
	req.AppendHeader(&callID)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: 1, MethodName: sipgo.OPTIONS})
	req.AppendHeader(&sipgo.ContactHeader{Address: contactURI(t.contactUser(), p)})
	req.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	setBody(req, nil)
	address(req, p, server)
	res, err := t.e.do(ctx, req)
	if err != nil {
		return err
	}
	switch res.StatusCode {
	case 408, 500, 502, 503, 504:
		return fmt.Errorf("%d %s", res.StatusCode, clip(res.Reason, 64))
	}
	return nil
}
