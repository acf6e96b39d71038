package sip

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// incomingRequest is a request inside a dialog, on its way to the call.
type incomingRequest struct {
	req *sipgo.Request
	tx  *sipgo.ServerTx
}

// receive sees every message first, in order, on the goroutine that reads the
// socket. It must not block. Nobody else has the message yet, so it may repair it.
func (e *Endpoint) receive(msg sipgo.Message) {
	if h := msg.From(); h != nil {
		h.Params = trimParams(h.Params)
	}
	if h := msg.To(); h != nil {
		h.Params = trimParams(h.Params)
	}
	switch msg := msg.(type) {
	case *sipgo.Request:
		e.receiveRequest(msg)
	case *sipgo.Response:
		e.count.responses.Add(1)
		e.receiveResponse(msg)
	}
}

func (e *Endpoint) receiveRequest(req *sipgo.Request) {
	via, to := req.Via(), req.To()
	if via == nil || to == nil || req.CallID() == nil {
		return // refused in handleRequest
	}
	if source, err := wire.Source(req); err == nil && via.Host != source.Addr().String() {
		// RFC 3261 section 18.2.1; sipgo adds it only together with rport.
		via.Params.Add("received", source.Addr().String())
	}
	switch req.Method {
	case sipgo.INVITE, sipgo.CANCEL:
		if toTag(req) == "" {
			// Our To tag goes in here already: sipgo answers CANCEL, and the INVITE with
			// 487, on its own, and would invent another tag for each.
			to.Params.Add("tag", e.signer.tag(req.CallID().Value(), fromTag(req), branchOf(req)))
		}
	case sipgo.ACK:
		if c := e.call(req.CallID().Value(), toTag(req)); c != nil {
			c.offer(req)
		}
		return
	}
	if tag := toTag(req); tag != "" && req.Method != sipgo.CANCEL && incomplete(req) == "" {
		if c := e.call(req.CallID().Value(), tag); c != nil {
			c.arrivals.expect(req)
		}
	}
}

// opensDialog reports whether an INVITE came without a To tag; see receiveRequest.
func (e *Endpoint) opensDialog(req *sipgo.Request) bool {
	return toTag(req) == e.signer.tag(req.CallID().Value(), fromTag(req), branchOf(req))
}

func (e *Endpoint) receiveResponse(res *sipgo.Response) {
	cseq, callID := res.CSeq(), res.CallID()
	if cseq == nil || callID == nil || res.Via() == nil || res.From() == nil || res.To() == nil ||
		res.StatusCode < 100 || res.StatusCode > 699 {
		e.count.malformed.Add(1)
		return
	}
	if cseq.MethodName != sipgo.INVITE || res.StatusCode >= 300 {
		return // the transaction brings it
	}
	if c := e.call(callID.Value(), fromTag(res)); c != nil {
		c.offer(res)
		return
	}
	if res.IsProvisional() {
		e.silence(res)
		return
	}
	if e.signer.ownBranch(branchOf(res), callID.Value(), fromTag(res)) {
		trunk := e.trunkAt(res)
		auth := trunk.authenticator()
		if source, err := wire.Source(res); err == nil && trunk != nil && trunk.owns(source.Addr()) {
			auth.home = source
		}
		e.spawn(func() { e.disown(res, nil, nil, auth) })
	}
}

