package defence

import (
	"net/netip"
	"testing"
	"time"
)

func TestConnectionsOfASourceAreLimited(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Connections, c.AllConnections = 2, 3 })
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	open := func(from netip.Addr, want bool) func() {
		t.Helper()
		release, ok := g.Connect(from)
		if ok != want {
			t.Errorf("connection of %s: %v, want %v", from, ok, want)
		}
		return release
	}
	open(a, true)
	release := open(a, true)
	open(a, false)
	open(b, true)
	open(b, false) // all are taken
	g.Proved(c)
	open(c, true) // but not for a phone that is known
	release()
	open(b, false)
	g.Trust("trunk", []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")})
	for range 10 {
		open(netip.MustParseAddr("10.0.0.9"), true)
	}
	g.Ban(b, time.Minute)
	open(b, false)
	if n := g.Stats().Connections; n != 3 {
		t.Errorf("%d connections are counted, want 3", n)
	}
	dropped(t, g, map[Reason]uint64{Connections: 3, Banned: 1})
}
