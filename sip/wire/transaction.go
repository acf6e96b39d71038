package wire

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/fault"
)

// Outcome takes what comes of a client transaction: each provisional response, then
// once either the final response or why there is none, which is ErrTimeout,
// ErrTransport (with ErrBroken, once it was sent) or ErrClosed. It runs on the goroutine that reads the socket, or on a
// timer's, and must not block.
type Outcome func(res *sipgo.Response, err error)

// Transaction is a client transaction (RFC 3261 section 17.1). A request over UDP is
// sent again until it is answered, the final failure of an INVITE gets its ACK each
// time that it comes. A 2xx to INVITE ends the transaction at once: the dialogs answer
// those (RFC 6026 section 7.2 has the same aim).
//
// sipgo has transactions too. They take a goroutine for each response, in no order,
// and keep an INVITE that was answered for 32 s more.
type Transaction struct {
	layer   *Layer
	key     transactionKey
	out     sender
	outcome Outcome

	mu       sync.Mutex     // protects the fields below
	req      *sipgo.Request // nil once it is over
	given    bool           // up: only the ACK to a failure is owed yet
	heard    bool           // a provisional response has come
	timer    *time.Timer    // A and B, or E and F; then D. Nil: never started
	interval time.Duration  // to the next retransmission; 0: none
	deadline time.Time      // when the wait is over
	ack      []byte         // to the final failure of an INVITE
}

// transactionKey matches responses (RFC 3261 section 17.1.3).
type transactionKey struct {
	branch string
	method sipgo.RequestMethod
}

// transactions are a layer's client transactions.
type transactions struct {
	mu     sync.Mutex // protects the fields below
	open   map[transactionKey]*Transaction
	closed bool
}

func (t *transactions) add(tx *Transaction) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if t.open[tx.key] != nil {
		return fmt.Errorf("%w %s: its branch is in use", ErrTransport, tx.key.method)
	}
	t.open[tx.key] = tx
	return nil
}

func (t *transactions) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *transactions) find(key transactionKey) *Transaction {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[key]
}

// remove reports whether the transaction was there.
func (t *transactions) remove(tx *Transaction) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[tx.key] != tx {
		return false
	}
	delete(t.open, tx.key)
	return true
}

// close ends every transaction, and lets no other begin.
func (t *transactions) close() {
	t.mu.Lock()
	t.closed = true
	open := slices.Collect(maps.Values(t.open))
	t.mu.Unlock()
	for _, tx := range open {
		tx.fail(ErrClosed)
		tx.end() // also one that only owed an ACK
	}
}

// broken tells the transactions whose request left by a connection that this is gone
// before they had an answer. An INVITE that was heard of goes on: its final response may
// come by another connection (RFC 3261 section 18.2.2).
func (t *transactions) broken(local, remote netip.AddrPort) {
	t.mu.Lock()
	var gone []*Transaction
	for _, tx := range t.open {
		if tx.out.leavesBy(local, remote) {
			gone = append(gone, tx)
		}
	}
	t.mu.Unlock()
	for _, tx := range gone {
		tx.mu.Lock()
		goesOn := tx.heard && tx.key.method == sipgo.INVITE
		tx.mu.Unlock()
		if !goesOn {
			tx.fail(fmt.Errorf("%w %s to %s: %w", ErrTransport, tx.key.method, remote, ErrBroken))
		}
	}
}

// Request sends a request in a new client transaction; outcome is told of what comes
// of it, perhaps before Request returns. The request's transport, destination and Laddr
// say where it goes and from where; Laddr.Hostname is the key of a profile, or
// empty. It is not to be changed any more. When Request fails nothing was sent, and
// outcome hears nothing.
func (l *Layer) Request(ctx context.Context, req *sipgo.Request, outcome Outcome) (tx *Transaction, err error) {
	err = l.send(ctx, req, func(out sender) error {
		tx, err = l.transact(out, req, outcome)
		return err
	})
	return tx, err
}