// handleRequest takes a request from its new server transaction, on a goroutine
// of its own. Every transaction gets a final response: it would live for ever.
func (e *Endpoint) handleRequest(req *sipgo.Request, tx *sipgo.ServerTx) {
	e.count.requests.Add(1)
	if req.Method == sipgo.ACK {
		tx.Terminate() // receive has passed it on; ACK has no response
		return
	}
	if phrase := incomplete(req); phrase != "" {
		e.count.malformed.Add(1)
		e.respond(tx, e.response(req, 400, phrase, nil))
		return
	}
	if req.Method == sipgo.CANCEL { // one that matched no INVITE (RFC 3261 section 9.2)
		e.respond(tx, e.response(req, 481, "Call/Transaction Does Not Exist", nil))
		return
	}
	opens := toTag(req) == "" || req.Method == sipgo.INVITE && e.opensDialog(req)
	if !opens {
		if c := e.call(req.CallID().Value(), toTag(req)); c != nil {
			c.arrivals.come(incomingRequest{req, tx}, c.deliver)
			return
		}
		e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if req.Method != sipgo.REGISTER && req.Method != sipgo.INVITE && e.refuseExtension(tx, req, e.policyFor(req)) {
		return
	}
	switch req.Method {
	case sipgo.INVITE:
		e.handleInvite(req, tx)
	case sipgo.OPTIONS:
		e.respond(tx, e.options(req, e.policyFor(req)))
	case sipgo.REGISTER:
		e.handleRegister(req, tx)
	case sipgo.REFER:
		e.refuse(tx, req, 403, "Forbidden") // whoever is in no call has nobody to transfer
	case sipgo.BYE, sipgo.UPDATE, sipgo.INFO, sipgo.PRACK, sipgo.NOTIFY:
		e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
	default:
		e.refuse(tx, req, 405, "Method Not Allowed")
	}
}

// refuseExtension answers a request that requires an extension that the policy does
// not know (RFC 3261 section 8.2.2.3).
func (e *Endpoint) refuseExtension(tx *sipgo.ServerTx, req *sipgo.Request, p *Policy) bool {
	unsupported := slices.DeleteFunc(tokens(req, "Require", ""), p.knows)
	if len(unsupported) == 0 {
		return false
	}
	res := e.response(req, 420, "Bad Extension", nil)
	res.AppendHeader(sipgo.NewHeader("Unsupported", strings.Join(unsupported, ", ")))
	e.count.rejected.Add(1)
	e.respond(tx, res)
	return true
}

// incomplete names what a request lacks of what every request must have (RFC
// 3261 section 8.1.1), or returns "".
func incomplete(req *sipgo.Request) string {
	switch {
	case req.Via() == nil:
		return "Missing Via"
	case req.From() == nil:
		return "Missing From"
	case req.To() == nil:
		return "Missing To"
	case fromTag(req) == "" && (toTag(req) == "" || req.Method == sipgo.INVITE || req.Method == sipgo.CANCEL):
		// Inside a dialog a far side of RFC 2543 may have none (RFC 3261 section 12.2.2).
		return "Missing From Tag"
	case req.CallID() == nil:
		return "Missing Call-ID"
	case req.CSeq() == nil:
		return "Missing CSeq"
	case strings.TrimSpace(string(req.CSeq().MethodName)) != string(req.Method):
		return "CSeq Method Mismatch"
	case req.Method == sipgo.INVITE && req.Contact() == nil:
		return "Missing Contact"
	}
	return ""
}

// response builds a response to a request, with our Server and, where it
// belongs, our Allow.
func (e *Endpoint) response(req *sipgo.Request, status int, phrase string, body []byte) *sipgo.Response {
	res := sipgo.NewResponseFromRequest(req, status, phrase, nil)
	if status > 100 {
		res.AppendHeader(sipgo.NewHeader("Server", e.userAgent))
	}
	if status == 405 || status >= 200 && status < 300 && req.Method != sipgo.REGISTER && req.Method != sipgo.BYE {
		res.AppendHeader(sipgo.NewHeader("Allow", e.allowed()))
	}
	if len(body) > 0 {
		setBody(res, body)
	}
	return res
}

// announce adds what we support to a 2xx or a provisional response.
func (p *Policy) announce(res *sipgo.Response) {
	res.AppendHeader(sipgo.NewHeader("Supported", p.supported()))
}

// allowed is the value of Allow.
func (e *Endpoint) allowed() string {
	if e.registrar != nil {
		return allow + ", REGISTER"
	}
	return allow
}

// notAcceptable refuses an offer (RFC 3261 sections 20.43, 21.4.26).
func (e *Endpoint) notAcceptable(req *sipgo.Request) *sipgo.Response {
	res := e.response(req, 488, "Not Acceptable Here", nil)
	res.AppendHeader(sipgo.NewHeader("Warning", offerWarning))
	return res
}

// offerWarning is the Warning of a 488.
const offerWarning = `399 ringpace "No session that both sides can take part in"`

// policyFor is the policy of a call that comes from where req does.
func (e *Endpoint) policyFor(req *sipgo.Request) *Policy {
	if trunk := e.trunkAt(req); trunk != nil {
		return &trunk.cfg.Policy
	}
	return &e.policy
}

// options answers OPTIONS as an INVITE would be answered just now (RFC 3261
// section 11.2).
func (e *Endpoint) options(req *sipgo.Request, policy *Policy) *sipgo.Response {
	res := e.response(req, 200, "OK", nil)
	policy.announce(res)
	res.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	return res
}

// respond sends a response in its transaction. An error means that the transport
// is gone; the far side will time out.
func (e *Endpoint) respond(tx *sipgo.ServerTx, res *sipgo.Response) {
	if err := tx.Respond(res); err != nil {
		e.log.Debug("sip: response not sent", "status", res.StatusCode, "to", res.Destination(), "error", err)
		tx.Terminate()
	}
}

// refuse answers a request that nobody is asked about.
func (e *Endpoint) refuse(tx *sipgo.ServerTx, req *sipgo.Request, status int, phrase string) {
	e.count.rejected.Add(1)
	// 481 may go to a phone that we have forgotten. Phones SUBSCRIBE and PUBLISH to
	// whatever server they are given, again and again: 405 is no reproach.
	if source, err := wire.Source(req); err == nil && status != 481 && status != 405 {
		e.refused(source.Addr())
	}
	e.respond(tx, e.response(req, status, phrase, nil))
}

// call returns the call that has that Call-ID and local tag, or nil.
func (e *Endpoint) call(callID, localTag string) *Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[dialogKey{callID, localTag}]
}

