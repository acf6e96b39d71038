package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/resolve"
	"ringpace/sip/wire"
)

// hop is a server that was located, and the way to it.
type hop struct {
	path path
	addr netip.AddrPort
}

// server is the hop as the resolver knows it.
func (h hop) server() resolve.Server {
	return resolve.Server{Transport: h.path.transport, Addr: h.addr}
}

// locate finds the servers of a query that can be reached from here, in the order
// in which to try them (RFC 3263).
func (e *Endpoint) locate(ctx context.Context, q resolve.Query, profile string) ([]hop, error) {
	ctx, cancel := toResolve(ctx, q.Host)
	defer cancel()
	for _, l := range e.wire.Listeners() {
		if q.Transport != "udp" || l.Transport == "udp" { // the others need no listener of theirs
			q.IPv4 = q.IPv4 || l.Addr.Addr().Is4()
			q.IPv6 = q.IPv6 || l.Addr.Addr().Is6()
		}
	}
	servers, err := e.resolver.Resolve(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	var out []hop
	for _, s := range servers {
		local, localErr := e.wire.Local(s.Transport, s.Addr)
		if localErr != nil {
			err = localErr
			continue
		}
		p := path{transport: s.Transport, local: local, fallback: s.Addr, profile: profile}
		out = append(out, hop{p, s.Addr})
	}
	if len(out) == 0 {
		return nil, err
	}
	return out, nil
}

// locateURI finds where to send a request of a dialog whose next hop is uri, from
// the path's address.
func (e *Endpoint) locateURI(ctx context.Context, uri *sipgo.Uri, p path) (netip.AddrPort, error) {
	q, err := queryOf(uri, p.transport)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ctx, cancel := toResolve(ctx, q.Host)
	defer cancel()
	q.IPv4, q.IPv6 = p.local.Addr().Is4(), p.local.Addr().Is6()
	servers, err := e.resolver.Resolve(ctx, q)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	return servers[0].Addr, nil
}

// toResolve bounds the search for a host. One that is an address need not be sought.
func toResolve(ctx context.Context, host string) (context.Context, context.CancelFunc) {
	if isAddress(host) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, wire.SendTimeout)
}

// isAddress reports whether a host is an address, and no name.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// queryOf is what has to be located for a URI that is reached over transport.
func queryOf(uri *sipgo.Uri, transport string) (resolve.Query, error) {
	if uri.Port < 0 || uri.Port > 65535 {
		return resolve.Query{}, fmt.Errorf("%w: port %d", ErrNoRoute, uri.Port)
	}
	q := resolve.Query{Host: hostOf(uri), Port: uint16(uri.Port), Transport: transport, Secure: strings.EqualFold(uri.Scheme, "sips")}
	return q, nil
}
