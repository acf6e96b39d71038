package sip

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// inviteTx is the client transaction of an INVITE, up to its final response, whoever
// still wants that: it sends, cancels, and gives up. 1xx and 2xx come in order through
// the call's mailbox; of these it only takes note.
type inviteTx struct {
	e      *Endpoint
	req    *sipgo.Request
	report func(inviteEnd)
	abort  context.CancelFunc // of sending; nil: it is sent at once
	done   func()             // the endpoint's Close waits for it

	mu       sync.Mutex        // protects the fields below
	tx       *wire.Transaction // nil before it is sent
	heard    bool              // a provisional response has come: CANCEL may be sent
	over     bool
	reason   string      // of the CANCEL; empty: it is wanted
	patience *time.Timer // with the first response, then with the final one after CANCEL
}

// inviteEnd is the end of an INVITE transaction without a 2xx.
type inviteEnd struct {
	branch string          // of its Via
	res    *sipgo.Response // 300 or more; nil when there was none, and err says why
	err    error
}

// startInvite sends an INVITE in a new client transaction. find addresses it, before it
// is sent, on another goroutine; nil: it is addressed already. report is called once
// unless a 2xx comes; it must not block. answer bounds the wait for the first response;
// 0 leaves it to timer B.
func (e *Endpoint) startInvite(req *sipgo.Request, find func(context.Context) error, answer time.Duration, report func(inviteEnd)) *inviteTx {
	i := &inviteTx{e: e, req: req, report: report, done: e.work.Hold()}
	if find == nil && strings.EqualFold(req.Transport(), "udp") {
		i.send(context.Background(), answer)
		return i
	}
	ctx, abort := context.WithCancel(context.Background()) // SendTimeout bounds it
	i.abort = abort
	e.work.Go(func() {
		defer abort()
		if find != nil {
			if err := find(ctx); err != nil {
				i.end(nil, err)
				return
			}
		}
		i.send(ctx, answer)
	})
	return i
}

// send sends the INVITE.
func (i *inviteTx) send(ctx context.Context, answer time.Duration) {
	tx, err := i.e.wire.Request(ctx, i.req, i.take)
	if err != nil {
		i.end(nil, err)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tx = tx
	if answer > 0 && !i.heard && !i.over {
		i.patience = time.AfterFunc(answer, func() {
			i.giveUp(fmt.Errorf("%w to INVITE from %s within %s", ErrTimeout, i.req.Destination(), answer))
		})
	}
}

// take is told by the transaction.
func (i *inviteTx) take(res *sipgo.Response, err error) {
	if res == nil || !res.IsProvisional() {
		i.end(res, err)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.heard || i.over {
		return
	}
	i.heard = true
	if i.patience != nil {
		i.patience.Stop()
	}
	if i.reason != "" {
		i.sendCANCEL()
	}
}

// end is the end of the transaction, reported once.
func (i *inviteTx) end(res *sipgo.Response, err error) {
	i.mu.Lock()
	over := i.over
	i.over = true
	if i.patience != nil {
		i.patience.Stop()
	}
	i.mu.Unlock()
	if over {
		return
	}
	if err != nil || !res.IsSuccess() {
		i.report(inviteEnd{branchOf(i.req), res, err})
	}
	i.done()
}

// giveUp ends the transaction for want of a response.
func (i *inviteTx) giveUp(err error) {
	i.tx.Terminate()
	i.end(nil, err)
}

// cancel gives the INVITE up: CANCEL as soon as a provisional response allows it
// (RFC 3261 section 9.1). Only the first of several counts.
func (i *inviteTx) cancel(reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.reason != "" || i.over {
		return
	}
	i.reason = reason
	if i.heard {
		i.sendCANCEL()
	} else if i.tx == nil {
		i.abort() // if it is not sent yet, it need not be
	}
}

// sendCANCEL sends the CANCEL. The caller holds the lock.
func (i *inviteTx) sendCANCEL() {
	i.e.cancel(i.req, i.reason)
	// RFC 3261 section 9.1: no final response 64*T1 after the CANCEL, then the INVITE
	// is over. A 2xx that still comes is ended as a stray.
	i.patience = time.AfterFunc(64*sipgo.T1, func() { i.giveUp(fmt.Errorf("%w after CANCEL", ErrTimeout)) })
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
