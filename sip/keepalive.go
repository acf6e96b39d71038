package sip

import (
	"context"
	"math/rand/v2"
	"time"
)

// pongTimeout is how long a server that answers keep-alives may take (RFC 5626
// section 4.4.1).
const pongTimeout = 10 * time.Second

// keepAlive sends double CRLFs (RFC 5626 section 4.4.1) on the way to the server, so
// that a NAT in between keeps it open, until ctx is done.
func (t *Trunk) keepAlive(ctx context.Context) {
	for {
		// RFC 5626 section 4.4: at 80 to 100 % of the interval, so that many do not
		// come together.
		timer := time.NewTimer(t.cfg.KeepAlive*4/5 + rand.N(t.cfg.KeepAlive/5+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if h, ok := t.way(ctx); ok {
			t.beat(ctx, h)
		}
	}
}

// way is the server that the trunk speaks with: where it is registered, else the first.
func (t *Trunk) way(ctx context.Context) (hop, bool) {
	t.mu.Lock()
	home := t.home
	t.mu.Unlock()
	if home.addr.IsValid() {
		return home, true
	}
	hops, err := t.hops(ctx)
	if err != nil {
		return hop{}, false
	}
	return hops[0], true
}

// beat sends one keep-alive to a server.
func (t *Trunk) beat(ctx context.Context, h hop) {
	if t.e.wire.KeepAlive(ctx, h.path.transport, h.path.local, h.addr, t.profile, t.pongTimeout) {
		t.e.log.Warn("sip: connection closed: the server answers keep-alives no longer", "trunk", t.cfg.Name, "server", h.addr)
	}
}
