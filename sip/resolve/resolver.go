package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Why there is no server. errors.Is tells them apart.
var (
	ErrNotFound = errors.New("not found")                        // the name service says so
	ErrNoAnswer = errors.New("the name service gives no answer") // it says nothing, or that it failed
	ErrRefused  = errors.New("the domain offers no SIP")         // SRV with target "." (RFC 2782)
	ErrQuery    = errors.New("the server's name is wrong")       // nothing was asked
)

// Config configures a resolver. The zero value is ready for use.
type Config struct {
	Servers []netip.AddrPort // name servers; default: those of /etc/resolv.conf, read again when it changes

	Timeout     time.Duration // for one try at one name server; default 1 s, the second try waits twice as long
	MinTTL      time.Duration // least time that an answer is kept; default 5 s
	MaxTTL      time.Duration // most; default 1 h
	NegativeTTL time.Duration // most for the answer that there is none; default 1 min
	Stale       time.Duration // how long an answer that has run out serves when no other can be had; default 24 h
}

// Bounds of the memory and of what one name may expand to.
const (
	maxEntries = 4096
	maxFlights = 256 // questions on their way
	maxServers = 32  // SRV records of one name
	maxAddrs   = 16  // addresses of one host
)

// Resolver finds servers. Make one with New.
type Resolver struct {
	cfg    Config
	system *system
	now    func() time.Time
	draw   func(n uint) uint // random number below n

	ask  func(key, *flight) // asks the name service, on a goroutine of its own
	stop context.CancelFunc
	work sync.WaitGroup
	best atomic.Uint32 // index of the name server that answered last

	mu      sync.Mutex // protects the fields below
	closed  bool
	entries map[key]entry
	flights map[key]*flight
	failed  map[where]failure
}

// New returns a resolver.
func New(cfg Config) *Resolver {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&cfg.Timeout, time.Second},
		{&cfg.MinTTL, 5 * time.Second},
		{&cfg.MaxTTL, time.Hour},
		{&cfg.NegativeTTL, time.Minute},
		{&cfg.Stale, 24 * time.Hour},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Resolver{
		cfg: cfg, system: newSystem(cfg.Servers), now: time.Now, draw: rand.UintN, stop: stop,
		entries: map[key]entry{}, flights: map[key]*flight{}, failed: map[where]failure{},
	}
	r.ask = func(k key, f *flight) { r.refresh(ctx, k, f) }
	return r
}

// Close ends what is being asked and waits for it.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.work.Wait()
}

// Query is what a URI says about its server.
type Query struct {
	Host      string // name, or address, IPv6 with or without brackets
	Port      uint16 // 0: the URI names none
	Transport string // "udp", "tcp", "tls" ...; "": the URI names none
	Secure    bool   // a sips URI: TLS only

	// Transports are those that can be used, best first; the choice is made among
	// them when the URI names none.
	Transports []string
	IPv4, IPv6 bool // families that can be used; neither: both
}

// Server is one place to send a request to.
type Server struct {
	Transport string
	Addr      netip.AddrPort
	Name      string // the host whose address it is, as found: an SRV target or the query's host
}

func (s Server) String() string { return fmt.Sprintf("%s %s (%s)", s.Transport, s.Addr, s.Name) }

// service is one SRV name and the transport that it stands for.
type service struct{ transport, name string }

