package sip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/registrar"
)

// LocalConfig configures the way to users who register here.
type LocalConfig struct {
	Name      string // in errors
	Registrar *registrar.Registrar
	Domain    string // host in From and To; default: the endpoint's first address
	Policy    Policy

	// Qualify is how often Run asks each phone by OPTIONS whether it is there; 0: never.
	Qualify time.Duration
}

// Local is where calls to registered users are sent: to all of a user's contacts.
type Local struct {
	e        *Endpoint
	cfg      LocalConfig
	identity Identity
	hush     hush
	count    int // of the phones in the present round; Run's
}

// NewLocal checks the configuration.
func NewLocal(e *Endpoint, cfg LocalConfig) (*Local, error) {
	if cfg.Registrar == nil {
		return nil, fmt.Errorf("%w: %s: no registrar", ErrConfig, cfg.Name)
	}
	if cfg.Domain == "" {
		cfg.Domain = e.host()
	}
	if !header.IsHost(cfg.Domain) {
		return nil, fmt.Errorf("%w: %s: domain %q is no host name or address", ErrConfig, cfg.Name, cfg.Domain)
	}
	if err := cfg.Policy.check(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrConfig, cfg.Name, err)
	}
	return &Local{e: e, cfg: cfg}, nil
}

// Invite calls the user Invite.To as Trunk.Invite calls a number: the contacts of
// the highest q all at once, then, if none of them can be reached, the next. It
// fails with ErrNotRegistered when there is none.
func (l *Local) Invite(ctx context.Context, inv Invite) (*Call, error) {
	if len(l.cfg.Registrar.Contacts(inv.To)) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNotRegistered, header.Clip(inv.To, header.MaxUser))
	}
	if inv.CallerID == "" {
		inv.CallerID = "ringpace"
	}
	return l.e.place(ctx, outlet{
		name: l.cfg.Name, domain: l.cfg.Domain, callHost: l.e.host(),
		identity: &l.identity, policy: l.cfg.Policy,
		targets: func(context.Context, sipgo.Uri) ([][]target, error) { return l.targets(inv.To) },
		uri:     func(user string) sipgo.Uri { return l.identity.URI(user, l.cfg.Domain) },
		contact: func(p path) sipgo.Uri { return contactURI("ringpace", p) },
		auth:    func() *authenticator { return (*Trunk)(nil).authenticator() },
	}, inv)
}

// Remote is where a user is registered at: the contact that is called first. It is not
// valid where there is none.
func (l *Local) Remote(user string) netip.Addr {
	groups, err := l.targets(user)
	if err != nil {
		return netip.Addr{}
	}
	return groups[0][0].addr.Addr()
}

// targets returns the contacts of a user that can be reached, by falling q.
func (l *Local) targets(user string) ([][]target, error) {
	var groups [][]target
	q := -1
	contacts := l.cfg.Registrar.Contacts(user)
	if answering := slices.DeleteFunc(slices.Clone(contacts), l.Silent); len(answering) > 0 {
		contacts = answering
	}
	for _, c := range contacts {
		t, err := l.e.contactTarget(c)
		if err != nil {
			l.e.log.Debug("sip: contact cannot be reached", "user", user, "contact", c.URI, "error", err)
			continue
		}
		if c.Q != q {
			groups, q = append(groups, nil), c.Q
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], t)
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("%w: %q: no contact can be reached any more", ErrNotRegistered, user)
	}
	return groups, nil
}

// Gone reports whether the connection of a phone has ended, and none has been opened to
// it since. The contact is kept where it names an address that one can be opened to.
func (l *Local) Gone(c registrar.Contact) bool {
	open := func(at netip.AddrPort) bool { return at.IsValid() && l.e.wire.Connected(c.Transport, at) }
	return c.Transport != "udp" && !open(c.Source) && !open(c.Addr)
}

// contactTarget returns how to send to a registered contact: over the connection of
// its REGISTER, else to where that came from.
func (e *Endpoint) contactTarget(c registrar.Contact) (target, error) {
	t := target{addr: c.Addr}
	if c.Transport != "udp" && e.wire.Connected(c.Transport, c.Source) {
		t.addr = c.Source
	}
	if !t.addr.IsValid() {
		return t, fmt.Errorf("%w: its connection from %s is gone", ErrTransport, c.Source)
	}
	if err := sipgo.ParseUri(c.URI, &t.uri); err != nil {
		return t, err
	}
	for _, p := range c.Path {
		var route sipgo.Uri
		if err := sipgo.ParseUri(p, &route); err != nil {
			return t, err
		}
		t.routes = append(t.routes, route)
	}
	local := c.Local
	if !e.wire.Listens(c.Transport, local) { // before a restart, say
		var err error
		if local, err = e.wire.Local(c.Transport, t.addr); err != nil {
			return t, err
		}
	}
	t.path = path{transport: c.Transport, local: local, fallback: t.addr, flow: len(c.Path) == 0}
	return t, nil
}
