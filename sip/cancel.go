package sip

import (
	"context"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// newCANCEL builds the CANCEL of an INVITE (RFC 3261 section 9.1): Request-URI,
// top Via, From, To, Call-ID, CSeq number and Route of that INVITE, whatever has
// been learned since; no Contact, no Require.
func (e *Endpoint) newCANCEL(invite *sipgo.Request, reason string) *sipgo.Request {
	req := sipgo.NewRequest(sipgo.CANCEL, *invite.Recipient.Clone())
	req.AppendHeader(invite.Via().Clone())
	for _, name := range []string{"Max-Forwards", "User-Agent", "Route", "From", "To", "Call-ID"} {
		sipgo.CopyHeaders(name, invite, req)
	}
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sipgo.CANCEL})
	req.AppendHeader(sipgo.NewHeader("Reason", reason))
	req.SetBody(nil)
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.Destination())
	req.Laddr = invite.Laddr
	return req
}

// cancel sends the CANCEL of an INVITE, in a goroutine of its own.
func (e *Endpoint) cancel(invite *sipgo.Request, reason string) {
	e.work.Go(func() { e.sendCANCEL(invite, reason) })
}

// sendCANCEL sends the CANCEL of an INVITE. What comes of it shows in the INVITE's final
// response; 481 means that this is on its way.
func (e *Endpoint) sendCANCEL(invite *sipgo.Request, reason string) {
	req := e.newCANCEL(invite, reason)
	if _, err := e.do(context.Background(), req); err != nil {
		e.log.Debug("sip: CANCEL not answered", "call_id", strings.TrimSpace(req.CallID().Value()), "error", err)
	}
}
