package media

import (
	"net/netip"
	"time"
)

// The rules of the guard.
const (
	// guardSilence: a latched source that sends nothing for this long may be
	// replaced by another; guardSilenceNear: by another port of the same host, or
	// of the announced one, as far sides move at the answer without saying so.
	guardSilence     = 2 * time.Second
	guardSilenceNear = 200 * time.Millisecond
	// guardOpen: after the far side announced a new address, any source may
	// replace the old one for this long.
	guardOpen = 3 * time.Second
	// guardRun: packets in sequence that an unannounced source must send before
	// it replaces one that fell silent.
	guardRun = 3
)

// guard decides from which source packets are taken, and where ours go:
// symmetric RTP (RFC 4961), so that parties behind NAT are heard and reached, with
// rules against strangers who spray packets at the port range.
//
//   - The first valid packet latches its source.
//   - Packets from any other source are refused, except that the latch moves
//     (1) to the address that the far side announced in SDP, at its first packet
//     after the announcement, and again after a source took its place by rule 3;
//     (2) to any source within guardOpen after the
//     announcement of a new address, since behind NAT the announced address is
//     not the one seen; (3) to a source that sends guardRun packets in sequence
//     while the latched one has been silent for guardSilence, or for
//     guardSilenceNear if the source is on the same or the announced host.
//   - Ours go to the latched source; to the announced address before there is one,
//     and while a newly announced one has not been heard from within guardOpen.
//
// A guard is not safe for concurrent use; the session's receive lock covers it.
type guard struct {
	announced netip.AddrPort // from SDP; the zero value before
	source    netip.AddrPort // latched; the zero value before
	heard     time.Time      // the latched source's last packet
	claimable bool           // the announced address may still take the latch
	openUntil time.Time

	candidate netip.AddrPort // sends while the source is silent
	sequence  uint16         // of the candidate's last packet
	run       int            // packets that the candidate sent in sequence
}

// announce notes the address in the far side's session description.
func (g *guard) announce(addr netip.AddrPort, now time.Time) {
	if addr == g.announced {
		return
	}
	g.announced = addr
	g.claimable = true
	if g.source.IsValid() && g.source != addr {
		g.openUntil = now.Add(guardOpen)
	}
}

// admit reports whether a valid packet from that source is taken.
func (g *guard) admit(from netip.AddrPort, sequence uint16, now time.Time) bool {
	switch {
	case from == g.source:
		if g.source == g.announced {
			g.claimable = false
		}
	case !g.source.IsValid():
		g.latch(from)
	case from == g.announced && g.claimable:
		g.latch(from)
	case now.Before(g.openUntil):
		g.latch(from)
	case now.Sub(g.heard) >= g.patience(from.Addr()) && g.audition(from, sequence):
		g.latch(from)
		g.claimable = from != g.announced // whoever it is, the party may be back
	default:
		return false
	}
	g.heard = now
	return true
}

func (g *guard) latch(from netip.AddrPort) {
	g.source = from
	g.openUntil = time.Time{}
	g.candidate, g.run = netip.AddrPort{}, 0
	if from == g.announced {
		g.claimable = false
	}
}

// patience is how long the latched source may be silent before one on that host may
// take its place.
func (g *guard) patience(host netip.Addr) time.Duration {
	if host == g.source.Addr() || host == g.announced.Addr() {
		return guardSilenceNear
	}
	return guardSilence
}

// audition counts a candidate's packets and reports whether it has passed.
func (g *guard) audition(from netip.AddrPort, sequence uint16) bool {
	if from == g.candidate && sequence == g.sequence+1 {
		g.run++
	} else {
		g.candidate, g.run = from, 1
	}
	g.sequence = sequence
	return g.run >= guardRun
}

// destination is where our packets go; not valid while nobody told.
func (g *guard) destination(now time.Time) netip.AddrPort {
	if !g.source.IsValid() || now.Before(g.openUntil) {
		return g.announced
	}
	return g.source
}
