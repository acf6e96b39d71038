package sip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// incomingLimit is how long an INVITE may wait for its final response (RFC 3261
// section 16.6, timer C): a server transaction without one would live for ever.
const incomingLimit = 3 * time.Minute

// Incoming is an INVITE that opens a dialog, to be answered or rejected. Its
// methods may be called from any goroutine, except from a function that the call
// itself calls (OnOffer).
type Incoming struct {
	e         *Endpoint
	call      *Call
	req       *sipgo.Request
	tx        *sipgo.ServerTx
	path      path
	offer     []byte
	trunk     *Trunk // that it came over, as far as its source tells; nil: none
	replaces  *Call  // nil: it is a call of its own
	cancelled chan struct{}
	once      sync.Once // closes cancelled
	cause     Failure   // what the CANCEL said; set before cancelled is closed
	user      string    // proved by Authorize

	ringing // the state of the call's goroutine
}

// mergeKey tells copies of one INVITE that came by several ways (RFC 3261 section
// 8.2.2.2).
type mergeKey struct {
	callID, fromTag string
	seq             uint32
}

// handleInvite takes an INVITE that opens a dialog.
func (e *Endpoint) handleInvite(req *sipgo.Request, tx *sipgo.ServerTx) {
	if e.invite == nil {
		e.refuse(tx, req, 403, "Forbidden")
		return
	}
	p, err := e.pathOf(req, tx.Connection().LocalAddr())
	if err != nil {
		e.refuse(tx, req, 400, "Bad Request")
		return
	}
	in := &Incoming{e: e, req: req, tx: tx, path: p, cancelled: make(chan struct{})}
	if e.screen != nil && !e.screen(in) {
		e.count.rejected.Add(1)
		tx.Terminate()
		return
	}
	if e.unwanted(req) {
		e.refuse(tx, req, 433, "Anonymity Disallowed")
		return
	}
	var ok bool
	if in.offer, ok = session(req); !ok {
		e.respond(tx, e.unsupportedBody(req))
		return
	}
	if !acceptsSession(req) {
		e.respond(tx, e.unacceptable(req))
		return
	}
	policy, auth := e.policy, (*Trunk)(nil).authenticator()
	if trunks := in.Trunks(); len(trunks) > 0 {
		in.trunk = trunks[0]
		policy, auth = in.trunk.cfg.Policy, in.trunk.authenticator()
	}
	if in.trunk != nil && !in.Proved() && in.trunk.unproved.full() {
		e.refuse(tx, req, 503, "Service Unavailable")
		return
	}
	if e.refuseExtension(tx, req, &policy) || e.refuseUnreliable(tx, req, &policy) || !in.findReplaced() {
		return
	}
	if in.d, err = e.newUASDialog(req, contactURI(in.contactUser(), p), p); err != nil {
		e.refuse(tx, req, 400, "Bad Request")
		return
	}
	c := e.newCall(in.ID(), in.d.callID, in.d.localTag(), nil, policy, auth)
	in.call = c
	if c.refuseInterval(incomingRequest{req, tx}) {
		return
	}
	if !in.enter() {
		return
	}
	// sipgo answers CANCEL with 200 and the INVITE with 487 by itself, then tells.
	if !tx.OnCancel(func(cancel *sipgo.Request) { in.cancel(failureOf(cancel)) }) {
		in.cancel(Failure{})
	}
	_ = in.tx.Respond(e.response(req, 100, "Trying", nil)) // cancelled already: the far side knows
	if !e.spawn(in.run) {
		in.leave()
		e.remove(c)
		e.refuse(tx, req, 503, "Service Unavailable")
		return
	}
	if !e.spawn(func() { e.invite(in) }) {
		in.Reject(503, "Service Unavailable")
	}
}

// enter files the call, or answers why it cannot be.
func (in *Incoming) enter() bool {
	e, key := in.e, in.mergeKey()
	e.mu.Lock()
	_, merged := e.merged[key]
	if !merged {
		e.merged[key] = in
	}
	e.mu.Unlock()
	if merged {
		e.refuse(in.tx, in.req, 482, "Loop Detected")
		return false
	}
	if err := e.add(in.call); err != nil {
		in.leave()
		e.refuse(in.tx, in.req, 503, "Service Unavailable")
		return false
	}
	return true
}

