package wire

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// KeepAlive sends a double CRLF (RFC 5626 section 4.4.1) from the UDP listener at local,
// or by the connection that a trunk has opened to remote, if there is one. A connection
// whose far side used to answer, and does not within patience, is closed: then silent is
// true.
func (l *Layer) KeepAlive(ctx context.Context, transport string, local, remote netip.AddrPort, profile string, patience time.Duration) (silent bool) {
	ping := []byte("\r\n\r\n")
	if transport == "udp" {
		if at, ok := l.listenerAt("udp", local); ok {
			_, _ = at.udp.WriteTo(ping, net.UDPAddrFromAddrPort(remote)) // a lost one is one of many
		}
		return false
	}
	f := l.flows.find(flowKey{transport, remote, profile})
	if f == nil {
		return false
	}
	sent := time.Now()
	if _, err := f.Write(ping); err != nil {
		_ = f.Close()
		return false
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.gone:
		return false
	case <-ctx.Done():
		return false
	}
	if f.answers.Load() && f.heard.Load() < sent.UnixNano() {
		_ = f.Close()
		return true
	}
	return false
}
