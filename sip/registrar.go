package sip

import (
	"net/netip"
	"slices"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// handleRegister answers a REGISTER.
func (e *Endpoint) handleRegister(req *sipgo.Request, tx *sipgo.ServerTx) {
	if e.registrar == nil {
		e.refuse(tx, req, 403, "Forbidden")
		return
	}
	p, err := e.pathOf(req, tx.Connection().LocalAddr())
	if err != nil {
		e.refuse(tx, req, 400, "Bad Request")
		return
	}
	answer := e.registrar.Handle(req, p.local, e.own)
	switch {
	case answer.Suspicious:
		e.suspected(p.fallback.Addr(), answer.Hunted)
	case answer.User != "":
		e.judged(p.fallback.Addr(), answer.User, nil)
		e.registered(p.fallback.Addr(), answer.Until)
	}
	res := e.response(req, answer.Status, answer.Phrase, nil)
	for _, h := range answer.Headers {
		res.AppendHeader(h)
	}
	switch {
	case answer.Status == 401:
		e.count.challenged.Add(1)
	case answer.Status >= 300:
		e.count.rejected.Add(1)
	}
	e.respond(tx, res)
}

// own reports whether the endpoint listens at that address.
func (e *Endpoint) own(addr netip.AddrPort) bool {
	return slices.ContainsFunc(e.wire.Listeners(), func(l wire.Listen) bool { return l.Addr == addr })
}

// isPhone reports whether a registered user, or a browser, sends from there.
func (e *Endpoint) isPhone(transport string, source netip.AddrPort) bool {
	return wire.IsWebSocket(transport) ||
		e.registrar != nil && e.registrar.Knows(transport, source)
}

// lost tells the registrar that a connection is gone.
func (e *Endpoint) lost(transport string, remote netip.AddrPort) {
	if e.registrar != nil {
		e.registrar.Lost(transport, remote)
	}
}
