package wire

import "sync/atomic"

// Stats are a layer's counters since it was made.
type Stats struct {
	Malformed     uint64 // messages that are not SIP, or not in order
	Refused       uint64 // requests that were answered here: those not in order, and those of unknown methods, schemes or versions
	Retransmitted uint64 // failures that came again and were ACKed again
	Open          int    // client transactions that are not over, or owe an ACK yet
	Lost          uint64 // datagrams that the system dropped, as its buffer was full
}

type counters struct{ malformed, refused, retransmitted atomic.Uint64 }

// Stats returns the counters.
func (l *Layer) Stats() Stats {
	s := Stats{
		Malformed: l.count.malformed.Load(), Refused: l.count.refused.Load(), Retransmitted: l.count.retransmitted.Load(),
		Open: l.transactions.count(),
	}
	for _, at := range l.listeners {
		if at.udp != nil {
			s.Lost += overflow(at.udp)
		}
	}
	return s
}
