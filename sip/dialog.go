package sip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/wire"
)

// path is how messages of a call leave: transport, our address, and where to
// send when nothing better is known.
type path struct {
	transport string         // "udp", "tcp", "tls", "ws" or "wss"
	local     netip.AddrPort // the listener that is named in Via and Contact
	fallback  netip.AddrPort // where the far side's messages come from, or the trunk's server
	flow      bool           // the far side is a phone of our registrar: it is reached there alone, whatever its Contact says
	profile   string         // of the trunk: whose certificate to believe, which connections to take
	nat       NAT            // of the trunk
}

// dialog is the state of one dialog (RFC 3261 section 12). Its owner is a call's
// goroutine, or whoever made a copy with clone.
type dialog struct {
	path      path
	callID    string
	local     sipgo.FromHeader // with our tag
	remote    sipgo.ToHeader   // with their tag, once known
	contact   sipgo.Uri        // ours
	target    sipgo.Uri        // their Contact
	routes    []sipgo.Uri      // route set, in the order of use
	localSeq  uint32           // CSeq of our latest request
	remoteSeq uint32           // CSeq of their latest request; 0: none yet
	unreached bool             // the next hop was not reached: take the fallback

	// The session (RFC 3264), as opaque descriptions.
	localSDP  []byte // the latest of ours that was agreed
	remoteSDP []byte // likewise theirs
	agreed    bool   // offer and answer have been exchanged
	offered   bool   // an UPDATE of ours with an offer has no answer yet
	updates   bool   // the far side allows UPDATE (RFC 3311 section 4)
}

func (d *dialog) localTag() string  { return d.local.Params.GetOr("tag", "") }
func (d *dialog) remoteTag() string { return d.remote.Params.GetOr("tag", "") }

func (d *dialog) clone() *dialog {
	c := *d
	c.local.Params = slices.Clone(d.local.Params)
	c.remote.Params = slices.Clone(d.remote.Params)
	c.routes = slices.Clone(d.routes)
	return &c
}

// newUACDialog builds the dialog that a response to our INVITE establishes: a 2xx, or a
// provisional one with a To tag. A far side of RFC 2543 may leave the tag out of its
// 2xx; the remote tag is null then (RFC 3261 section 12.1.2).
func (e *Endpoint) newUACDialog(invite *sipgo.Request, res *sipgo.Response, p path) (*dialog, error) {
	from, to, callID, cseq := invite.From(), res.To(), invite.CallID(), invite.CSeq()
	if to == nil {
		return nil, fmt.Errorf("response without To")
	}
	d := &dialog{path: p, callID: callID.Value(), local: *from, remote: *to, localSeq: cseq.SeqNo, target: invite.Recipient}
	d.remote.Address = *to.Address.Clone()
	if c := invite.Contact(); c != nil {
		d.contact = c.Address
	}
	if c := res.Contact(); c != nil && !c.Address.Wildcard {
		d.target = *c.Address.Clone()
	}
	d.routes = recordRoutes(res)
	slices.Reverse(d.routes)
	d.updates = listed(res, "Allow", "", string(sipgo.UPDATE))
	d.follow(e)
	return d, nil
}

// newUASDialog builds the dialog that our answer to an INVITE establishes (RFC
// 3261 section 12.1.1). invite carries our To tag already; see Endpoint.receive.
func (e *Endpoint) newUASDialog(invite *sipgo.Request, contact sipgo.Uri, p path) (*dialog, error) {
	from, to := invite.From(), invite.To()
	c := invite.Contact()
	if c == nil || c.Address.Wildcard {
		return nil, fmt.Errorf("INVITE without Contact")
	}
	d := &dialog{
		path: p, callID: invite.CallID().Value(), contact: contact, target: *c.Address.Clone(),
		local:     to.AsFrom(),
		remote:    from.AsTo(),
		routes:    recordRoutes(invite),
		localSeq:  randomSeq(),
		remoteSeq: invite.CSeq().SeqNo,
		updates:   listed(invite, "Allow", "", string(sipgo.UPDATE)),
	}
	d.follow(e)
	return d, nil
}

// recordRoutes returns the Record-Route of a message from top to bottom, however
// many fields and commas it is spread over.
func recordRoutes(msg sipgo.Message) []sipgo.Uri {
	var out []sipgo.Uri
	for _, h := range msg.GetHeaders("Record-Route") {
		if rr, ok := h.(*sipgo.RecordRouteHeader); ok && rr.Address.Host != "" {
			out = append(out, *rr.Address.Clone())
		}
	}
	return out
}

// refresh takes a new remote target from the Contact of a target refresh (RFC
// 3261 section 12.2, RFC 3311 section 5).
func (d *dialog) refresh(msg interface {
	sipgo.Message
	Contact() *sipgo.ContactHeader
},
) {
	if len(msg.GetHeaders("Allow")) > 0 {
		d.updates = listed(msg, "Allow", "", string(sipgo.UPDATE))
	}
	if c := msg.Contact(); c != nil && !c.Address.Wildcard && c.Address.Host != "" {
		d.target = *c.Address.Clone()
	}
}

