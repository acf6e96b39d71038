package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// incomingLimit is how long an INVITE may wait for its final response (RFC 3261
// section 16.6, timer C): a server transaction without one would live for ever.
const incomingLimit = 3 * time.Minute

// Incoming is an INVITE that opens a dialog, to be answered or rejected. Its
// methods may be called from any goroutine.
type Incoming struct {
	e         *Endpoint
	req       *sipgo.Request
	tx        *sipgo.ServerTx
	path      path
	offer     []byte
	cancelled chan struct{}
	once      sync.Once // closes cancelled
	limit     *time.Timer
	user      string // proved by Authorize

	mu    sync.Mutex // protects final, and orders responses
	final bool       // a final response has been given, by us or by CANCEL
}

// handleInvite takes an INVITE that opens a dialog.
func (e *Endpoint) handleInvite(req *sipgo.Request, tx *sipgo.ServerTx) {
	if e.invite == nil {
		e.refuse(tx, req, 403, "Forbidden")
		return
	}
	if e.unwanted(req) {
		e.refuse(tx, req, 433, "Anonymity Disallowed")
		return
	}
	offer, ok := session(req)
	if !ok {
		e.respond(tx, e.unsupportedBody(req))
		return
	}
	if !acceptsSession(req) {
		e.respond(tx, e.unacceptable(req))
		return
	}
	p, err := e.pathOf(req, tx.Connection().LocalAddr())
	if err != nil {
		e.refuse(tx, req, 400, "Bad Request")
		return
	}
	in := &Incoming{e: e, req: req, tx: tx, path: p, offer: offer, cancelled: make(chan struct{})}
	if e.screen != nil && !e.screen(in) {
		e.count.rejected.Add(1)
		tx.Terminate()
		return
	}
	in.limit = time.AfterFunc(incomingLimit, func() { in.Reject(480, "Temporarily Unavailable") })
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.incoming[in] = struct{}{}
	}
	e.mu.Unlock()
	if closed {
		in.limit.Stop()
		e.refuse(tx, req, 503, "Service Unavailable")
		return
	}
	// sipgo answers CANCEL with 200 and the INVITE with 487 by itself, then tells.
	if !tx.OnCancel(func(*sipgo.Request) { in.cancel() }) {
		in.cancel()
		return
	}
	_ = in.respond(e.response(req, 100, "Trying", nil), false) // cancelled already: the far side knows
	if !e.spawn(func() { e.invite(in) }) {
		in.Reject(503, "Service Unavailable")
	}
}

// cancel runs under the lock of sipgo's transaction: it must not touch in.mu,
// which respond holds while it asks for that lock.
func (in *Incoming) cancel() {
	in.once.Do(func() {
		in.forget()
		close(in.cancelled)
	})
}

func (in *Incoming) forget() {
	in.limit.Stop()
	in.e.mu.Lock()
	delete(in.e.incoming, in)
	in.e.mu.Unlock()
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
func (in *Incoming) Trunks() []*Trunk { return in.e.trunksAt(in.path.fallback) }

// Transport is what the INVITE came over: "udp", "tcp", ...
func (in *Incoming) Transport() string { return in.path.transport }

// Offer is the SDP offer, nil when the caller leaves the offer to us.
func (in *Incoming) Offer() []byte { return in.offer }

// Header returns the value of the first header field of that name, or "".
func (in *Incoming) Header(name string) string { return value(in.req, name) }

// Ring sends a provisional response, 180 to 199, with early media if body is
// not empty.
func (in *Incoming) Ring(status int, body []byte) error {
	if status < 101 || status > 199 {
		return fmt.Errorf("%w: status %d is not provisional", ErrConfig, status)
	}
	res := in.e.response(in.req, status, phraseOf(status), body)
	contact := contactURI(in.contactUser(), in.path)
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	return in.respond(res, false)
}

// Answer sends 200 and returns the call. body is the SDP answer or, when Offer is
// nil, an offer; its answer then comes as SessionAnswer. The 200 is sent
// again until the ACK comes; without one the call ends after 64*T1. onOffer may
// be nil. ErrCancelled: the caller was faster.
func (in *Incoming) Answer(body []byte, onOffer OnOffer) (*Call, error) {
	e := in.e
	d, err := e.newUASDialog(in.req, contactURI(in.contactUser(), in.path), in.path)
	if err != nil {
		return nil, err
	}
	res := e.response(in.req, 200, "OK", body)
	contact := d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})

	trunk := e.trunkAt(in.path.fallback.String())
	c := e.newCall(in.ID(), d.callID, d.localTag(), onOffer, trunk.authenticator())
	c.d = d
	c.in, c.acks = newServerInvite(in.req, in.tx, res, in.offer == nil), in.tx.Acks()
	c.in.initial = true
	if err := e.add(c); err != nil { // before the 200: the ACK must find it
		c.in.stop()
		return nil, err
	}
	sent := make(chan bool, 1) // whether the call begins
	if !e.spawn(func() {
		defer c.finish()
		if <-sent {
			c.confirmed()
		}
	}) {
		c.in.stop()
		e.remove(c)
		return nil, ErrClosed
	}
	err = in.respond(res, true)
	sent <- err == nil
	if err != nil {
		c.in.stop()
		return nil, err
	}
	return c, nil
}

// Reject refuses the call with a final response of 300 or more. It does nothing
// when one was given already.
func (in *Incoming) Reject(status int, phrase string, headers ...Header) {
	if status < 300 || status > 699 {
		status, phrase = 500, "Server Internal Error"
	}
	if text, ok := quoteDisplay(phrase); !ok || text == "" {
		phrase = phraseOf(status)
	}
	res := in.e.response(in.req, status, phrase, nil)
	for _, h := range headers {
		// Fields that belong to a refusal are allowed here.
		switch h.Name {
		case "Reason", "Contact", "Retry-After", "Warning":
			if checkHeaders([]Header{{"X-Value", h.Value}}) != nil {
				continue
			}
		default:
			if checkHeaders([]Header{h}) != nil {
				continue
			}
		}
		res.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	_ = in.respond(res, true) // cancelled or answered already: nothing to say
}

// respond sends a response to the INVITE, unless it has had a final one.
func (in *Incoming) respond(res *sipgo.Response, final bool) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	select {
	case <-in.cancelled:
		return ErrCancelled
	default:
	}
	if in.final {
		return ErrEnded
	}
	err := in.tx.Respond(res)
	if errors.Is(err, sipgo.ErrTransactionCanceled) {
		// CANCEL came in between, and 487 is on its way. sipgo would now retransmit
		// our response in its place: put the 487 back.
		_ = in.tx.Respond(in.e.response(in.req, 487, "Request Terminated", nil))
		in.final = true
		return ErrCancelled
	}
	if final {
		in.final = true
		in.forget()
	}
	if err != nil {
		return fmt.Errorf("sip: send %d to %s: %w", res.StatusCode, res.Destination(), err)
	}
	return nil
}

// contactUser is the user that was called, where that is something we would write.
func (in *Incoming) contactUser() string {
	if u := in.req.Recipient.User; isUser(u) {
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
	if status < 200 {
		return "Session Progress"
	}
	return "Refused"
}
