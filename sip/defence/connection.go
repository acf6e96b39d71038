package defence

import (
	"net/netip"
	"time"
)

// Connect asks whether a source may open one more connection. When it may, release
// must be called once the connection is closed.
func (g *Guard) Connect(from netip.Addr) (release func(), ok bool) {
	from = from.Unmap()
	g.mu.Lock()
	defer g.mu.Unlock()
	now, k := g.now(), keyOf(from)
	switch {
	case within(g.cfg.Deny, from):
		g.Count(Denied)
		return nil, false
	case g.trusted(from):
		return func() {}, true
	case g.banned(k, now) != nil:
		g.Count(Banned)
		return nil, false
	case g.open[k] >= g.cfg.Connections, g.opened >= g.cfg.AllConnections && !g.known(from, now):
		g.Count(Connections)
		return nil, false
	}
	g.open[k]++
	g.opened++
	return func() { g.disconnect(k) }, true
}

func (g *Guard) disconnect(k key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened--
	if g.open[k]--; g.open[k] == 0 {
		delete(g.open, k)
	}
}

// Patience returns how long a connection may take for one message, and how long it
// may be silent between two; 0 is for ever.
func (g *Guard) Patience(from netip.Addr) (whole, idle time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	whole, idle = g.cfg.Whole, g.cfg.Idle
	if g.known(from.Unmap(), g.now()) {
		idle = 0
	}
	return whole, idle
}
