package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How long an address is used after it was looked up, and for how long still
// when the name service is away.
const (
	locateFresh = time.Minute
	locateStale = time.Hour
	locateRetry = 5 * time.Second // after a failed lookup
)

const defaultPort = 5060 // RFC 3261 section 19.1.2, UDP and TCP

// lookuper is the part of net.Resolver that is used.
type lookuper interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// locator finds the addresses of hosts (A, AAAA) and remembers them.
type locator struct {
	resolver lookuper

	mu    sync.Mutex // protects known
	known map[string]located
}

type located struct {
	addrs []netip.Addr
	at    time.Time // when addrs were looked up
	tried time.Time // last try
	err   error     // of the last try
}

func newLocator(r lookuper) *locator {
	return &locator{resolver: r, known: map[string]located{}}
}

// locate returns an address of host, for which usable says yes. host may be an
// address itself, IPv6 with or without brackets.
func (l *locator) locate(ctx context.Context, host string, port uint16, usable func(netip.Addr) bool) (netip.AddrPort, error) {
	if port == 0 {
		port = defaultPort
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), port), nil
	}
	addrs, err := l.lookup(ctx, strings.ToLower(host))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: look up %s: %w", ErrNoRoute, host, err)
	}
	for _, a := range addrs {
		if usable(a) {
			return netip.AddrPortFrom(a, port), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%w: %s has no address of a family we listen on", ErrNoRoute, host)
}

func (l *locator) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	now := time.Now()
	l.mu.Lock()
	k := l.known[host]
	l.mu.Unlock()
	switch {
	case len(k.addrs) > 0 && now.Sub(k.at) < locateFresh:
		return k.addrs, nil
	case now.Sub(k.tried) < locateRetry && k.err != nil:
		if len(k.addrs) > 0 && now.Sub(k.at) < locateStale {
			return k.addrs, nil
		}
		return nil, k.err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	addrs, err := l.resolver.LookupNetIP(ctx, "ip", host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	k.tried, k.err = now, err
	if err == nil {
		k.addrs, k.at = addrs, now
	}
	l.mu.Lock()
	if len(l.known) > 1000 { // far sides can name hosts in Contact: bound it
		clear(l.known)
	}
	l.known[host] = k
	l.mu.Unlock()
	if err != nil && len(k.addrs) > 0 && now.Sub(k.at) < locateStale {
		return k.addrs, nil
	}
	return k.addrs, err
}

// parseSource parses the address that a message came from.
func parseSource(source string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(source)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), err
}
