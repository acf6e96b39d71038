package media

import (
	"net/netip"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	party := netip.MustParseAddrPort("192.0.2.1:4000")
	moved := netip.MustParseAddrPort("192.0.2.1:5000")
	behindNAT := netip.MustParseAddrPort("203.0.113.9:61000")
	stranger := netip.MustParseAddrPort("198.51.100.66:1")

	// A step is one packet at a time, or an announcement if announced is set.
	type step struct {
		at        time.Duration
		announced netip.AddrPort
		from      netip.AddrPort
		admitted  bool
		to        netip.AddrPort // the destination afterwards
	}
	const s = time.Second
	cases := []struct {
		name  string
		steps []step
	}{
		{"the announced source", []step{
			{announced: party, to: party},
			{at: 1 * s, from: party, admitted: true, to: party},
			{at: 2 * s, from: stranger, to: party},
		}},
		{"a source behind NAT", []step{
			{announced: party, to: party},
			{at: 1 * s, from: behindNAT, admitted: true, to: behindNAT},
			{at: 2 * s, from: behindNAT, admitted: true, to: behindNAT},
			{at: 2 * s, from: stranger, to: behindNAT},
		}},
		{"media before the answer", []step{
			{from: party, admitted: true, to: party},
			{at: s, announced: party, to: party},
			{at: s, from: stranger, to: party},
		}},
		{"a stranger who was first gives way to the announced source, once", []step{
			{announced: party, to: party},
			{at: s, from: stranger, admitted: true, to: stranger},
			{at: s, from: party, admitted: true, to: party},
			{at: s, from: stranger, to: party},
		}},
		{"a new address in SDP", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 5 * s, announced: moved, to: moved},
			{at: 5 * s, from: party, admitted: true, to: moved}, // still under way
			{at: 6 * s, from: moved, admitted: true, to: moved},
			{at: 6 * s, from: party, to: moved},
		}},
		{"a new address in SDP, and another behind NAT", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 5 * s, announced: moved, to: moved},
			{at: 6 * s, from: behindNAT, admitted: true, to: behindNAT},
			{at: 6 * s, from: stranger, to: behindNAT},
		}},
		{"a new address in SDP from which nothing comes", []step{
			{announced: party, to: party},
			{from: behindNAT, admitted: true, to: behindNAT},
			{at: 5 * s, announced: moved, to: moved},
			{at: 6 * s, from: behindNAT, admitted: true, to: moved},
			{at: 9 * s, from: behindNAT, admitted: true, to: behindNAT},
			{at: 9 * s, from: stranger, to: behindNAT},
			{at: 10 * s, from: moved, admitted: true, to: moved}, // late, but as announced
		}},
		{"the same address in SDP again", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 5 * s, announced: party, to: party},
			{at: 5 * s, from: stranger, to: party},
		}},
		{"another source after silence, on probation", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 3 * s, from: behindNAT, to: party},
			{at: 3 * s, from: behindNAT, to: party},
			{at: 3 * s, from: behindNAT, admitted: true, to: behindNAT},
			{at: 3 * s, from: stranger, to: behindNAT},
		}},
		{"a stranger who used a silence gives way to the announced source, once", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: stranger, admitted: true, to: stranger},
			{at: 4 * s, from: party, admitted: true, to: party},
			{at: 4 * s, from: stranger, to: party},
		}},
		{"a source that moved with cause is not moved back by one that did not", []step{
			{announced: party, to: party},
			{from: behindNAT, admitted: true, to: behindNAT},
			{at: 3 * s, from: moved, to: behindNAT},
			{at: 3 * s, from: moved, to: behindNAT},
			{at: 3 * s, from: moved, admitted: true, to: moved},
			{at: 3 * s, from: behindNAT, to: moved},
		}},
		{"another port of the same host", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 100 * ms, from: moved, to: party},
			{at: 200 * ms, from: moved, to: party},
			{at: 220 * ms, from: stranger, to: party},
			{at: 240 * ms, from: moved, to: party},
			{at: 260 * ms, from: moved, to: party},
			{at: 280 * ms, from: moved, admitted: true, to: moved},
		}},
		{"a source that comes back from silence in time", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: party, admitted: true, to: party},
			{at: 3 * s, from: stranger, to: party},
		}},
		{"two strangers by turns pass no probation", []step{
			{announced: party, to: party},
			{from: party, admitted: true, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: behindNAT, to: party},
			{at: 3 * s, from: stranger, to: party},
			{at: 3 * s, from: behindNAT, to: party},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var g guard
			begin := time.Now()
			for i, s := range c.steps {
				now := begin.Add(s.at)
				if s.announced.IsValid() {
					g.announce(s.announced, now)
				} else if got := g.admit(s.from, uint16(i), now); got != s.admitted {
					t.Errorf("step %d: packet from %v admitted: %v", i, s.from, got)
				}
				if got := g.destination(now); got != s.to {
					t.Errorf("step %d: destination %v, want %v", i, got, s.to)
				}
			}
		})
	}
}

func TestGuardProbationNeedsASequence(t *testing.T) {
	var g guard
	now := time.Now()
	g.admit(netip.MustParseAddrPort("192.0.2.1:4000"), 1, now)
	stranger := netip.MustParseAddrPort("198.51.100.66:1")
	for _, sequence := range []uint16{7, 9, 1, 1, 3, 65535} {
		if g.admit(stranger, sequence, now.Add(time.Minute)) {
			t.Errorf("admitted at sequence number %d", sequence)
		}
	}
	if !g.admit(stranger, 0, now.Add(time.Minute)) && !g.admit(stranger, 1, now.Add(time.Minute)) {
		t.Error("not admitted after three in sequence, over the wrap")
	}
}
