package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"
)

// addresses returns the addresses of a host, of /etc/hosts or the name service, the
// machine's search list applied. At least one, or an error.
func (r *Resolver) addresses(ctx context.Context, host string, v4, v6 bool) ([]netip.Addr, error) {
	if addrs := r.usable(r.system.known(host), v4, v6); len(addrs) > 0 {
		return addrs, nil
	}
	var failed error
	for _, name := range r.system.candidates(host) {
		addrs, err := r.both(ctx, name, v4, v6)
		if err == nil {
			return addrs, nil
		}
		if failed == nil || !errors.Is(err, ErrNotFound) {
			failed = err
		}
		if !errors.Is(err, ErrNotFound) {
			break
		}
	}
	return nil, failed
}

// both asks for the addresses of both families at once. One family's failure does
// not matter where the other has an address.
func (r *Resolver) both(ctx context.Context, name string, v4, v6 bool) ([]netip.Addr, error) {
	var (
		wait       sync.WaitGroup
		four, six  []dns.RR
		err4, err6 error
	)
	if v6 {
		wait.Go(func() { six, err6 = r.lookup(ctx, key{name, dns.TypeAAAA}) })
	}
	if v4 {
		wait.Go(func() { four, err4 = r.lookup(ctx, key{name, dns.TypeA}) })
	}
	wait.Wait()
	var addrs []netip.Addr
	for _, rr := range slices.Concat(six, four) {
		var a netip.Addr
		switch rr := rr.(type) {
		case *dns.AAAA:
			a, _ = netip.AddrFromSlice(rr.AAAA)
		case *dns.A:
			a, _ = netip.AddrFromSlice(rr.A)
		}
		if a.IsValid() {
			addrs = append(addrs, a.Unmap())
		}
	}
	if addrs = r.usable(addrs, v4, v6); len(addrs) > 0 {
		return addrs, nil
	}
	if errors.Is(err4, ErrNotFound) && errors.Is(err6, ErrNotFound) {
		return nil, fmt.Errorf("%w, nor %s", err4, key{name, dns.TypeAAAA})
	}
	if err4 != nil && (err6 == nil || errors.Is(err6, ErrNotFound)) {
		return nil, err4
	}
	return nil, err6
}

// usable keeps the addresses of the families wanted, none twice: IPv6 first (RFC
// 6724, RFC 7984 section 4), each family in an order drawn anew, so that the
// load spreads although the answer is kept.
func (r *Resolver) usable(addrs []netip.Addr, v4, v6 bool) []netip.Addr {
	var four, six []netip.Addr
	for _, a := range addrs {
		switch {
		case a.Is4() && v4 && !slices.Contains(four, a):
			four = append(four, a)
		case !a.Is4() && v6 && !slices.Contains(six, a):
			six = append(six, a)
		}
	}
	for _, family := range [][]netip.Addr{six, four} {
		for i := len(family) - 1; i > 0; i-- {
			j := r.draw(uint(i + 1))
			family[i], family[j] = family[j], family[i]
		}
	}
	out := slices.Concat(six, four)
	return out[:min(len(out), maxAddrs)]
}
