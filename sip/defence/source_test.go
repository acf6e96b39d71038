package defence

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// Somebody who forges the address of a registered phone must not get it banned.
func TestProvedIsLimitedNotBanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, nil)
		g.Proved(stranger.Addr())
		for range 10_000 {
			g.Allow(stranger, with("Yealink", "sipcli"))
		}
		if len(g.Bans()) != 0 {
			t.Error("banned")
		}
		time.Sleep(time.Second)
		if !g.Allow(stranger, []byte(invite)) {
			t.Error("dropped after the flood")
		}
		time.Sleep(proofLasts)
		for range 1000 {
			g.Allow(stranger, with("Yealink", "sipcli"))
		}
		if len(g.Bans()) != 1 {
			t.Error("the proof never ends")
		}
	})
}

func TestEverythingIsBounded(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Hits = 1 })
	scan := with("Yealink", "sipcli")
	for i := range 2 * maxSources {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		g.total = g.cfg.Total
		g.Allow(netip.AddrPortFrom(a, 5060), scan)
	}
	s := g.Stats()
	if s.Sources > maxSources || s.Sources < maxSources/2 {
		t.Errorf("%d sources are remembered, want at most %d", s.Sources, maxSources)
	}
	if len(g.bans) != maxBans || s.Bans != maxBans {
		t.Errorf("%d bans, want %d", s.Bans, maxBans)
	}
}

// Addresses that anybody can forge must not make the guard forget who has proved
// himself, nor is one of them remembered for junk.
func TestForgedFloodForgetsNobodyWhoProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes: the total is used up once
		g := newGuard(t, func(c *Config) { c.Silence, c.Registers = true, true })
		phones := make([]netip.AddrPort, 50)
		for i := range phones {
			a := netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)})
			phones[i] = netip.AddrPortFrom(a, 5060)
			if i%2 == 0 {
				g.Proved(a)
			} else {
				g.Registered(a, time.Now().Add(24*time.Hour))
			}
		}
		flood := func(message []byte) {
			for i := range 4 * maxSources {
				a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
				g.Allow(netip.AddrPortFrom(a, 5060), message)
			}
		}
		flood([]byte("x"))
		if n := g.Stats().Sources; n != len(phones) {
			t.Errorf("%d sources are remembered after a flood of junk, want %d", n, len(phones))
		}
		flood(with("INVITE", "REGISTER"))
		for _, p := range phones {
			if !g.Allow(p, []byte(invite)) {
				t.Errorf("the telephone at %s is not heard after the flood", p)
			}
		}
		time.Sleep(2*proofLasts + time.Minute)
		if g.Allow(phones[0], []byte(invite)) {
			t.Error("a right digest counts for ever")
		}
		if !g.Allow(phones[1], []byte(invite)) {
			t.Error("a telephone that is still registered is a stranger")
		}
	})
}

func TestProvedSourcesAreBounded(t *testing.T) {
	g := newGuard(t, nil)
	for i := range maxProved + 100 {
		g.Proved(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := g.Stats().Sources; n != maxProved {
		t.Errorf("%d proved sources are remembered, want %d", n, maxProved)
	}
}
