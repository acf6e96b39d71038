package dialer

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"ringpace/configs/document"
	"ringpace/dialer/api"
	"ringpace/dialer/config"
)

// Reload implements api.Floor: it reads the configuration file anew and applies what
// may change while running.
func (d *Daemon) Reload(ctx context.Context) ([]api.Change, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if d.draining.Load() {
		return nil, api.Unavailable("the daemon shuts down")
	}
	if d.opts.Path == "" {
		return nil, api.Conflict("the daemon was started without a configuration file")
	}
	cfg, warnings, err := config.Load(d.opts.Path)
	if err != nil {
		refusal := &api.Refusal{Kind: api.ErrInvalid, Detail: "the configuration file has errors; the old configuration stays in force"}
		var faults document.Problems
		if errors.As(err, &faults) {
			for _, p := range faults {
				refusal.Problems = append(refusal.Problems, p.String())
			}
		} else {
			refusal.Problems = []string{err.Error()}
		}
		return nil, refusal
	}
	for _, w := range warnings {
		d.log.Warn("configuration", "warning", w.String())
	}
	return d.apply(ctx, cfg)
}

// apply brings a new configuration into force, as far as a running daemon can.
func (d *Daemon) apply(ctx context.Context, cfg *config.Config) ([]api.Change, error) {
	// What can fail is tried before anything is changed.
	for _, c := range cfg.Campaigns {
		if _, err := loadMessage(&c); err != nil {
			return nil, api.Invalid("campaign %s: message: %v; the old configuration stays in force", c.Name, err)
		}
		if _, err := loadConsent(&c); err != nil {
			return nil, api.Invalid("campaign %s: consent: %v; the old configuration stays in force", c.Name, err)
		}
		if _, err := newWelcome(&c, terms{}); err != nil {
			return nil, api.Invalid("campaign %s: %v; the old configuration stays in force", c.Name, err)
		}
	}
	rules, err := loadPhones(cfg)
	if err != nil {
		return nil, api.Invalid("%v; the old configuration stays in force", err)
	}
	applyAudio, err := d.prepareAudio(cfg)
	if err != nil {
		return nil, api.Invalid("%v; the old configuration stays in force", err)
	}
	d.mu.Lock()
	old := d.cfg
	d.mu.Unlock()
	var changes []api.Change
	for _, c := range config.Diff(old, cfg) {
		changes = append(changes, api.Change{Key: c.Key, Old: c.Old, New: c.New, Applied: c.Reloadable})
		d.log.Info("configuration changed", "key", c.Key, "old", c.Old, "new", c.New, "applied", c.Reloadable)
	}
	if err := d.server.SetTokens(tokensOf(cfg)); err != nil {
		return nil, api.Invalid("http.tokens: %v; the old configuration stays in force", err)
	}
	if err := d.guard.Set(defenceOf(cfg)); err != nil {
		return nil, api.Invalid("sip.defence: %v; the old configuration stays in force", err)
	}
	if d.opts.Level != nil {
		d.opts.Level.Set(cfg.Logging.SlogLevel())
	}
	d.board.phones.Store(rules)
	d.disclosure.Store(newDisclosure(&cfg.Recording))
	d.trunks.configure(cfg.Trunks)
	applyAudio()
	d.applyAgents(cfg.Agents)
	d.mu.Lock()
	d.cfg = cfg
	d.mu.Unlock()
	d.configureRegistry(cfg.Agents)
	return changes, d.applyCampaigns(ctx, cfg.Campaigns)
}

// applyAgents changes agents, brings new ones to the floor, and sends home those who
// are not in the file any more: after their call.
func (d *Daemon) applyAgents(cfgs []config.Agent) {
	known := map[string]bool{}
	for _, c := range cfgs {
		known[c.ID] = true
		if a := d.findAgent(c.ID); a != nil {
			a.post(func() { a.configure(c) })
			continue
		}
		a := d.newAgent(c)
		d.mu.Lock()
		d.agents[c.ID] = a
		d.mu.Unlock()
		d.spawn(a)
	}
	for _, a := range d.allAgents() {
		if !known[a.id] {
			a.post(func() { _ = a.logout() })
		}
	}
}

// applyCampaigns changes campaigns. One that is new begins with the next start of
// the daemon, and one that is gone ends with it; Diff has told so.
func (d *Daemon) applyCampaigns(ctx context.Context, cfgs []config.Campaign) error {
	var errs []error
	for _, c := range cfgs {
		if k, err := d.findCampaign(c.Name); err == nil {
			errs = append(errs, k.ask(ctx, func() error { return k.configure(c) }))
		}
	}
	return errors.Join(errs...)
}

// storeURL writes the store's configuration in the form that the store takes.
func storeURL(c config.Redis) string {
	base := c.URL
	switch {
	case len(c.Sentinel.Addrs) > 0:
		q := url.Values{"master_name": {c.Sentinel.Master}, "addr": c.Sentinel.Addrs[1:]}
		if c.Sentinel.Password.Set() {
			q.Set("sentinel_password", c.Sentinel.Password.Reveal())
		}
		base = fmt.Sprintf("redis+sentinel://%s?%s", c.Sentinel.Addrs[0], q.Encode())
	case len(c.Cluster) > 0:
		base = fmt.Sprintf("redis+cluster://%s?%s", c.Cluster[0], url.Values{"addr": c.Cluster[1:]}.Encode())
	}
	u, err := url.Parse(base)
	if err != nil || !c.Password.Set() {
		return base // what is wrong with it the store says
	}
	u.User = url.UserPassword(c.Username, c.Password.Reveal())
	return u.String()
}
