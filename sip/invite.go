package sip

import (
	"context"
	"fmt"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// Invite describes an outgoing call.
type Invite struct {
	ID          string // the attempt's id: Call-ID is ID@host. Empty: a random one.
	To          string // number in E.164, or extension
	CallerID    string // one of the trunk's, if it lists any; empty at a PBX peer: its username
	DisplayName string // default: the trunk's
	Offer       []byte // SDP
	Headers     []Header

	// RingTimeout bounds INVITE to final response; then the call is cancelled. It
	// must be above 0: nothing else ends a call that rings for ever.
	RingTimeout time.Duration

	OnOffer OnOffer // answers re-INVITE and UPDATE; nil: 488

	// OnLateOffer answers the far side's offer where the trunk's policy has the INVITE
	// go without one (Policy.LateOffer; Offer is not sent then). Like OnOffer it is
	// called on the call's goroutine. The answer goes into PRACK or ACK.
	OnLateOffer func(offer []byte) (answer []byte, err error)

	Replaces   *ReplacesID // the dialog of the far side that this call takes the place of (RFC 3891)
	ReferredBy string      // who asked for this call: the value of Referral.By (RFC 3892)
}

// Invite calls. It returns at once; what comes of it is told by the call's events.
// An error means that nothing was sent: the target (ErrTarget), caller ID
// (ErrCallerID) or a header (ErrHeader) is not allowed, the id is in use, the
// endpoint is closed. When ctx ends before the answer, the call is cancelled;
// afterwards ctx has no effect.
func (t *Trunk) Invite(ctx context.Context, inv Invite) (*Call, error) {
	if inv.CallerID == "" && len(t.cfg.Identity.CallerIDs) == 0 {
		inv.CallerID = t.cfg.Username
	}
	return t.e.place(ctx, t.outlet(), inv)
}

// place checks and begins an outgoing call.
func (e *Endpoint) place(ctx context.Context, o outlet, inv Invite) (*Call, error) {
	to, err := o.identity.Number(inv.To)
	if err != nil {
		return nil, err
	}
	from, err := o.identity.Present(inv.CallerID, inv.DisplayName)
	if err != nil {
		return nil, fmt.Errorf("%w (trunk %s)", err, o.name)
	}
	if err := header.Check(inv.Headers); err != nil {
		return nil, err
	}
	if inv.RingTimeout <= 0 {
		return nil, fmt.Errorf("%w: the ring timeout must be above 0", ErrConfig)
	}
	if inv.ID == "" {
		inv.ID = random(16)
	}
	if !header.IsToken(inv.ID) || len(inv.ID) > 128 {
		return nil, fmt.Errorf("%w: id %q cannot be part of a Call-ID", ErrHeader, header.Clip(inv.ID, 64))
	}
	if o.policy.LateOffer {
		if inv.OnLateOffer == nil {
			return nil, fmt.Errorf("%w: trunk %s sends INVITE without offer, and nobody answers late ones", ErrConfig, o.name)
		}
		inv.Offer = nil
	}
	if inv.Replaces != nil && !inv.Replaces.Valid() {
		return nil, fmt.Errorf("%w: Replaces", ErrHeader)
	}
	if err := header.Check([]Header{{Name: "X-Referred-By", Value: inv.ReferredBy}}); err != nil {
		return nil, fmt.Errorf("%w: Referred-By", ErrHeader)
	}
	c := e.newCall(inv.ID, inv.ID+"@"+o.callHost, random(8), inv.OnOffer, o.policy, o.auth())
	c.outgoing = true
	s := &setup{
		Call: c, outlet: o, inv: inv, to: to, from: from, seq: randomSeq(),
		ends: make(chan inviteEnd, 4),
	}
	s.branches, s.early = map[string]*branch{}, map[string]*fork{}
	if err := e.add(c); err != nil {
		return nil, err
	}
	if !e.spawn(func() { s.run(ctx) }) {
		e.remove(c)
		return nil, ErrClosed
	}
	return c, nil
}

// send sends the INVITE to one target, the first time or again with what the last
// try has taught.
func (s *setup) send(at target, auth *authenticator) error {
	req := s.newInvite(at)
	if err := auth.authorize(req); err != nil {
		return err
	}
	address(req, at.path, at.addr)
	if at.own {
		auth.home, s.auth.home = at.addr, at.addr // s.auth: for what is sent before the answer
	}
	b := &branch{target: at, req: req, auth: auth}
	s.branches[branchOf(req)] = b
	s.open++
	b.tx = s.e.startInvite(req, nil, s.outlet.policy.AnswerTimeout, func(end inviteEnd) {
		select {
		case s.ends <- end:
		default: // more of them at once than there is room for
			s.e.work.Go(func() {
				select {
				case s.ends <- end:
				case <-s.done:
				}
			})
		}
	})
	return nil
}

// newInvite builds the INVITE to one target. Call-ID and From tag are the same for
// all targets, the CSeq number for all that are tried with the same request.
func (s *setup) newInvite(at target) *sipgo.Request {
	o := &s.outlet
	req := s.e.newRequest(sipgo.INVITE, *at.uri.Clone(), at.path, s.callID, s.localTag)
	for i := range at.routes {
		req.AppendHeader(&sipgo.RouteHeader{Address: *at.routes[i].Clone()})
	}
	display, from := o.identity.FromHeader(s.from, o.account, o.domain)
	req.AppendHeader(&sipgo.FromHeader{
		DisplayName: display, Address: from, Params: sipgo.HeaderParams{{K: "tag", V: s.localTag}},
	})
	req.AppendHeader(&sipgo.ToHeader{Address: o.identity.URI(s.to, o.domain)})
	callID := sipgo.CallIDHeader(s.callID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: s.seq, MethodName: sipgo.INVITE})
	req.AppendHeader(&sipgo.ContactHeader{Address: o.contact(at.path)})
	for _, h := range o.identity.Headers(s.from, o.domain) {
		req.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	req.AppendHeader(sipgo.NewHeader("Allow", s.e.allowed()))
	s.askInterval(req)
	if o.policy.Reliable == ReliableRequired {
		req.AppendHeader(sipgo.NewHeader("Require", "100rel"))
	}
	if r := s.inv.Replaces; r != nil {
		req.AppendHeader(sipgo.NewHeader("Require", "replaces"))
		req.AppendHeader(sipgo.NewHeader("Replaces", r.String()))
	}
	if by := s.inv.ReferredBy; by != "" {
		req.AppendHeader(sipgo.NewHeader("Referred-By", by))
	}
	for _, h := range s.inv.Headers {
		req.AppendHeader(sipgo.NewHeader(h.Name, h.Value))
	}
	setBody(req, s.inv.Offer)
	return req
}