// Resolve returns the servers of a query, in the order in which to try them (RFC
// 3263 section 4); those that failed lately come last. There is at least one, or an
// error that wraps ErrNotFound, ErrNoAnswer, ErrRefused or ErrQuery and says in
// words what was asked.
func (r *Resolver) Resolve(ctx context.Context, q Query) ([]Server, error) {
	if q.Secure && (q.Transport == "" || q.Transport == "tcp") {
		q.Transport = "tls" // RFC 3261 section 26.2.2
	}
	if !q.IPv4 && !q.IPv6 {
		q.IPv4, q.IPv6 = true, true
	}
	if a, err := netip.ParseAddr(strings.Trim(q.Host, "[]")); err == nil {
		t := q.plainTransport()
		return r.byHealth([]Server{{t, netip.AddrPortFrom(a.Unmap(), portOr(q.Port, t)), q.Host}}), nil
	}
	q.Host = strings.ToLower(strings.TrimSuffix(q.Host, "."))
	if _, ok := dns.IsDomainName(q.Host); !ok || strings.Trim(q.Host, ".") == "" {
		return nil, fmt.Errorf("%w: %q", ErrQuery, q.Host)
	}
	servers, err := r.locate(ctx, q)
	if err != nil {
		return nil, err
	}
	return r.byHealth(servers), nil
}

// locate follows RFC 3263 sections 4.1 and 4.2 for a name.
func (r *Resolver) locate(ctx context.Context, q Query) ([]Server, error) {
	if q.Port != 0 {
		return r.hosts(ctx, q, []target{{q.plainTransport(), q.Host, q.Port}})
	}
	services, err := r.services(ctx, q)
	if err != nil {
		return nil, err
	}
	targets, failed := r.srv(ctx, services)
	switch {
	case len(targets) > 0:
		servers, err := r.hosts(ctx, q, targets)
		if errors.Is(err, ErrNotFound) && errors.Is(failed, ErrNoAnswer) {
			err = failed // the servers that nobody named might have an address
		}
		return servers, err
	case failed != nil:
		return nil, failed
	}
	// RFC 3263 section 4.2: no SRV record, so the addresses of the domain itself.
	t := q.plainTransport()
	servers, err := r.hosts(ctx, q, []target{{t, q.Host, portOr(0, t)}})
	for _, s := range services {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w, nor %s", err, key{s.name, dns.TypeSRV})
		}
	}
	return servers, err
}

// plainTransport is the transport where neither URI nor name service name one.
func (q *Query) plainTransport() string {
	if q.Transport != "" {
		return q.Transport
	}
	if len(q.Transports) > 0 && !slices.Contains(q.Transports, "udp") {
		return q.Transports[0]
	}
	return "udp"
}

// portOr is the port, or the standard one of the transport (RFC 3261 section 19.1.2).
func portOr(port uint16, transport string) uint16 {
	switch {
	case port != 0:
		return port
	case transport == "tls":
		return 5061
	case transport == "ws":
		return 80
	case transport == "wss":
		return 443
	}
	return 5060
}

// srvName is the name of the SRV records of a transport, "" if it has none.
func srvName(transport, host string) string {
	switch transport {
	case "udp", "tcp":
		return "_sip._" + transport + "." + host
	case "tls":
		return "_sips._tcp." + host
	}
	return ""
}

// services are the SRV names to ask for, best first. A domain without NAPTR
// records, or whose name server chokes on the question, is asked for the SRV
// records of every transport.
func (r *Resolver) services(ctx context.Context, q Query) ([]service, error) {
	transports := q.Transports
	if q.Transport != "" {
		transports = []string{q.Transport}
	} else {
		if services := r.naptr(ctx, q); len(services) > 0 {
			return services, nil
		}
		if ctx.Err() != nil {
			return nil, r.gaveUp(ctx, key{q.Host, dns.TypeNAPTR})
		}
	}
	var services []service
	for _, t := range transports {
		if name := srvName(t, q.Host); name != "" {
			services = append(services, service{t, name})
		}
	}
	return services, nil
}

