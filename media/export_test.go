package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// For tests of the whole way of a packet, which have the recorder at its end and so
// are of another package.

// Bare is a session on a socket that keeps what is sent.
type Bare struct {
	*Session
	socket *fakeSocket
}

// BareEngine has no ports and no running clock.
func BareEngine() *Engine { return bareEngine() }

// NewBare returns a session that is negotiated with PartyAddr.
func NewBare(t testing.TB, e *Engine, formats string) *Bare {
	s, f := bareSession(t, e, formats)
	return &Bare{s, f}
}

// PartyAddr is where the packets of the party come from.
var PartyAddr = partyAddr

// Deliver lets a datagram arrive now. The session may write to it.
func (b *Bare) Deliver(datagram []byte, from netip.AddrPort) {
	b.receiveRTP(datagram, from, time.Now(), nil)
}

// DeliverRTCP lets a datagram arrive at the RTCP socket.
func (b *Bare) DeliverRTCP(datagram []byte, from netip.AddrPort) {
	b.receiveRTCP(datagram, from, time.Now())
}

// Tick is one tick of the 20 ms clock.
func (b *Bare) Tick() { b.tick(time.Now(), clockPeriod) }

// Heard is what the party was sent.
func (b *Bare) Heard() []rtp.Packet { return b.socket.sent }

// SSRC is that of the stream to the party.
func (b *Bare) SSRC() uint32 { return b.out.ssrc.Load() }

// Latched is where the session's packets go.
func (b *Bare) Latched() netip.AddrPort {
	b.in.mu.Lock()
	defer b.in.mu.Unlock()
	return b.in.guard.destination(time.Now())
}
