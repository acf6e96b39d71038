package sip

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// takeEarlyRequest answers a request in a dialog that is not confirmed yet.
func (s *setup) takeEarlyRequest(m incomingRequest) {
	req, tx := m.req, m.tx
	tag := fromTag(req)
	if req.Method == sipgo.BYE {
		// The 2xx was lost, or is still on its way, and they hang up already.
		s.e.respond(tx, s.e.response(req, 200, "OK", nil))
		if s.gone == nil {
			s.gone = map[string]Ended{}
		}
		if len(s.gone) < maxForks {
			s.gone[tag] = Ended{At: time.Now(), Failure: Failure{Q850: q850(reasons(req)), Phrase: reasonText(reasons(req))}}
		}
		return
	}
	d := s.early[tag]
	if d == nil {
		s.e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if seq := req.CSeq().SeqNo; seq <= d.remoteSeq && d.remoteSeq != 0 {
		s.e.refuse(tx, req, 500, "Out of Order")
		return
	}
	d.remoteSeq = req.CSeq().SeqNo
	if s.e.refuseExtension(tx, req) {
		return
	}
	switch req.Method {
	case sipgo.UPDATE:
		if len(req.Body()) > 0 {
			// Our own offer has no answer yet (RFC 3311 section 5.2).
			s.e.refuse(tx, req, 491, "Request Pending")
			return
		}
		d.refresh(req)
		res := s.e.response(req, 200, "OK", nil)
		res.AppendHeader(&sipgo.ContactHeader{Address: d.contact})
		s.e.respond(tx, res)
	case sipgo.INFO:
		s.takeInfo(req, tx)
	case sipgo.OPTIONS:
		s.e.respond(tx, s.e.options(req))
	case sipgo.INVITE:
		s.e.refuse(tx, req, 491, "Request Pending") // RFC 3261 section 14.2
	default:
		s.e.refuse(tx, req, 405, "Method Not Allowed")
	}
}

// acknowledge sends PRACK for a provisional response that asks for it, although
// we never say that we support 100rel (RFC 3262 section 4). It reports false for
// one that came before, or out of order, and must not be taken up.
func (s *setup) acknowledge(d *fork, res *sipgo.Response) bool {
	reliable := slices.ContainsFunc(tokens(res, "Require", ""), func(t string) bool { return strings.EqualFold(t, "100rel") })
	rseq, err := strconv.ParseUint(strings.TrimSpace(value(res, "RSeq")), 10, 32)
	if !reliable || err != nil || rseq == 0 {
		return true
	}
	if d.rseq != 0 && uint32(rseq) != d.rseq+1 {
		return false
	}
	d.rseq = uint32(rseq)
	req := d.request(s.e, sipgo.PRACK, d.nextSeq())
	req.AppendHeader(sipgo.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", rseq, res.CSeq().SeqNo)))
	setBody(req, nil)
	hop := d.clone()
	s.e.work.Go(func() {
		ctx := context.Background() // bounded by the transaction
		err := hop.hop(ctx, s.e, req)
		if err == nil {
			_, err = s.e.do(ctx, req)
		}
		if err != nil {
			s.e.log.Debug("sip: PRACK not answered", "call", s.id, "error", err)
		}
	})
	return true
}
