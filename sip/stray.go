package sip

import (
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// maxStrays bounds the memory of strays; beyond it each 2xx gets its BYE anew.
const maxStrays = 4096

// strays remembers which 2xx without a call have been ended, so that
// retransmissions are only ACKed again.
type strays struct {
	mu    sync.Mutex // protects known
	known map[strayKey]stray
}

type strayKey struct {
	callID, remoteTag string
	seq               uint32
}

type stray struct {
	ack    *sipgo.Request // nil while being made
	dialog *dialog
	until  time.Time // 64*T1: the far side retransmits no longer (RFC 3261 section 13.3.1.4)
}

func (s *strays) init() { s.known = map[strayKey]stray{} }

// claim returns the stray of that key, or files a new one and returns false.
func (s *strays) claim(key strayKey) (stray, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if k, ok := s.known[key]; ok && now.Before(k.until) {
		return k, true
	}
	if len(s.known) >= maxStrays {
		for k, v := range s.known {
			if now.After(v.until) {
				delete(s.known, k)
			}
		}
	}
	if len(s.known) < maxStrays {
		s.known[key] = stray{until: now.Add(64 * sipgo.T1)}
	}
	return stray{}, false
}

func (s *strays) keep(key strayKey, d *dialog, ack *sipgo.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[key]; ok {
		k.dialog, k.ack = d, ack
		s.known[key] = k
	}
}

// disown ends the call behind a 2xx to one of our INVITEs that nobody wants: it
// crossed our CANCEL, or lost against another fork, or came when its call was
// over. It is ACKed and a BYE ends its dialog (RFC 3261 sections 9.1, 13.2.2.4).
// invite may be nil, when it is forgotten: the response tells all that is needed.
// early is the early dialog that the 2xx confirms, nil where there is none, or none is
// known any more.
func (e *Endpoint) disown(res *sipgo.Response, invite *sipgo.Request, early *dialog, auth *authenticator) {
	key := strayKey{res.CallID().Value(), toTag(res), res.CSeq().SeqNo}
	if known, again := e.strays.claim(key); again {
		e.count.retransmitted.Add(1)
		if known.ack != nil {
			e.sendACK(known.dialog.clone(), known.ack.Clone())
		}
		return
	}
	e.count.strays.Add(1)
	d, ack, err := e.strayDialog(res, invite)
	if err != nil {
		e.log.Warn("sip: an unwanted 2xx cannot be ended", "call_id", key.callID, "error", err)
		return
	}
	if early != nil {
		d.countOn(early)
	} else {
		d.localSeq += seqMargin
	}
	e.strays.keep(key, d.clone(), ack.Clone())
	e.sendACK(d, ack)
	e.log.Info("sip: unwanted 2xx: ACK and BYE", "call_id", key.callID, "status", res.StatusCode)
	if err := e.bye(d.clone(), CauseNormal, auth); err != nil {
		e.log.Warn("sip: BYE to an unwanted 2xx failed; the far side may think that the call is up", "call_id", key.callID, "error", err)
	}
}

func (e *Endpoint) strayDialog(res *sipgo.Response, invite *sipgo.Request) (*dialog, *sipgo.Request, error) {
	if invite == nil {
		invite = sipgo.NewRequest(sipgo.INVITE, res.To().Address)
		invite.AppendHeader(sipgo.HeaderClone(res.From()))
		invite.AppendHeader(sipgo.HeaderClone(res.CallID()))
		invite.AppendHeader(sipgo.HeaderClone(res.CSeq()))
	}
	source, err := wire.Source(res)
	if err != nil {
		return nil, nil, err
	}
	p := path{transport: sipgo.NetworkToLower(res.Transport()), fallback: source}
	if trunk := e.trunkAt(res); trunk != nil {
		p.nat = trunk.cfg.NAT
	}
	if p.local, err = e.wire.Local(p.transport, source); err != nil {
		return nil, nil, err
	}
	d, err := e.newUACDialog(invite, res, p)
	if err != nil {
		return nil, nil, err
	}
	return d, d.newACK(e, invite, nil), nil
}
