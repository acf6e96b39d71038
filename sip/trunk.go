package sip

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/digest"
	"ringpace/sip/header"
	"ringpace/sip/identity"
	"ringpace/sip/wire"
)

const (
	defaultExpires = 10 * time.Minute
	minExpires     = 10 * time.Second
	maxExpires     = 24 * time.Hour
	minKeepAlive   = time.Second
	maxKeepAlive   = 10 * time.Minute
)

// TransportAuto has NAPTR and SRV records choose the transport (RFC 3263 section
// 4.1), among those that the endpoint has.
const TransportAuto = "auto"

// Identity is who a trunk says is calling, and how.
type Identity = identity.Presentation

// TrunkTLS is how a trunk's server proves who it is, and we prove who we are.
type TrunkTLS = wire.TLS

// TrunkConfig configures a trunk: a carrier, or a PBX that extensions are called at.
type TrunkConfig struct {
	Name string

	// Server is a host or host:port; IPv6 addresses with a port in brackets. A name
	// without port is located by RFC 3263, through its SRV records; one with port
	// by its addresses alone.
	Server        string
	Transport     string // "udp" (default), "tcp", "tls" or TransportAuto
	TLS           TrunkTLS
	Domain        string // host in Request-URI, From and To; default: Server
	OutboundProxy string // host or host:port that everything goes through; default: none

	// Sources are where its calls come from, beside its servers' addresses.
	Sources []netip.Prefix

	// RejectAnonymous answers 433 (RFC 5079) to calls from this trunk that hide who
	// calls.
	RejectAnonymous bool

	Username     string
	AuthUsername string // default: Username
	Password     string

	Register       bool
	Expires        time.Duration // wish; default 10 min. What the server grants counts.
	BulkContact    bool          // register for all numbers of the account at once (RFC 6140)
	HealthInterval time.Duration // between OPTIONS pings; 0: none
	KeepAlive      time.Duration // between double CRLFs, for NATs in between; 0: none
	NAT            NAT           // the far side's; default NATAuto

	Identity Identity
	Policy   Policy
}

// Trunk is a place that calls are sent to.
type Trunk struct {
	e   *Endpoint
	cfg TrunkConfig

	host    string        // of the outbound proxy, else of Server
	port    uint16        // the same one's, 0 if it names none
	own     uint16        // port in our URIs of the trunk, 0: none
	choice  []string      // transports, where the name service chooses
	tls     *wire.Profile // nil unless TLS may be used
	profile string        // key of the trunk's TLS profile and connections

	account *digest.Account // username and password, for all its calls and the registration

	changed  chan struct{}
	unproved unproved // calls that came in

	pongTimeout time.Duration // see keepAlive; shorter in tests

	mu      sync.Mutex // protects the fields below
	reg     registration
	health  health
	calls   breaker
	seen    mapping
	status  TrunkStatus
	servers []netip.AddrPort // where its servers were found last
	home    hop              // the server that we are registered at
	routes  []sipgo.Uri      // Service-Route (RFC 3608)
	realms  []string         // that its servers have asked credentials for
	running bool
	stopped bool // Run has returned
}

// NewTrunk checks the configuration. Nothing is sent before Run or Invite.
func NewTrunk(e *Endpoint, cfg TrunkConfig) (*Trunk, error) {
	t := &Trunk{e: e, cfg: cfg, changed: make(chan struct{}, 1), pongTimeout: pongTimeout}
	t.cfg.Identity.CallerIDs = slices.Clone(cfg.Identity.CallerIDs)
	t.cfg.Sources = slices.Clone(cfg.Sources)
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%w: trunk %q: %w", ErrConfig, cfg.Name, err)
	}
	t.account = digest.NewAccount(t.cfg.AuthUsername, t.cfg.Password)
	if t.cfg.Register {
		t.reg.state, t.reg.reason = StateRegistering, "not registered yet"
	}
	t.status = TrunkStatus{Name: cfg.Name, Since: time.Now()}
	t.status.State, t.status.Reason = t.derive(time.Now())
	t.profile = e.wire.AddProfile(t.tls)
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
	host, port, err := header.SplitHostPort(cfg.Server)
	if err != nil {
		return fmt.Errorf("server %w", err)
	}
	if cfg.Domain == "" {
		cfg.Domain = host
	}
	if cfg.Domain == host {
		t.own = port
	}
	t.host, t.port = host, port
	if cfg.OutboundProxy != "" {
		if t.host, t.port, err = header.SplitHostPort(cfg.OutboundProxy); err != nil {
			return fmt.Errorf("outbound proxy %w", err)
		}
	}
	if err := t.checkTransport(); err != nil {
		return err
	}
	if !header.IsHost(cfg.Domain) {
		return fmt.Errorf("domain %q is no host name or address", cfg.Domain)
	}
	if cfg.Register && cfg.Username == "" {
		return fmt.Errorf("registration needs a username")
	}
	if cfg.Username != "" && !header.IsUser(cfg.Username) {
		return fmt.Errorf("username %q cannot be part of a SIP URI", cfg.Username)
	}
	if cfg.AuthUsername == "" {
		cfg.AuthUsername = cfg.Username
	}
	if _, ok := header.QuoteDisplay(cfg.AuthUsername); !ok {
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
	if cfg.KeepAlive != 0 && (cfg.KeepAlive < minKeepAlive || cfg.KeepAlive > maxKeepAlive) {
		return fmt.Errorf("keep-alive %s: use 0, or %s to %s", cfg.KeepAlive, minKeepAlive, maxKeepAlive)
	}
	cfg.NAT = cmp.Or(cfg.NAT, NATAuto)
	if err := cfg.NAT.check(); err != nil {
		return err
	}
	if cfg.BulkContact && !cfg.Register {
		return fmt.Errorf("bulk contact needs registration")
	}
	if err := cfg.Policy.check(); err != nil {
		return err
	}
	if err := cfg.Identity.Check(); err != nil {
		return err
	}
	if cfg.Identity.From == identity.FromAccount && cfg.Username == "" {
		return fmt.Errorf("from account needs a username")
	}
	return nil
}

// checkTransport checks what the way to the server depends on. TCP and TLS need no
// listener: the far side's requests come over our connection then.
func (t *Trunk) checkTransport() error {
	cfg := &t.cfg
	_, udp := t.e.Addr("udp")
	switch cfg.Transport {
	case "tcp", "tls":
	case "udp":
		if !udp {
			return fmt.Errorf("transport udp: the endpoint listens on no address of it")
		}
	case TransportAuto:
		for _, transport := range transports {
			if transport != "udp" || udp {
				t.choice = append(t.choice, transport)
			}
		}
	default:
		return fmt.Errorf("transport %q: use udp, tcp, tls or auto", cfg.Transport)
	}
	if a, err := netip.ParseAddr(t.host); err == nil {
		standard := uint16(5060) // RFC 3261 section 19.1.2
		if cfg.Transport == "tls" {
			standard = 5061
		}
		t.servers = []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), cmp.Or(t.port, standard))}
	}
	if cfg.Transport != "tls" && cfg.Transport != TransportAuto {
		return nil
	}
	var err error
	t.tls, err = wire.NewProfile(cfg.TLS, t.host, t.e.log)
	return err
}

// Name is the configured name.
func (t *Trunk) Name() string { return t.cfg.Name }

// uri is the Request-URI of a user at the trunk. The server's port is part of it
// when the domain is the server itself.
func (t *Trunk) uri(user string) sipgo.Uri {
	u := t.cfg.Identity.URI(user, t.cfg.Domain)
	u.Port = int(t.own)
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
