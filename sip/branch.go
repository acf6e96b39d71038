package sip

import (
	"context"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// inviteTx is the client transaction of an INVITE, with a goroutine that lives as
// long: it connects, sends, cancels, and takes the responses up to the final one,
// whoever still wants them (sipgo hands them over with the transaction's lock
// held, and would keep it for ever). Of these only failures are reported, ACKed
// already; the others come in order through the call's mailbox.
type inviteTx struct {
	e     *Endpoint
	req   *sipgo.Request
	stop  chan string // the Reason of a CANCEL
	abort context.CancelFunc
}

// inviteEnd is the end of an INVITE transaction without a 2xx.
type inviteEnd struct {
	branch string          // of its Via
	res    *sipgo.Response // 300 or more; nil when there was none, and err says why
	err    error
}

// startInvite sends an INVITE in a new client transaction. find addresses it, before it
// is sent; nil: it is addressed already. report is called once unless a 2xx comes, from
// the transaction's goroutine. answer bounds the wait for the first response; 0 leaves
// it to timer B.
func (e *Endpoint) startInvite(req *sipgo.Request, find func(context.Context) error, answer time.Duration, report func(inviteEnd)) *inviteTx {
	ctx, abort := context.WithCancel(context.Background()) // start bounds it
	i := &inviteTx{e: e, req: req, stop: make(chan string, 1), abort: abort}
	e.work.Go(func() {
		defer abort()
		if find != nil {
			if err := find(ctx); err != nil {
				report(inviteEnd{branchOf(req), nil, err})
				return
			}
		}
		if res, err := i.run(ctx, answer); res != nil || err != nil {
			report(inviteEnd{branchOf(req), res, err})
		}
	})
	return i
}

// cancel gives the INVITE up: CANCEL as soon as a provisional response allows it
// (RFC 3261 section 9.1). Only the first of several counts.
func (i *inviteTx) cancel(reason string) {
	select {
	case i.stop <- reason:
		i.abort() // if it is not sent yet, it need not be
	default:
	}
}

func (i *inviteTx) run(ctx context.Context, answer time.Duration) (*sipgo.Response, error) {
	tx, err := i.e.wire.Request(ctx, i.req)
	if err != nil {
		return nil, err
	}
	unanswered := time.NewTimer(time.Hour)
	defer unanswered.Stop()
	if answer > 0 {
		unanswered.Reset(answer)
	} else {
		unanswered.Stop()
	}
	var (
		provisional bool // CANCEL may be sent
		reason      string
		stop        = i.stop
		giveUp      <-chan time.Time
	)
	cancel := func() {
		i.e.cancel(i.req, reason)
		// RFC 3261 section 9.1: no final response 64*T1 after the CANCEL, then the
		// INVITE is over. A 2xx that still comes is ended as a stray.
		giveUp = time.After(64 * sipgo.T1)
	}
	for {
		select {
		case res := <-tx.Responses():
			unanswered.Stop()
			switch {
			case res.StatusCode >= 300:
				return res, nil
			case res.IsSuccess():
				return nil, nil
			case !provisional:
				provisional = true
				if stop == nil {
					cancel()
				}
			}
		case reason = <-stop:
			stop = nil
			if provisional {
				cancel()
			}
		case <-giveUp:
			tx.Terminate()
			return nil, fmt.Errorf("%w after CANCEL", ErrTimeout)
		case <-unanswered.C:
			tx.Terminate()
			return nil, fmt.Errorf("%w to INVITE from %s within %s", ErrTimeout, i.req.Destination(), answer)
		case <-tx.Done():
			return nil, transactionError(i.req, tx.Err())
		case <-i.e.dead:
			tx.Terminate()
			return nil, ErrClosed
		}
	}
}

// branch is one INVITE of an outgoing call to one target.
type branch struct {
	target target
	req    *sipgo.Request
	tx     *inviteTx
	auth   *authenticator
	heard  bool // a provisional response has come
	ended  bool // without a 2xx
}

func (b *branch) seq() uint32 { return b.req.CSeq().SeqNo }