func (in *Incoming) leave() {
	in.e.mu.Lock()
	defer in.e.mu.Unlock()
	delete(in.e.merged, in.mergeKey())
}

func (in *Incoming) mergeKey() mergeKey {
	return mergeKey{in.req.CallID().Value(), fromTag(in.req), in.req.CSeq().SeqNo}
}

// refuseUnreliable answers an INVITE whose sender cannot do what the policy requires
// (RFC 3262 section 3).
func (e *Endpoint) refuseUnreliable(tx *sipgo.ServerTx, req *sipgo.Request, p *Policy) bool {
	if p.Reliable != ReliableRequired || listed(req, "Supported", "k", "100rel") || listed(req, "Require", "", "100rel") {
		return false
	}
	res := e.response(req, 421, "Extension Required", nil)
	res.AppendHeader(sipgo.NewHeader("Require", "100rel"))
	e.count.rejected.Add(1)
	e.respond(tx, res)
	return true
}

// cancel runs under the lock of sipgo's transaction: it must not wait for the call.
func (in *Incoming) cancel(cause Failure) {
	in.once.Do(func() {
		in.cause = cause
		in.cause.Class = Cancelled
		close(in.cancelled)
	})
}

// Cancelled is closed when the caller gives up before the answer.
func (in *Incoming) Cancelled() <-chan struct{} { return in.cancelled }

// ID is the Call-ID.
func (in *Incoming) ID() string { return in.req.CallID().Value() }

// From is the user part of From: who says to be calling.
func (in *Incoming) From() string { return userOf(&in.req.From().Address) }

// To is the user part of the Request-URI: who is called.
func (in *Incoming) To() string { return userOf(&in.req.Recipient) }

// Source is where the INVITE came from.
func (in *Incoming) Source() netip.AddrPort { return in.path.fallback }

// Trunks are those that the INVITE may have come over: all whose server is at its
// source. There is more than one where a carrier serves several accounts, or one
// machine is both carrier and PBX. None: nobody that the configuration names.
func (in *Incoming) Trunks() []*Trunk { return in.e.TrunksAt(in.path.fallback) }

// Transport is what the INVITE came over: "udp", "tcp", ...
func (in *Incoming) Transport() string { return in.path.transport }

// Proved reports whether whoever sent the INVITE has shown to get what we send: they have a
// connection with us, or have answered our digest challenge. Of all others anybody may
// have written the source address; there the ACK proves it (see [Call.Confirmed]).
func (in *Incoming) Proved() bool { return in.path.transport != "udp" || in.user != "" }

// Offer is the SDP offer, nil when the caller leaves the offer to us.
func (in *Incoming) Offer() []byte { return in.offer }

// Header returns the value of the first header field of that name, or "".
func (in *Incoming) Header(name string) string { return value(in.req, name) }

// Cause is what the CANCEL said of its reason (RFC 3326), once Cancelled is closed.
func (in *Incoming) Cause() Failure {
	select {
	case <-in.cancelled:
		return in.cause
	default:
		return Failure{}
	}
}

// OnOffer sets who answers a changed offer that comes before the call is answered
// (UPDATE, PRACK). Without it such offers get 488.
func (in *Incoming) OnOffer(f OnOffer) {
	_ = in.tell(func() error { in.call.onOffer = f; return nil })
}

// Reinvite is [Call.Reinvite] before the call is answered: by UPDATE, once a reliable
// response has been acknowledged.
func (in *Incoming) Reinvite(ctx context.Context, offer []byte) (answer []byte, err error) {
	return in.call.change(ctx, offer)
}

// Ring sends a provisional response, 180 to 199, with early media if body is not
// empty. It is sent reliably (RFC 3262) where the caller requires that, and, where the
// policy says "supported", one with a body where the caller can; such a body is the
// answer to Offer, or an offer where that is nil, for good.
func (in *Incoming) Ring(status int, body []byte) error {
	if status < 101 || status > 199 {
		return fmt.Errorf("%w: status %d is not provisional", ErrConfig, status)
	}
	return in.tell(func() error { return in.ringWith(status, body) })
}