// naptr returns the services that the domain's NAPTR records name, of those that
// can be used, in their order (RFC 3263 section 4.1).
func (r *Resolver) naptr(ctx context.Context, q Query) []service {
	rrs, err := r.lookup(ctx, key{q.Host, dns.TypeNAPTR})
	if err != nil {
		return nil
	}
	var records []*dns.NAPTR
	for _, rr := range rrs {
		if n, ok := rr.(*dns.NAPTR); ok && strings.EqualFold(n.Flags, "s") {
			records = append(records, n)
		}
	}
	slices.SortStableFunc(records, func(a, b *dns.NAPTR) int {
		return (int(a.Order)<<16 + int(a.Preference)) - (int(b.Order)<<16 + int(b.Preference))
	})
	var services []service
	for _, n := range records {
		transport := ""
		switch strings.ToUpper(n.Service) {
		case "SIP+D2U":
			transport = "udp"
		case "SIP+D2T":
			transport = "tcp"
		case "SIPS+D2T":
			transport = "tls"
		}
		name := strings.ToLower(strings.TrimSuffix(n.Replacement, "."))
		if slices.Contains(q.Transports, transport) && name != "" && len(services) < maxServers {
			services = append(services, service{transport, name})
		}
	}
	return services
}

// srv asks for the SRV records of all services at once, and returns their servers in the
// services' order. A service whose records cannot be had leaves the others theirs (RFC
// 3263 section 4.1: a client goes on to the next transport); once one has servers, the
// rest is waited for no longer than one try takes. The error tells why servers may be
// missing: where there are none, nothing may be put in their place.
func (r *Resolver) srv(ctx context.Context, services []service) ([]target, error) {
	type answer struct {
		n       int
		targets []target
		err     error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(services))
	for n, s := range services {
		go func() {
			targets, err := r.targets(ctx, s)
			answers <- answer{n, targets, err}
		}()
	}
	found, errs := make([][]target, len(services)), make([]error, len(services))
	for range services {
		a := <-answers
		found[a.n], errs[a.n] = a.targets, a.err
		if len(a.targets) > 0 {
			defer time.AfterFunc(r.cfg.Timeout, cancel).Stop()
		}
	}
	var failed error
	for _, err := range errs {
		if err != nil && (failed == nil || errors.Is(failed, ErrRefused)) {
			failed = err
		}
	}
	return slices.Concat(found...), failed
}

// target is a host to look up, and how to reach it.
type target struct {
	transport, host string
	port            uint16
}

// targets returns the servers of an SRV name in the order to try them.
func (r *Resolver) targets(ctx context.Context, s service) ([]target, error) {
	rrs, err := r.lookup(ctx, key{s.name, dns.TypeSRV})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []*dns.SRV
	for _, rr := range rrs {
		if srv, ok := rr.(*dns.SRV); ok && len(records) < maxServers {
			records = append(records, srv)
		}
	}
	if len(records) == 1 && records[0].Target == "." {
		return nil, fmt.Errorf("%w over %s: the SRV record of %s names no server", ErrRefused, s.transport, s.name)
	}
	r.byWeight(records)
	var out []target
	for _, srv := range records {
		if name := strings.ToLower(strings.TrimSuffix(srv.Target, ".")); name != "" {
			out = append(out, target{s.transport, name, portOr(srv.Port, s.transport)})
		}
	}
	return out, nil
}

// hosts looks up the addresses of all targets at once. Targets without one are
// left out, unless all are.
func (r *Resolver) hosts(ctx context.Context, q Query, targets []target) ([]Server, error) {
	addrs, errs := make([][]netip.Addr, len(targets)), make([]error, len(targets))
	var wait sync.WaitGroup
	for i, t := range targets {
		wait.Go(func() { addrs[i], errs[i] = r.addresses(ctx, t.host, q.IPv4, q.IPv6) })
	}
	wait.Wait()
	var out []Server
	var failed error
	for i, t := range targets {
		for _, a := range addrs[i] {
			s := Server{t.transport, netip.AddrPortFrom(a, t.port), t.host}
			if !slices.ContainsFunc(out, func(o Server) bool { return o.Transport == s.Transport && o.Addr == s.Addr }) {
				out = append(out, s)
			}
		}
		if failed == nil || errors.Is(errs[i], ErrNoAnswer) {
			failed = errs[i]
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, failed
}
