package sip

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/resolve"
)

// transports are those that a trunk may choose among, best first: what is encrypted,
// then what takes long messages.
var transports = []string{"tls", "tcp", "udp"}

// hops returns where the trunk's server is reached, in the order to try. A trunk
// that is registered stays with the server that knows it, as long as that works.
func (t *Trunk) hops(ctx context.Context) ([]hop, error) {
	q := resolve.Query{Host: t.host, Port: t.port, Transport: t.cfg.Transport}
	if q.Transport == TransportAuto {
		q.Transport, q.Transports = "", t.choice
	}
	found, err := t.e.locate(ctx, q, t.profile)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.servers = t.servers[:0]
	for _, p := range found {
		t.servers = append(t.servers, p.addr)
	}
	home := t.home
	t.mu.Unlock()
	t.trust()
	if i := slices.Index(found, home); i > 0 && t.e.resolver.FailedUntil(home.server()).IsZero() {
		found = slices.Insert(slices.Delete(found, i, i+1), 0, home)
	}
	return found, nil
}

// Remote is where the trunk's server was found last: the one that it is registered at, or
// the one to be tried first. It is not valid where that is not known yet.
func (t *Trunk) Remote() netip.Addr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.home.addr.IsValid() {
		return t.home.addr.Addr()
	}
	if len(t.servers) > 0 {
		return t.servers[0].Addr()
	}
	addr, _ := netip.ParseAddr(t.host)
	return addr
}

// targets returns the trunk's servers, in the order in which to try them, with
// uri as the Request-URI.
func (t *Trunk) targets(ctx context.Context, uri sipgo.Uri) ([][]target, error) {
	found, err := t.hops(ctx)
	if err != nil {
		return nil, err
	}
	routes := t.preloaded()
	if service := t.serviceRoutes(); len(service) > 0 {
		// RFC 3608 section 6.1: they are the way, beginning with the first.
		routes = service
		q, err := queryOf(&routes[0], found[0].path.transport)
		if err != nil {
			return nil, err
		}
		if found, err = t.e.locate(ctx, q, t.profile); err != nil {
			return nil, err
		}
	}
	groups := make([][]target, len(found))
	for i, p := range found {
		p.path.nat = t.cfg.NAT
		groups[i] = []target{{uri: uri, routes: routes, path: p.path, addr: p.addr, own: true}}
	}
	return groups, nil
}

// preloaded is the Route to the outbound proxy, if there is one (RFC 3261 section
// 8.1.2).
func (t *Trunk) preloaded() []sipgo.Uri {
	if t.cfg.OutboundProxy == "" {
		return nil
	}
	u := sipgo.Uri{Scheme: "sip", Host: t.host, Port: int(t.port), UriParams: sipgo.HeaderParams{{K: "lr"}}}
	if t.cfg.Transport == "tcp" || t.cfg.Transport == "tls" {
		u.UriParams = append(u.UriParams, sipgo.HeaderKV{K: "transport", V: t.cfg.Transport})
	}
	return []sipgo.Uri{u}
}

// serves reports whether a message from there is the trunk's: host, that one of its
// servers or sources has the address; port, that a server has the port as well.
func (t *Trunk) serves(source netip.AddrPort) (host, port bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.servers {
		host = host || s.Addr() == source.Addr()
		port = port || s == source
	}
	for _, p := range t.cfg.Sources {
		host = host || p.Contains(source.Addr())
	}
	return host, port
}

// lookAround is how often the servers are located anew while nothing is sent, so that
// a call from a new one is known.
const lookAround = time.Minute

// watchServers locates the servers now and then, until ctx is done.
func (t *Trunk) watchServers(ctx context.Context) {
	for {
		_, _ = t.hops(ctx) // who calls or registers hears of the error
		timer := time.NewTimer(lookAround)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// serverTimeout is how long one of several servers is waited for before the next one
// is asked.
const serverTimeout = 6 * time.Second

// ask sends a request of the trunk's own (REGISTER, OPTIONS) to its servers, one
// after the other until one answers (RFC 3263 section 4.3). build makes it for one of
// them. Beside an error there may be a response: the one that could not be
// satisfied.
func (t *Trunk) ask(ctx context.Context, build func(hop) *sipgo.Request) (*sipgo.Response, hop, error) {
	hops, err := t.hops(ctx)
	if err != nil {
		return nil, hop{}, err
	}
	var res *sipgo.Response
	for i, h := range hops {
		res, err = t.askOne(ctx, h, i == len(hops)-1, build)
		if ctx.Err() != nil {
			return res, h, err
		}
		if !t.judge(h, res, err) || i == len(hops)-1 {
			return res, h, err
		}
	}
	return nil, hop{}, err // there is always one
}

func (t *Trunk) askOne(ctx context.Context, h hop, last bool, build func(hop) *sipgo.Request) (*sipgo.Response, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, serverTimeout)
		defer cancel()
	}
	auth := t.authenticator()
	auth.home = h.addr
	return t.e.doAuth(ctx, auth, func() (*sipgo.Request, error) {
		req := build(h)
		address(req, h.path, h.addr)
		return req, nil
	})
}

// judge remembers whether a server worked, and reports whether another one is to be
// asked: it said nothing, or 503.
func (t *Trunk) judge(h hop, res *sipgo.Response, err error) (failed bool) {
	switch {
	case res != nil && res.StatusCode == 503:
		t.e.resolver.Failed(h.server(), header.ParseRetryAfter(value(res, "Retry-After")))
		return true
	case res != nil:
		t.e.resolver.Worked(h.server())
		return false
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrTransport):
		t.e.resolver.Failed(h.server(), 0)
		return true
	}
	return false
}