// transact sends the request by its sender, which it releases.
func (l *Layer) transact(out sender, req *sipgo.Request, outcome Outcome) (*Transaction, error) {
	tx := &Transaction{layer: l, out: out, req: req, outcome: outcome, key: transactionKey{method: req.Method}}
	if via := req.Via(); via != nil {
		tx.key.branch = via.Params.GetOr("branch", "")
	}
	err := l.transactions.add(tx)
	if err == nil {
		if err = out.write(req); err == nil {
			tx.begin()
			return tx, nil
		}
		if !l.transactions.remove(tx) {
			return tx, nil // closed meanwhile: outcome has heard of it
		}
	}
	out.release()
	return nil, err
}

// begin starts the timers, unless the answer was faster.
func (t *Transaction) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.req == nil || t.given || t.heard && t.key.method == sipgo.INVITE {
		return
	}
	t.deadline = time.Now().Add(64 * sipgo.T1)
	wait := 64 * sipgo.T1
	if !t.out.reliable() {
		wait = sipgo.T1
		if t.heard {
			wait = sipgo.T2
		}
		t.interval = wait
	}
	t.timer = time.AfterFunc(wait, t.due)
}

// due is run by the timer: a retransmission is due, or the wait is over.
func (t *Transaction) due() {
	t.mu.Lock()
	req := t.req
	switch {
	case req == nil || t.given: // timer D, or another one that it has replaced just now
		over := time.Until(t.deadline) <= 0
		t.mu.Unlock()
		if over {
			t.forget()
		}
		return
	case t.heard && t.key.method == sipgo.INVITE: // the response has crossed the timer
		t.mu.Unlock()
		return
	}
	left := time.Until(t.deadline)
	if left <= 0 {
		t.mu.Unlock()
		t.fail(fmt.Errorf("%w to %s from %s", ErrTimeout, req.Method, req.Destination()))
		return
	}
	if t.interval > 0 {
		// RFC 3261 sections 17.1.1.2 and 17.1.2.2: INVITE doubles on, others up to T2.
		t.interval *= 2
		if t.key.method != sipgo.INVITE {
			t.interval = min(t.interval, sipgo.T2)
		}
		left = min(left, t.interval)
	}
	t.timer.Reset(left)
	t.mu.Unlock()
	if err := t.out.write(req); err != nil {
		t.fail(fmt.Errorf("%w %s to %s: %w", ErrTransport, req.Method, req.Destination(), fault.Plain(err)))
	}
}

// receive takes a response.
func (t *Transaction) receive(res *sipgo.Response) {
	t.mu.Lock()
	switch {
	case t.ack != nil:
		ack := t.ack
		if res.StatusCode < 300 {
			t.mu.Unlock()
			return
		}
		// RFC 3261 section 17.1.1.2: the failure came again, its ACK was lost.
		t.mu.Unlock()
		t.layer.count.retransmitted.Add(1)
		_ = t.out.send(ack)
		return
	case t.req == nil, t.given && res.IsProvisional():
		t.mu.Unlock()
		return
	case res.IsProvisional():
		if !t.heard {
			t.heard = true
			if t.key.method == sipgo.INVITE {
				t.stop()
			} else if t.interval > 0 {
				t.interval = sipgo.T2
			}
		}
		t.mu.Unlock()
		t.outcome(res, nil)
		return
	}
	t.stop()
	if t.key.method == sipgo.INVITE && !res.IsSuccess() {
		t.acknowledge(res)
	}
	t.req = nil
	kept, wanted := t.ack != nil, !t.given
	t.mu.Unlock()
	if !kept {
		t.forget()
	}
	if wanted {
		t.outcome(res, nil)
	}
}

// acknowledge sends the ACK to the final failure of an INVITE, and keeps it for as
// long as the failure may come again (timer D). The caller holds the lock.
func (t *Transaction) acknowledge(res *sipgo.Response) {
	ack := newACK(t.req, res)
	_ = t.out.write(ack) // lost, then the failure comes again
	if t.out.reliable() {
		return
	}
	var kept bytes.Buffer
	ack.StringWrite(&kept)
	t.ack = kept.Bytes()
	t.wait(timerD)
}

