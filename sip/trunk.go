package sip

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

const (
	defaultExpires = 10 * time.Minute
	minExpires     = 10 * time.Second
	maxExpires     = 24 * time.Hour
)

// TrunkConfig configures a trunk: a carrier, or a PBX that extensions are called at.
type TrunkConfig struct {
	Name      string
	Server    string // host or host:port; IPv6 addresses with a port in brackets
	Transport string // "udp" (default) or "tcp"
	Domain    string // host in Request-URI, From and To; default: Server

	Username     string
	AuthUsername string // default: Username
	Password     string

	Register       bool
	Expires        time.Duration // wish; default 10 min. What the server grants counts.
	HealthInterval time.Duration // between OPTIONS pings; 0: none

	Identity Identity
	Policy   Policy
}

// Trunk is a place that calls are sent to.
type Trunk struct {
	e   *Endpoint
	cfg TrunkConfig

	host string // of Server
	port uint16 // of Server, 0 if it names none

	changed chan struct{}

	mu      sync.Mutex // protects the fields below
	reg     registration
	health  health
	status  TrunkStatus
	server  netip.AddrPort // where the server was found last
	routes  []sipgo.Uri    // Service-Route (RFC 3608)
	running bool
}

// NewTrunk checks the configuration. Nothing is sent before Run or Invite.
func NewTrunk(e *Endpoint, cfg TrunkConfig) (*Trunk, error) {
	t := &Trunk{e: e, cfg: cfg, changed: make(chan struct{}, 1)}
	t.cfg.Identity.CallerIDs = slices.Clone(cfg.Identity.CallerIDs)
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%w: trunk %q: %w", ErrConfig, cfg.Name, err)
	}
	t.status = TrunkStatus{Name: cfg.Name, State: StateUp, Reason: "calls are sent to " + cfg.Server, Since: time.Now(), Usable: true}
	if t.cfg.Register {
		t.status.State, t.status.Usable = StateRegistering, false
		t.status.Reason = "not registered yet"
	}
	e.mu.Lock()
	e.trunks = append(e.trunks, t)
	e.mu.Unlock()
	return t, nil
}

func (t *Trunk) check() error {
	cfg := &t.cfg
	if cfg.Transport == "" {
		cfg.Transport = "udp"
	}
	if _, ok := t.e.Addr(cfg.Transport); !ok {
		return fmt.Errorf("transport %q: the endpoint listens on no address of it", cfg.Transport)
	}
	host, port, err := splitHostPort(cfg.Server)
	if err != nil {
		return err
	}
	t.host, t.port = host, port
	if a, err := netip.ParseAddr(host); err == nil {
		t.server = netip.AddrPortFrom(a, cmp.Or(port, defaultPort))
	}
	if cfg.Domain == "" {
		cfg.Domain = host
	}
	if !isHost(cfg.Domain) {
		return fmt.Errorf("domain %q is no host name or address", cfg.Domain)
	}
	if cfg.Register && cfg.Username == "" {
		return fmt.Errorf("registration needs a username")
	}
	if cfg.Username != "" && !isUser(cfg.Username) {
		return fmt.Errorf("username %q cannot be part of a SIP URI", cfg.Username)
	}
	if cfg.AuthUsername == "" {
		cfg.AuthUsername = cfg.Username
	}
	if _, ok := quoteDisplay(cfg.AuthUsername); !ok {
		return fmt.Errorf("authentication username %q cannot be sent", cfg.AuthUsername)
	}
	switch {
	case cfg.Expires == 0:
		cfg.Expires = defaultExpires
	case cfg.Expires < minExpires || cfg.Expires > maxExpires:
		return fmt.Errorf("registration expiry %s: use %s to %s", cfg.Expires, minExpires, maxExpires)
	}
	if cfg.HealthInterval < 0 || cfg.HealthInterval > 0 && cfg.HealthInterval < time.Second {
		return fmt.Errorf("health interval %s: use 0 or at least a second", cfg.HealthInterval)
	}
	if err := cfg.Policy.check(); err != nil {
		return err
	}
	return cfg.Identity.check()
}

// splitHostPort reads host, host:port, [v6]:port or a bare IPv6 address.
func splitHostPort(s string) (host string, port uint16, err error) {
	host = s
	if h, p, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("server %q: port %q", s, p)
		}
		host, port = h, uint16(n)
	}
	if !isHost(host) {
		return "", 0, fmt.Errorf("server %q is no host name or address", s)
	}
	return host, port, nil
}

// isHost reports whether s is a host name or an IP address.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// Name is the configured name.
func (t *Trunk) Name() string { return t.cfg.Name }

// authenticator returns a fresh one with the trunk's credentials; of a nil trunk,
// one that has none.
func (t *Trunk) authenticator() *authenticator {
	if t == nil {
		return &authenticator{}
	}
	return &authenticator{username: t.cfg.AuthUsername, password: t.cfg.Password}
}

// found is where the server was found last: for one that is given as an address,
// there from the beginning.
func (t *Trunk) found() netip.AddrPort {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server
}

// locate finds the server and the way to it.
func (t *Trunk) locate(ctx context.Context) (path, netip.AddrPort, error) {
	server, err := t.e.locator.locate(ctx, t.host, t.port, func(a netip.Addr) bool {
		return slices.ContainsFunc(t.e.listeners, func(l listener) bool {
			return l.transport == t.cfg.Transport && l.addr.Addr().Is4() == a.Is4()
		})
	})
	if err != nil {
		return path{}, server, err
	}
	local, err := t.e.localFor(t.cfg.Transport, server)
	if err != nil {
		return path{}, server, err
	}
	t.mu.Lock()
	t.server = server
	t.mu.Unlock()
	t.trust(server.Addr())
	return path{transport: t.cfg.Transport, local: local, fallback: server}, server, nil
}

// uri is the Request-URI of a user at the trunk. The server's port is part of it
// when the domain is the server itself.
func (t *Trunk) uri(user string) sipgo.Uri {
	u := t.cfg.Identity.uri(user, t.cfg.Domain)
	if t.cfg.Domain == t.host {
		u.Port = int(t.port)
	}
	return u
}

// contactUser is the user part of our Contact at this trunk.
func (t *Trunk) contactUser() string {
	if t.cfg.Username != "" {
		return t.cfg.Username
	}
	return "ringpace"
}

// serviceRoutes returns the routes that the registrar told us to use.
func (t *Trunk) serviceRoutes() []sipgo.Uri {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.routes)
}