// request builds a request inside the dialog (RFC 3261 section 12.2.1.1).
// Requests other than ACK get seq of nextSeq; ACK carries that of its INVITE.
func (d *dialog) request(e *Endpoint, method sipgo.RequestMethod, seq uint32) *sipgo.Request {
	uri, routes := d.target, d.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") {
		// The first hop is a strict router (RFC 2543): its URI becomes the Request-URI.
		uri = *routes[0].Clone()
		routes = append(slices.Clone(routes[1:]), d.target)
	}
	uri = *uri.Clone()
	uri.Headers = nil
	req := e.newRequest(method, uri, d.path, d.callID, d.localTag())
	for i := range routes {
		req.AppendHeader(&sipgo.RouteHeader{Address: *routes[i].Clone()})
	}
	from, to := d.local, d.remote
	req.AppendHeader(&from)
	req.AppendHeader(&to)
	callID := sipgo.CallIDHeader(d.callID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: seq, MethodName: method})
	switch method {
	case sipgo.INVITE, sipgo.UPDATE:
		req.AppendHeader(&sipgo.ContactHeader{Address: d.contact})
		req.AppendHeader(sipgo.NewHeader("Allow", e.allowed()))
	case sipgo.NOTIFY, sipgo.REFER: // RFC 3265 section 3.2.2, RFC 3515 section 2.2
		req.AppendHeader(&sipgo.ContactHeader{Address: d.contact})
	}
	return req
}

func (d *dialog) nextSeq() uint32 {
	d.localSeq++
	return d.localSeq
}

// countOn goes on counting from the early dialog of the same tags, in which PRACK and
// UPDATE have been sent.
func (d *dialog) countOn(early *dialog) { d.localSeq = max(d.localSeq, early.localSeq) }

// nextHop returns the URI that a request of this dialog goes to first.
func (d *dialog) nextHop() *sipgo.Uri {
	if len(d.routes) > 0 {
		return &d.routes[0]
	}
	return &d.target
}

// newRequest starts a request: Request-URI, Via, Max-Forwards, User-Agent.
func (e *Endpoint) newRequest(method sipgo.RequestMethod, uri sipgo.Uri, p path, callID, localTag string) *sipgo.Request {
	req := sipgo.NewRequest(method, uri)
	req.AppendHeader(&sipgo.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(p.transport),
		Host: p.local.Addr().String(), Port: int(p.local.Port()),
		Params: sipgo.HeaderParams{{K: "rport"}, {K: "branch", V: e.signer.branch(callID, localTag)}}, // RFC 3581
	})
	maxForwards := sipgo.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(sipgo.NewHeader("User-Agent", e.userAgent))
	return req
}

// setBody ends the building of a request: body and an honest Content-Length.
func setBody(msg interface {
	AppendHeader(sipgo.Header)
	SetBody([]byte)
}, body []byte,
) {
	if len(body) == 0 {
		msg.SetBody(nil)
		return
	}
	contentType := sipgo.ContentTypeHeader(sdpType)
	msg.AppendHeader(&contentType)
	msg.SetBody(body)
}

// contactURI is where the far side reaches us.
func contactURI(user string, p path) sipgo.Uri {
	u := sipgo.Uri{Scheme: "sip", User: header.EscapeUser(user), Host: p.local.Addr().String(), Port: int(p.local.Port())}
	switch {
	case wire.IsWebSocket(p.transport):
		u.UriParams = sipgo.HeaderParams{{K: "transport", V: "ws"}} // also with TLS (RFC 7118 section 5.2.4)
	case p.transport != "udp":
		u.UriParams = sipgo.HeaderParams{{K: "transport", V: p.transport}}
	}
	return u
}

// address sets where req is sent to and from.
func address(req *sipgo.Request, p path, to netip.AddrPort) {
	req.SetTransport(strings.ToUpper(p.transport))
	req.SetDestination(to.String())
	// sipgo makes no use of the host name beside an address; connect does. For UDP it
	// takes the listener by its port; for the others connect sets it: that of the
	// listener would be any connection that it accepted.
	req.Laddr = sipgo.Addr{IP: p.local.Addr().AsSlice(), Hostname: p.profile}
	if p.transport == "udp" {
		req.Laddr.Port = int(p.local.Port())
	}
}

// hop finds the address of the next hop and readies req for it. A host that
// cannot be found, or was not reached, or is behind a NAT (see NAT), is replaced by
// where the far side's messages come from.
func (d *dialog) hop(ctx context.Context, e *Endpoint, req *sipgo.Request) error {
	if d.returns() {
		address(req, d.path, d.path.fallback)
		return nil
	}
	to, err := e.locateURI(ctx, d.nextHop(), d.path)
	if err != nil && d.path.fallback.IsValid() {
		to, err = d.path.fallback, nil
	}
	if err != nil {
		return err
	}
	address(req, d.path, to)
	return nil
}

// moved follows a phone to another connection or NAT binding, and a trunk behind a NAT to
// another port of the same address.
func (d *dialog) moved(req *sipgo.Request) {
	source, err := wire.Source(req)
	if err != nil || sipgo.NetworkToLower(req.Transport()) != d.path.transport {
		return
	}
	if d.path.flow || d.returns() && source.Addr() == d.path.fallback.Addr() {
		d.path.fallback = source
	}
}

// follow switches to the transport that the next hop asks for (RFC 3261 section
// 19.1.1), where the endpoint has it.
func (d *dialog) follow(e *Endpoint) {
	if d.path.flow {
		return
	}
	want := strings.ToLower(d.nextHop().UriParams.GetOr("transport", ""))
	if want == "" || want == d.path.transport {
		return
	}
	if local, err := e.wire.Local(want, d.path.fallback); err == nil {
		d.path.transport, d.path.local = want, local
		// The fallback belongs to the transport that messages came over.
		d.path.fallback = netip.AddrPort{}
	}
}

// randomSeq returns a first CSeq number: below 2^31, with room to count.
func randomSeq() uint32 {
	n, _ := strconv.ParseUint(random(2), 16, 32) // 16 random bits in hexadecimal
	return uint32(n) + 1
}
