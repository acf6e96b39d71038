package sip

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// isReliable reports whether a provisional response asks for PRACK, and its RSeq (RFC
// 3262 section 4).
func isReliable(res *sipgo.Response) (rseq uint32, ok bool) {
	if !listed(res, "Require", "", "100rel") {
		return 0, false
	}
	return header.ParseRSeq(value(res, "RSeq"))
}

// acknowledge sends PRACK for a provisional response that asks for it. It reports
// false for one that came before, or out of order (RFC 3262 section 4), and must not
// be taken up. An offer in it (the INVITE had none) is answered in the PRACK.
func (s *setup) acknowledge(f *fork, res *sipgo.Response) bool {
	rseq, ok := isReliable(res)
	if !ok {
		return true
	}
	if f.rseq != 0 && rseq != f.rseq+1 {
		return false
	}
	f.rseq = rseq
	prack := inside{method: sipgo.PRACK, contentType: sdpType, headers: []Header{
		{Name: "RAck", Value: header.RAck{RSeq: rseq, CSeq: res.CSeq().SeqNo, Method: string(sipgo.INVITE)}.String()},
	}}
	if sdp, ok := session(res); ok && sdp != nil && !f.agreed {
		if s.late() {
			answer, err := s.inv.OnLateOffer(sdp)
			if err != nil {
				s.e.log.Info("sip: offer in a provisional response refused", "call", s.id, "error", err)
				s.cancelCall(CauseInterworking, TrunkFailure, "Offer refused")
			}
			prack.body, f.localSDP = answer, answer
		} else {
			f.localSDP = s.inv.Offer
		}
		f.agreed, f.remoteSDP = true, sdp
		s.current = f
	}
	s.Call.send(f.dialog, prack, func(res *sipgo.Response, err error) {
		if err != nil || !res.IsSuccess() {
			s.e.log.Debug("sip: PRACK not accepted", "call", s.id, "error", err)
		}
	})
	return true
}

// late reports whether the INVITE goes without an offer.
func (s *setup) late() bool { return s.outlet.policy.LateOffer }

// provisional is a reliable provisional response of ours that is not acknowledged
// yet: sent again, at T1, doubling, until its PRACK comes or 64*T1 are over (RFC 3262
// section 3). Its channels are those of a nil receiver when there is none.
type provisional struct {
	rseq      uint32
	res       *sipgo.Response
	described bool // it carries a session description

	interval time.Duration
	timer    *time.Timer // next retransmission
	limit    *time.Timer
}

func newProvisional(rseq uint32, res *sipgo.Response) *provisional {
	res.AppendHeader(sipgo.NewHeader("Require", "100rel"))
	res.AppendHeader(sipgo.NewHeader("RSeq", strconv.FormatUint(uint64(rseq), 10)))
	return &provisional{
		rseq: rseq, res: res, described: len(res.Body()) > 0,
		interval: sipgo.T1, timer: time.NewTimer(sipgo.T1), limit: time.NewTimer(64 * sipgo.T1),
	}
}

func (p *provisional) again() <-chan time.Time {
	if p == nil {
		return nil
	}
	return p.timer.C
}

func (p *provisional) expired() <-chan time.Time {
	if p == nil {
		return nil
	}
	return p.limit.C
}

func (p *provisional) stop() {
	if p != nil {
		p.timer.Stop()
		p.limit.Stop()
	}
}

// firstRSeq returns the RSeq of the first reliable response: 1 to 2^31-1 (RFC 3262
// section 3).
func firstRSeq() uint32 { return 1 + rand.Uint32N(1<<31-2) }

// listed reports whether a field of comma-separated tokens names that one.
func listed(msg sipgo.Message, name, compact, token string) bool {
	return slices.ContainsFunc(tokens(msg, name, compact), func(t string) bool { return strings.EqualFold(t, token) })
}
