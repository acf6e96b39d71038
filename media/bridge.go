package media

import (
	"sync"
	"time"
)

// Bridge relays between the legs of a customer and an agent. Packets go from the
// reading goroutine of one leg straight to the socket of the other.
type Bridge struct {
	engine          *Engine
	customer, agent *Session
	firstSent       chan time.Time
	closing         sync.Once
	closed          chan struct{}
}

// Bridge joins two sessions of the engine. The agent's most recent packet is sent
// to the customer before Bridge returns, if there is one of the last 40 ms.
func (e *Engine) Bridge(customer, agent *Session) (*Bridge, error) {
	b := &Bridge{
		engine: e, customer: customer, agent: agent,
		firstSent: make(chan time.Time, 1), closed: make(chan struct{}),
	}
	e.bridging.Lock()
	defer e.bridging.Unlock()
	switch {
	case customer.leaving || agent.leaving:
		return nil, ErrClosed
	case customer == agent || customer.bridge != nil || agent.bridge != nil || customer.visit != nil || agent.visit != nil:
		return nil, ErrBridged
	}
	customer.bridge, agent.bridge = b, b
	e.bridges.Add(1)
	connect(agent, customer, b.firstSent)
	connect(customer, agent, nil)
	customer.readWith(agent)
	return b, nil
}

// FirstSent gives the instant at which the first packet of the agent went to the
// customer, once.
func (b *Bridge) FirstSent() <-chan time.Time { return b.firstSent }

// Done is closed when the bridge is: by Close, or because one of its sessions
// closed.
func (b *Bridge) Done() <-chan struct{} { return b.closed }

// Close parts the two; both go on with silence in the same stream. It may be
// called more than once.
func (b *Bridge) Close() {
	b.closing.Do(func() {
		b.engine.bridging.Lock()
		defer b.engine.bridging.Unlock()
		disconnect(b.agent, b.customer)
		disconnect(b.customer, b.agent)
		b.customer.bridge, b.agent.bridge = nil, nil
		b.engine.bridges.Add(-1)
		close(b.closed)
	})
	<-b.closed
}

// leaveBridges refuses further bridges and returns the one that the session is in.
func (s *Session) leaveBridges() *Bridge {
	s.engine.bridging.Lock()
	defer s.engine.bridging.Unlock()
	s.leaving = true
	return s.bridge
}

// readWith has one goroutine read both sessions, so that what a packet of the bridge
// touches stays on one processor. The agent, who is in many bridges, stays.
func (s *Session) readWith(agent *Session) {
	s.pair.rtp.ReadWith(agent.pair.rtp)
	s.pair.rtcp.ReadWith(agent.pair.rtp)
}

// connect lets packets from one session flow to another. With first given, the
// newest packet goes ahead of all others and its instant is told there. No packet
// is lost or overtaken in between: whoever relays next waits for the stream's lock.
func connect(from, to *Session, first chan<- time.Time) {
	to.out.mu.Lock()
	to.out.source, to.out.first, to.out.fedAt = from, first, to.out.sentAt
	to.out.input = relayInput{}

	from.in.mu.Lock()
	from.peer.Store(to)
	now := time.Now()
	silence := from.in.comfort
	recent := first != nil && now.Sub(from.in.kept.at) <= keptFor && !from.in.kept.forwarded
	var k kept
	if recent {
		from.in.kept.forwarded = true
		k = from.in.kept
	}
	from.in.mu.Unlock()

	if recent {
		to.out.relayLocked(from, k.datagram[:headerSize+k.header.length], k.header, k.codec, now, nil)
	}
	to.out.comfort, to.out.described = silence, false
	to.out.mu.Unlock()
}

func disconnect(from, to *Session) {
	from.peer.Store(nil)
	to.out.mu.Lock()
	to.out.source, to.out.first, to.out.comfort = nil, nil, comfort{}
	to.out.nap.wake()
	waits := to.out.departing() // and nothing comes to wait any more
	to.out.mu.Unlock()
	if waits {
		to.pair.rtp.Settle() // before others send to it
	}
}