// add files a call. It fails when the endpoint is closed or the id is taken.
func (e *Endpoint) add(c *Call) error {
	key := dialogKey{c.callID, c.localTag}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if _, ok := e.calls[key]; ok {
		return ErrDuplicateID
	}
	e.calls[key] = c
	return nil
}

func (e *Endpoint) remove(c *Call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.calls, dialogKey{c.callID, c.localTag})
}

// trunkAt returns the trunk from whose server a message came, or nil.
func (e *Endpoint) trunkAt(msg sipgo.Message) *Trunk {
	addr, err := wire.Source(msg)
	if err != nil {
		return nil
	}
	if at := e.TrunksAt(addr); len(at) > 0 {
		return at[0]
	}
	return nil
}

// TrunksAt returns the trunks of which a server or source has that address; where
// servers have its port as well, only theirs.
func (e *Endpoint) TrunksAt(source netip.AddrPort) []*Trunk {
	e.mu.Lock()
	defer e.mu.Unlock()
	var host, port []*Trunk
	for _, t := range e.trunks {
		byHost, byPort := t.serves(source)
		if byPort {
			port = append(port, t)
		}
		if byHost {
			host = append(host, t)
		}
	}
	if len(port) > 0 {
		return port
	}
	return host
}

// pathOf is the way back to where a request came from.
func (e *Endpoint) pathOf(req *sipgo.Request, local net.Addr) (path, error) {
	p := path{transport: sipgo.NetworkToLower(req.Transport())}
	source, err := wire.Source(req)
	if err != nil {
		return path{}, err
	}
	p.fallback = source
	p.flow = e.isPhone(p.transport, source)
	if at := e.TrunksAt(source); len(at) > 0 {
		p.profile, p.nat = at[0].profile, at[0].cfg.NAT
	}
	if at := wire.AddrPort(local); e.wire.Listens(p.transport, at) {
		p.local = at
		return p, nil
	}
	p.local, err = e.wire.Local(p.transport, p.fallback)
	return p, err
}
