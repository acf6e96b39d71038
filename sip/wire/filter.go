package wire

import (
	"crypto/rand"
	"net/netip"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/defence"
	"ringpace/sip/wellformed"
)

// admit reports whether a message is to be parsed, and keeps a copy of it for the
// trace. What comes after Close has begun is not heard. data is one datagram,
// or one whole message of a stream.
func (l *Layer) admit(transport string, local, from netip.AddrPort, data []byte) bool {
	if l.deaf.Load() {
		return false
	}
	if l.cfg.Guard != nil {
		if !l.cfg.Guard.Allow(from, data) {
			return false
		}
	} else if !defence.IsKeepAlive(data) && !defence.BeginsLikeSIP(data) {
		l.count.malformed.Add(1)
		return false
	}
	l.cfg.Trace.Record(false, transport, local, from, data)
	return true
}

// filter sees what sipgo reads before it parses it. Datagrams and streams were
// judged where they were read, see udpSocket and stream; here come the messages of
// WebSockets, whose frames sipgo takes apart.
func (l *Layer) filter(from sipgo.TransportReadProps, data []byte) ([]byte, error) {
	if transport := sipgo.NetworkToLower(from.Transport); IsWebSocket(transport) {
		if !l.admit(transport, AddrPort(from.LocalAddr), AddrPort(from.RemoteAddr), data) {
			return nil, nil
		}
		if l.responded(from.Transport, from.RemoteAddr.String(), data) {
			return nil, nil
		}
	}
	if l.deaf.Load() {
		return nil, nil
	}
	return data, nil
}

// proper returns what is to be parsed of an admitted message: nothing of one that is
// not in order. Such a one is counted, costs a log line if there was none lately,
// and is answered by write, where an answer is due. So is one in order that asks for
// what we do not know, such as a method of its own; that is nothing to warn of.
func (l *Layer) proper(data []byte, from netip.AddrPort, write func(*wellformed.Refusal, []byte)) []byte {
	if defence.IsKeepAlive(data) {
		return data
	}
	message, refusal := wellformed.Judge(data)
	if message != nil {
		return message
	}
	why := "no request that could be answered"
	if refusal != nil {
		why = refusal.Phrase
		l.count.refused.Add(1)
		write(refusal, refusal.Response(from, rand.Text(), l.cfg.UserAgent))
		if refusal.Status != 400 {
			return nil
		}
	}
	l.count.malformed.Add(1)
	l.log.Warn("message that is not in order", "error", why+", from "+from.String())
	return nil
}

// responded takes a response, and reports whether the message was one: sipgo sees
// requests only, for its server transactions.
func (l *Layer) responded(transport, source string, message []byte) bool {
	if !isResponse(message) {
		return false
	}
	msg, err := l.parser.ParseSIP(message)
	res, ok := msg.(*sipgo.Response)
	if err != nil || !ok {
		l.log.Warn("failed to parse", "error", err) // counts it as well
		return true
	}
	if !normalise(res) {
		l.count.malformed.Add(1)
		return true
	}
	res.SetTransport(transport)
	res.SetSource(source)
	l.cfg.Received(res)
	l.respond(res)
	return true
}
