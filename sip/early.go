package sip

import (
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// takeEarlyRequest answers a request in a dialog that is not confirmed yet.
func (s *setup) takeEarlyRequest(m incomingRequest) {
	req, tx := m.req, m.tx
	tag := fromTag(req)
	if req.Method == sipgo.BYE {
		// The 2xx was lost, or is still on its way, and they hang up already.
		s.e.respond(tx, s.e.response(req, 200, "OK", nil))
		if s.gone == nil {
			s.gone = map[string]Ended{}
		}
		if len(s.gone) < maxForks {
			s.gone[tag] = Ended{At: time.Now(), Failure: failureOf(req)}
		}
		return
	}
	f := s.early[tag]
	if f == nil {
		s.e.refuse(tx, req, 481, "Call/Transaction Does Not Exist")
		return
	}
	if !s.inOrder(f.dialog, m) {
		return
	}
	switch req.Method {
	case sipgo.UPDATE:
		s.takeEarlyUpdate(f.dialog, m)
	case sipgo.INFO:
		s.takeInfo(req, tx)
	case sipgo.OPTIONS:
		s.e.respond(tx, s.e.options(req, &s.policy))
	case sipgo.INVITE:
		s.e.refuse(tx, req, 491, "Request Pending") // RFC 3261 section 14.2
	case sipgo.REFER:
		s.e.refuse(tx, req, 603, "Decline") // nobody is there to be transferred
	default:
		s.e.refuse(tx, req, 405, "Method Not Allowed")
	}
}

// inOrder checks what every request inside a dialog must keep to, and answers the one
// that does not.
func (c *Call) inOrder(d *dialog, m incomingRequest) bool {
	// RFC 3261 section 12.2.2: a number not above the last one is out of order.
	if seq := m.req.CSeq().SeqNo; seq <= d.remoteSeq && d.remoteSeq != 0 {
		c.e.refuse(m.tx, m.req, 500, "Out of Order")
		return false
	}
	d.remoteSeq = m.req.CSeq().SeqNo
	d.moved(m.req)
	return !c.e.refuseExtension(m.tx, m.req, &c.policy)
}