// timerD is how long the far side may send a failure again (RFC 3261 section
// 17.1.1.2: at least 32 s).
const timerD = 32 * time.Second

// newACK builds the ACK to a final failure (RFC 3261 section 17.1.1.3): Request-URI,
// top Via, Route, From, Call-ID and CSeq number of the INVITE, To of the response.
func newACK(invite *sipgo.Request, res *sipgo.Response) *sipgo.Request {
	ack := sipgo.NewRequest(sipgo.ACK, *invite.Recipient.Clone())
	ack.AppendHeader(invite.Via().Clone())
	for _, name := range []string{"Max-Forwards", "User-Agent", "Route", "From"} {
		sipgo.CopyHeaders(name, invite, ack)
	}
	ack.AppendHeader(sipgo.HeaderClone(res.To()))
	sipgo.CopyHeaders("Call-ID", invite, ack)
	ack.AppendHeader(&sipgo.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sipgo.ACK})
	ack.SetBody(nil)
	ack.SetTransport(invite.Transport())
	ack.SetDestination(invite.Destination())
	return ack
}

// Terminate gives the transaction up: its request is not sent again, and outcome
// hears nothing more. An INVITE's failure is still ACKed for 64*T1: the far side would
// send it again and again.
func (t *Transaction) Terminate() {
	t.mu.Lock()
	if t.req == nil || t.key.method != sipgo.INVITE {
		t.mu.Unlock()
		t.end()
		return
	}
	defer t.mu.Unlock()
	if !t.given {
		t.given = true
		t.wait(64 * sipgo.T1)
	}
}

// fail ends the transaction without a final response.
func (t *Transaction) fail(err error) {
	if t.end() {
		t.outcome(nil, err)
	}
}

// end reports whether somebody was still waiting for the outcome.
func (t *Transaction) end() bool {
	t.mu.Lock()
	waiting := t.req != nil && !t.given
	t.req, t.ack = nil, nil
	t.stop()
	t.mu.Unlock()
	t.forget()
	return waiting
}

// wait has the transaction forgotten after that time. The caller holds the lock.
func (t *Transaction) wait(left time.Duration) {
	t.deadline = time.Now().Add(left)
	if t.timer != nil {
		t.timer.Reset(left)
	} else {
		t.timer = time.AfterFunc(left, t.due)
	}
}

// stop stops the timer. The caller holds the lock.
func (t *Transaction) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

func (t *Transaction) forget() {
	if t.layer.transactions.remove(t) {
		t.out.release()
	}
}

// normalise takes the spellings that RFC 3261 allows out of what responses are matched
// by: space around = and ;, names in capitals. It reports false for a response that is
// not for us: it has another Via (section 8.1.3.3).
func normalise(res *sipgo.Response) bool {
	if via := res.Via(); via != nil {
		for i := range via.Params {
			p := &via.Params[i]
			p.K, p.V = strings.ToLower(strings.TrimSpace(p.K)), strings.TrimSpace(p.V)
		}
	}
	if cseq := res.CSeq(); cseq != nil {
		cseq.MethodName = sipgo.RequestMethod(strings.TrimSpace(string(cseq.MethodName)))
	}
	return len(res.GetHeaders("Via")) < 2
}

// respond hands a response to its transaction, if there is one.
func (l *Layer) respond(res *sipgo.Response) {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil || res.To() == nil {
		return
	}
	if tx := l.transactions.find(transactionKey{via.Params.GetOr("branch", ""), cseq.MethodName}); tx != nil {
		tx.receive(res)
	}
}

// isResponse reports whether a message begins as responses do (RFC 3261 section 7.2).
func isResponse(message []byte) bool {
	const version = "SIP/2.0 "
	return len(message) > len(version) && strings.EqualFold(string(message[:len(version)]), version)
}
