package dialer

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/sip"
	"ringpace/sip/registrar"
)

// registry is where agents' telephones register, if they do so here.
type registry struct {
	*registrar.Registrar
	passwords atomic.Pointer[map[string]string] // by extension
}

// passwordsOf are those of the agents whose telephones register here.
func passwordsOf(agents []config.Agent) *map[string]string {
	m := map[string]string{}
	for _, a := range agents {
		if a.Registers() {
			m[a.Extension] = a.Password.Reveal()
		}
	}
	return &m
}

func (r *registry) credentials(user string) (string, bool) {
	password, known := (*r.passwords.Load())[user]
	return password, known
}

// openRegistrar has the telephones back that were registered before a restart. Their
// calls must find them before signalling begins.
func (d *Daemon) openRegistrar(ctx context.Context) error {
	c := d.cfg.SIP.Registrar
	if !c.Enabled {
		return nil
	}
	r := &registry{}
	r.passwords.Store(passwordsOf(d.cfg.Agents))
	var err error
	r.Registrar, err = registrar.New(registrar.Config{
		Realm: c.Realm, Algorithms: c.Algorithms, Credentials: r.credentials, MinExpires: c.MinExpires, MaxExpires: c.MaxExpires, MaxContacts: c.MaxContacts,
		Failures: registrar.Failures{PerUser: c.AgentFailures, Window: c.FailureWindow},
		Keeper:   d.store.Contacts(), Logger: d.log, Changed: d.registrationChanged,
	})
	if err != nil {
		return err
	}
	d.registry = r
	return r.Load(ctx)
}

// openLocal opens the way to the telephones that register here.
func (d *Daemon) openLocal() error {
	if d.registry == nil {
		return nil
	}
	audio, err := sessionConfig(&d.cfg.Media, agentCodecs(&d.cfg.Media), d.cfg.SIP.Registrar.SRTP, config.DTMFAuto)
	if err != nil {
		return fmt.Errorf("sip.registrar: %w", err)
	}
	d.local, err = sip.NewLocal(d.endpoint, sip.LocalConfig{
		Name: config.OwnRegistrar, Registrar: d.registry.Registrar, Qualify: d.cfg.SIP.Registrar.Qualify,
		Policy: sip.Policy{AnswerTimeout: localAnswer},
	})
	if err == nil {
		p := &peer{local: d.local, fromUser: "ringpace"}
		p.audio.terms.Store(audio)
		d.peers = append(d.peers, p)
	}
	return err
}

// localAnswer is how long a telephone may take to say anything at all to an INVITE.
const localAnswer = 5 * time.Second

// registrar returns what the endpoint serves.
func (d *Daemon) registrar() *registrar.Registrar {
	if d.registry == nil {
		return nil
	}
	return d.registry.Registrar
}

// registrationChanged tells the agent whose telephone came or went.
func (d *Daemon) registrationChanged(user string) {
	contacts := d.registry.Contacts(user)
	d.log.Info("telephone registered or gone", "extension", user, "telephones", len(contacts))
	who := d.registering(user)
	if d.reception.Load() == nil || who == nil || len(contacts) == 0 {
		return // before Run no agent listens
	}
	if a := d.findAgent(who.ID); a != nil {
		a.post(a.phoneCame)
	}
}

// registering is the agent whose telephone registers here as that user, or nil.
func (d *Daemon) registering(user string) *config.Agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.cfg.Agents {
		if a.Registers() && a.Extension == user {
			return &a
		}
	}
	return nil
}

// configureRegistry takes over the passwords of a new configuration. Telephones of
// agents that are no more are not reached any more.
func (d *Daemon) configureRegistry(agents []config.Agent) {
	if d.registry == nil {
		return
	}
	d.registry.passwords.Store(passwordsOf(agents))
	d.registry.Retain(func(user string) bool { _, known := d.registry.credentials(user); return known })
}

// fromTelephone reports whether an INVITE comes from where a telephone registered.
// That is no proof yet: of a datagram the source can be forged.
func (d *Daemon) fromTelephone(in *sip.Incoming) bool {
	return d.registry != nil && d.registry.Knows(in.Transport(), in.Source())
}

// telephoneCalls deals with an INVITE from a registered telephone: it has to prove
// whose it is, each time.
func (d *Daemon) telephoneCalls(in *sip.Incoming) {
	if err := in.Authorize(d.registry.credentials); err != nil {
		return // Authorize has answered it
	}
	if who := d.registering(in.User()); who != nil && in.From() == in.User() {
		d.agentDialed(in, who)
		return
	}
	in.Reject(403, "Forbidden")
}

// telephones are what an agent's extension is registered with.
func (d *Daemon) telephones(c config.Agent) []api.Registration {
	if d.registry == nil || !c.Registers() {
		return nil
	}
	return registrationsOf(d.node, registrar.Entry{User: c.Extension, Contacts: d.registry.Contacts(c.Extension)}, d.local)
}

func registrationsOf(node string, e registrar.Entry, local *sip.Local) []api.Registration {
	var list []api.Registration
	for _, c := range e.Contacts {
		r := api.Registration{
			User: e.User, Node: node, Contact: c.URI, Source: c.Source.String(), Transport: c.Transport,
			UserAgent: c.UserAgent, Expires: c.Expires, Q: float64(c.Q) / 1000, Path: c.Path,
		}
		if local != nil {
			r.Silent, r.Disconnected = local.Silent(c), local.Gone(c)
		}
		list = append(list, r)
	}
	return list
}

// Registrations implements api.Overview: everybody who is registered, at whatever
// node.
func (d *Daemon) Registrations(ctx context.Context) ([]api.Registration, error) {
	var list []api.Registration
	if d.registry != nil {
		for _, e := range d.registry.Entries() {
			list = append(list, registrationsOf(d.node, e, d.local)...)
		}
	}
	nodes, err := d.store.Nodes(ctx)
	if err != nil {
		return list, nil // Redis is away: what this node knows
	}
	for node := range nodes {
		if node == d.node {
			continue
		}
		entries, err := d.store.Contacts().Of(ctx, node)
		if err != nil {
			return nil, away(err)
		}
		for _, e := range entries {
			list = append(list, registrationsOf(node, e, nil)...)
		}
	}
	slices.SortStableFunc(list, api.ByUser)
	return list, nil
}
