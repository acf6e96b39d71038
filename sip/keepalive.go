package sip

import (
	"context"
	"math/rand/v2"
	"net"
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

// beat sends one keep-alive. A connection whose far side used to answer and does so no
// longer is closed; there is none to be kept where none is open.
func (t *Trunk) beat(ctx context.Context, h hop) {
	ping := []byte("\r\n\r\n")
	if h.path.transport == "udp" {
		if l, ok := t.e.listenerAt("udp", h.path.local); ok {
			_, _ = l.udp.WriteTo(ping, net.UDPAddrFromAddrPort(h.addr)) // a lost one is one of many
		}
		return
	}
	f := t.e.flows.find(flowKey{h.path.transport, h.addr, t.profile})
	if f == nil {
		return
	}
	sent := time.Now()
	if _, err := f.Write(ping); err != nil {
		_ = f.Close()
		return
	}
	timer := time.NewTimer(t.pongTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.gone:
		return
	case <-ctx.Done():
		return
	}
	if f.answers.Load() && f.heard.Load() < sent.UnixNano() {
		t.e.log.Warn("sip: connection closed: the server answers keep-alives no longer", "trunk", t.cfg.Name, "server", h.addr)
		_ = f.Close()
	}
}
