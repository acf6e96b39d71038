package sip

import "sync/atomic"

// Stats are an endpoint's counters since it was opened, and gauges of now.
type Stats struct {
	Requests      uint64 // received, without retransmissions that a transaction absorbed
	Responses     uint64 // received, all
	Malformed     uint64 // messages that are not SIP, or miss what every message needs
	Retransmitted uint64 // 2xx and failures that came again and were ACKed again
	Rejected      uint64 // requests that were refused before anybody was asked
	Dropped       uint64 // messages that a call could not take up in time
	Strays        uint64 // 2xx without a call, ended with ACK and BYE
	Challenged    uint64 // 401 and 407 sent
	Lost          uint64 // datagrams that the system dropped, as its buffer was full
	CallsUp       int    // calls between INVITE and BYE, both ways
}

type counters struct {
	requests, responses, malformed, retransmitted, rejected, dropped, strays, challenged atomic.Uint64
}

// Stats returns the counters.
func (e *Endpoint) Stats() Stats {
	e.mu.Lock()
	up := len(e.calls)
	e.mu.Unlock()
	sockets := e.wire.Stats()
	return Stats{
		Requests:      e.count.requests.Load(),
		Responses:     e.count.responses.Load(),
		Malformed:     e.count.malformed.Load() + sockets.Malformed,
		Retransmitted: e.count.retransmitted.Load() + sockets.Retransmitted,
		Rejected:      e.count.rejected.Load() + sockets.Refused,
		Dropped:       e.count.dropped.Load(),
		Strays:        e.count.strays.Load(),
		Challenged:    e.count.challenged.Load(),
		Lost:          sockets.Lost,
		CallsUp:       up,
	}
}