// Answer sends 200 and returns the call. body is the SDP answer or, when Offer is
// nil, an offer; its answer then comes as SessionAnswer. The 200 is sent
// again until the ACK comes; without one the call ends after 64*T1. onOffer may
// be nil. ErrCancelled: the caller was faster.
//
// A body that was sent reliably by Ring must be the same here. Until that is
// acknowledged the 200 waits (RFC 3262 section 3); a call that does not come to it ends
// with an Ended event like any other.
func (in *Incoming) Answer(body []byte, onOffer OnOffer) (*Call, error) {
	if err := in.tell(func() error { return in.answerWith(body, onOffer) }); err != nil {
		return nil, err
	}
	return in.call, nil
}

// Reject refuses the call with a final response of 300 or more. It does nothing
// when one was given already.
func (in *Incoming) Reject(status int, phrase string, headers ...Header) {
	if status < 300 || status > 699 {
		status, phrase = 500, "Server Internal Error"
	}
	if text, ok := header.QuoteDisplay(phrase); !ok || text == "" {
		phrase = phraseOf(status)
	}
	res := in.e.response(in.req, status, phrase, nil)
	for _, h := range headers {
		// Fields that belong to a refusal are allowed here.
		switch h.Name {
		case "Reason", "Contact", "Retry-After", "Warning":
			if header.Check([]Header{{Name: "X-Value", Value: h.Value}}) != nil {
				continue
			}
		default:
			if header.Check([]Header{h}) != nil {
				continue
			}
		}
		res.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	if status == 488 && res.GetHeader("Warning") == nil {
		res.AppendHeader(sipgo.NewHeader("Warning", offerWarning))
	}
	if status == 403 || status == 404 {
		in.e.refused(in.path.fallback.Addr())
	}
	_ = in.respond(res, true) // cancelled or answered already: nothing to say
}

// respond sends a response to the INVITE, unless it has had a final one.
func (in *Incoming) respond(res *sipgo.Response, final bool) error {
	return in.tell(func() error { return in.sendResponse(res, final) })
}

// tell has f run on the call's goroutine.
func (in *Incoming) tell(f func() error) error {
	result := make(chan error, 1)
	if !in.call.ask(func() { result <- f() }) {
		select {
		case <-in.cancelled:
			return ErrCancelled
		default:
			return ErrEnded
		}
	}
	return <-result
}

// contactUser is the user that was called, where that is something we would write.
func (in *Incoming) contactUser() string {
	if u := in.req.Recipient.User; header.IsUser(u) {
		return u
	}
	return "ringpace"
}

// phraseOf returns the usual reason phrase of the statuses that we send.
func phraseOf(status int) string {
	switch status {
	case 180:
		return "Ringing"
	case 181:
		return "Call Is Being Forwarded"
	case 182:
		return "Queued"
	case 183:
		return "Session Progress"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 480:
		return "Temporarily Unavailable"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 500:
		return "Server Internal Error"
	case 503:
		return "Service Unavailable"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	}
	switch {
	case status == 100:
		return "Trying"
	case status < 200:
		return "Session Progress"
	case status < 300:
		return "OK"
	}
	return "Refused"
}

// acceptsSession reports whether the sender of a request takes a session description
// in the response. Without Accept it does (RFC 3261 section 20.1).
func acceptsSession(req *sipgo.Request) bool {
	if len(values(req, "Accept", "")) == 0 {
		return true
	}
	return slices.ContainsFunc(tokens(req, "Accept", ""), func(media string) bool {
		kind, _, _ := strings.Cut(media, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case sdpType, "application/*", "*/*":
			return true
		}
		return false
	})
}

// unacceptable is the response to a request whose sender takes no body that we could
// send (RFC 3261 section 8.2.4).
func (e *Endpoint) unacceptable(req *sipgo.Request) *sipgo.Response {
	res := e.response(req, 406, "Not Acceptable", nil)
	res.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	e.count.rejected.Add(1)
	return res
}
