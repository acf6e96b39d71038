package sip

import (
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// serverInvite is a 2xx of ours to an INVITE or re-INVITE that is not ACKed yet.
// The answering side itself sends it again, at T1, doubling up to T2, over any
// transport, until the ACK comes or 64*T1 are over (RFC 3261 section 13.3.1.4).
// Its channels are those of a nil receiver when there is none.
type serverInvite struct {
	seq     uint32
	tx      *sipgo.ServerTx
	res     *sipgo.Response
	initial bool // it answers the INVITE that opened the dialog
	offered bool // the 2xx carries our offer, the ACK will bring the answer

	interval time.Duration
	timer    *time.Timer // next retransmission
	limit    *time.Timer
}

func newServerInvite(req *sipgo.Request, tx *sipgo.ServerTx, res *sipgo.Response, offered bool) *serverInvite {
	return &serverInvite{
		seq: req.CSeq().SeqNo, tx: tx, res: res, offered: offered,
		interval: sipgo.T1, timer: time.NewTimer(sipgo.T1), limit: time.NewTimer(64 * sipgo.T1),
	}
}

func (s *serverInvite) send() error { return s.tx.Respond(s.res) }

func (s *serverInvite) again() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.timer.C
}

func (s *serverInvite) expired() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.limit.C
}

func (s *serverInvite) retransmit() {
	_ = s.send() // the transport is gone, then the limit ends it
	s.interval = min(2*s.interval, sipgo.T2)
	s.timer.Reset(s.interval)
}

// giveUp has the wait for the ACK expire now.
func (s *serverInvite) giveUp() { s.limit.Reset(0) }

func (s *serverInvite) stop() {
	s.timer.Stop()
	s.limit.Stop()
}

// takeACK handles the ACK to a 2xx of ours.
func (c *Call) takeACK(ack *sipgo.Request) {
	if c.in == nil || ack.CSeq() == nil || ack.CSeq().SeqNo != c.in.seq || fromTag(ack) != c.d.remoteTag() {
		return // to a 2xx that was ACKed before
	}
	c.in.stop()
	offered := c.in.offered
	if c.in.initial {
		c.unACKed.settle()
		c.unACKed = nil
		defer close(c.proved)
	}
	c.in = nil
	if !offered {
		return
	}
	if sdp, ok := session(ack); ok && sdp != nil {
		c.d.remoteSDP = sdp
		c.emit(SessionAnswer{At: time.Now(), Body: sdp})
		return
	}
	// RFC 3261 section 13.2.2.4: an ACK that owes an answer and brings none.
	c.e.log.Warn("sip: ACK without the answer to our offer", "call", c.id)
	c.Hangup(CauseInterworking)
}
