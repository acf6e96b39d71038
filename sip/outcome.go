package sip

import (
	"context"
	"errors"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// outcome is the failure of one branch.
type outcome struct{ Failure }

// rank orders the failures of the branches of one call: the lowest is told (RFC 3261
// section 16.7, step 6).
func (o *outcome) rank() int {
	switch {
	case o.Status >= 600:
		return 0
	case o.Status >= 500:
		return 4
	case o.Status == 408:
		return 3
	case o.Status >= 400:
		return 2
	case o.Status >= 300:
		return 1
	}
	return 5
}

// note keeps a branch's failure if it tells more than those before it.
func (s *setup) note(o outcome) {
	if s.worst == nil || o.rank() <= s.worst.rank() {
		s.worst = &o
	}
}

// refused handles a failure response to the INVITE, ACKed by its transaction. It
// returns nil when the call goes on.
func (s *setup) refused(b *branch, res *sipgo.Response) *Failed {
	f := Failure{
		Status: res.StatusCode, Phrase: res.Reason, Q850: header.Q850(reasons(res)),
		RetryAfter: header.ParseRetryAfter(value(res, "Retry-After")), Warning: header.Clip(value(res, "Warning"), 256),
	}
	if s.wantCancel {
		return s.branchCancelled(f)
	}
	switch {
	case res.StatusCode == 401 || res.StatusCode == 407:
		err := b.auth.challenged(b.req, res)
		if err == nil {
			s.seq++
			err = s.send(b.target, b.auth)
		}
		if err == nil {
			return nil
		}
		f.Err = err
	case res.StatusCode == 422 && s.raiseInterval(res):
		s.seq++
		if f.Err = s.send(b.target, b.auth); f.Err == nil {
			return nil
		}
	case res.StatusCode < 400:
		if f.Err = s.redirect(b, res); f.Err == nil {
			return s.goOn()
		}
	}
	r := response{status: res.StatusCode, phrase: res.Reason, reasons: reasons(res), rang: s.rang}
	f.Class = classify(r)
	f.Elsewhere = elsewhere(f, s.rang)
	s.note(outcome{f})
	if res.StatusCode >= 600 {
		// RFC 3261 section 16.7, step 5: no other place will do better.
		s.groups, s.redirects = nil, nil
		s.cancelOthers(b)
	}
	return s.goOn()
}

// goOn waits for the branches that are open, or tries the next places, or is the end
// of the call.
func (s *setup) goOn() *Failed {
	if s.open > 0 {
		return nil
	}
	if s.worst != nil && !s.worst.Elsewhere {
		s.groups, s.redirects = nil, nil
	}
	if failed := s.tryNext(); failed == nil || len(s.redirects) == 0 {
		return failed
	}
	next := s.redirects[0]
	s.redirects = s.redirects[1:]
	s.find(func(ctx context.Context) ([][]target, error) { return next.targets(ctx, s.e, &s.outlet) })
	return nil
}

// branchUnanswered is the end of a branch without final response.
func (s *setup) branchUnanswered(err error) *Failed {
	if s.wantCancel {
		return s.branchCancelled(Failure{Err: err})
	}
	s.note(outcome{Failure{
		Class: TrunkFailure, Phrase: "No response", Err: err,
		Elsewhere: !s.rang && !errors.Is(err, ErrClosed),
	}})
	return s.goOn()
}

// branchCancelled is the end of a branch after we gave the call up; f says how the
// far side took it.
func (s *setup) branchCancelled(f Failure) *Failed {
	if s.open > 0 {
		return nil
	}
	if f.Status == 0 && !s.answered {
		return s.unanswered(f.Err)
	}
	return s.cancelled(f)
}

// unanswered is the end of a call that no server ever answered, or could.
func (s *setup) unanswered(err error) *Failed {
	if s.wantCancel && s.answered {
		return s.cancelled(Failure{Err: err})
	}
	f := Failure{Class: TrunkFailure, Phrase: "No response", Err: err}
	if s.wantCancel && s.cancelClass == Cancelled {
		f.Class, f.Phrase = Cancelled, s.cancelPhrase
	}
	return s.failed(f)
}

func (s *setup) failed(f Failure) *Failed { return &Failed{At: time.Now(), Failure: f} }

// cancelled is the end of a call that we gave up; f says how the far side took it.
// Of a far side that answers the CANCEL with a failure of its own (busy, just
// then), ours counts: it was decided first.
func (s *setup) cancelled(f Failure) *Failed {
	f.Class = s.cancelClass
	switch {
	case f.Crossed():
		f.Phrase = s.cancelPhrase + "; an answer crossed our CANCEL and was ended with BYE, so the carrier may bill the call"
	case f.Status == 0 || f.Status == 487:
		f.Phrase = s.cancelPhrase
	}
	if f.Q850 == 0 {
		f.Q850 = int(s.cancelCause)
	}
	return s.failed(f)
}
