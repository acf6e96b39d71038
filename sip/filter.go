package sip

import (
	"errors"
	"net/netip"
	"slices"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/defence"
	"ringpace/sip/digest"
	"ringpace/sip/wellformed"
)

// admit reports whether a message is to be parsed, and keeps a copy of it for the
// trace. What comes after the endpoint has closed is not heard. data is one datagram,
// or one whole message of a stream.
func (e *Endpoint) admit(transport string, local, from netip.AddrPort, data []byte) bool {
	if e.deaf.Load() {
		return false
	}
	if e.guard != nil {
		if !e.guard.Allow(from, data) {
			return false
		}
	} else if !defence.IsKeepAlive(data) && !defence.BeginsLikeSIP(data) {
		e.count.malformed.Add(1)
		return false
	}
	e.trace.Record(false, transport, local, from, data)
	return true
}

// filter sees what sipgo reads before it parses it. Datagrams and streams were
// judged where they were read, see udpSocket and stream; here come the messages of
// WebSockets, whose frames sipgo takes apart.
func (e *Endpoint) filter(from sipgo.TransportReadProps, data []byte) ([]byte, error) {
	if transport := sipgo.NetworkToLower(from.Transport); isWebSocket(transport) {
		if !e.admit(transport, localAddr(from.LocalAddr), localAddr(from.RemoteAddr), data) {
			return nil, nil
		}
	}
	if e.deaf.Load() {
		return nil, nil
	}
	return data, nil
}

// proper returns what is to be parsed of an admitted message: nothing of one that is
// not in order. Such a one is counted, costs a log line if there was none lately,
// and is answered by write, where an answer is due.
func (e *Endpoint) proper(data []byte, from netip.AddrPort, write func(*wellformed.Refusal, []byte)) []byte {
	if defence.IsKeepAlive(data) {
		return data
	}
	message, refusal := wellformed.Judge(data)
	if message != nil {
		return message
	}
	e.count.malformed.Add(1)
	why := "no request that could be answered"
	if refusal != nil {
		why = refusal.Phrase
		e.count.rejected.Add(1)
		write(refusal, refusal.Response(from, random(8), e.userAgent))
	}
	e.wire.Warn("message that is not in order", "error", why+", from "+from.String())
	return nil
}

// judged tells the guard what came of checking the credentials of a request. That
// there were none, or old ones, is no fault.
func (e *Endpoint) judged(source netip.Addr, err error) {
	switch {
	case e.guard == nil:
	case err == nil:
		e.guard.Proved(source)
	case errors.Is(err, digest.ErrWrong):
		e.guard.Failed(source)
	}
}

// refused tells the guard of a request that is refused for who sent it, or for what it
// asks.
func (e *Endpoint) refused(source netip.Addr) {
	if e.guard != nil {
		e.guard.Refused(source)
	}
}

// TrunksAt returns the trunks whose messages come from an address.
func (e *Endpoint) TrunksAt(source netip.AddrPort) []*Trunk { return e.trunksAt(source) }

// trust tells the guard where a trunk's messages come from.
func (t *Trunk) trust() {
	if t.e.guard == nil {
		return
	}
	list := slices.Clone(t.cfg.Sources)
	t.mu.Lock()
	for _, s := range t.servers {
		list = append(list, netip.PrefixFrom(s.Addr(), s.Addr().BitLen()))
	}
	t.mu.Unlock()
	t.e.guard.Trust("trunk "+t.cfg.Name, list)
}
