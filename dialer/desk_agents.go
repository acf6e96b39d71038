package dialer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/pacing"
)

var _ api.AgentDesk = (*Daemon)(nil)

func (d *Daemon) allAgents() []*agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*agent, 0, len(d.agents))
	for _, a := range d.agents {
		list = append(list, a)
	}
	slices.SortFunc(list, func(x, y *agent) int { return strings.Compare(x.id, y.id) })
	return list
}

func (d *Daemon) findAgent(id string) *agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agents[id]
}

// configured is the agent's configuration; zero where a reload has removed them.
func (d *Daemon) configured(id string) config.Agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.cfg.Agent(id); c != nil {
		return *c
	}
	return config.Agent{}
}

// colleague is the agent whose extension it is at that PBX; nil where it is nobody's.
func (d *Daemon) colleague(extension, peer string) *agent {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.cfg.Agents {
		if c.Extension == extension && c.Peer == peer {
			return d.agents[c.ID]
		}
	}
	return nil
}

func (d *Daemon) agentIDs() []string {
	var ids []string
	for _, a := range d.allAgents() {
		ids = append(ids, a.id)
	}
	return ids
}

// Agents implements api.AgentDesk.
func (d *Daemon) Agents(context.Context) ([]api.AgentStatus, error) {
	now := time.Now()
	var list []api.AgentStatus
	for _, a := range d.allAgents() {
		s := asOf(*a.status.Load(), now)
		s.Registered = d.telephones(d.configured(a.id))
		list = append(list, s)
	}
	return list, nil
}

// Agent implements api.AgentDesk.
func (d *Daemon) Agent(_ context.Context, id string) (api.AgentStatus, error) {
	a := d.findAgent(id)
	if a == nil {
		return api.AgentStatus{}, noAgent(id)
	}
	s := asOf(*a.status.Load(), time.Now())
	s.Registered = d.telephones(d.configured(id))
	return s, nil
}

func noAgent(id string) error { return api.NotFound("there is no agent %q", id) }

// command has an agent's actor do something and returns the state that follows.
func (d *Daemon) command(ctx context.Context, id string, do func(*agent) error) (api.AgentStatus, error) {
	a := d.findAgent(id)
	if a == nil {
		return api.AgentStatus{}, noAgent(id)
	}
	if err := a.ask(ctx, func() error { return do(a) }); err != nil {
		return api.AgentStatus{}, err
	}
	return d.Agent(ctx, id)
}

// Login implements api.AgentDesk. The agent is paused until they say that they are
// ready.
func (d *Daemon) Login(ctx context.Context, id string) (api.AgentStatus, error) {
	a := d.findAgent(id)
	if a == nil {
		return api.AgentStatus{}, noAgent(id)
	}
	return d.logIn(ctx, a, false)
}

// logIn takes the agent's lease, so that no other node has them, and then begins
// the shift.
func (d *Daemon) logIn(ctx context.Context, a *agent, ready bool) (api.AgentStatus, error) {
	if err := d.lease(ctx, a); err != nil {
		return api.AgentStatus{}, err
	}
	return d.command(ctx, a.id, func(a *agent) error { return a.login(ready) })
}

// lease makes an agent this node's, as long as it is renewed.
func (d *Daemon) lease(ctx context.Context, a *agent) error {
	if d.draining.Load() {
		return api.Unavailable("the daemon shuts down")
	}
	if d.configured(a.id).ID == "" {
		return noAgent(a.id)
	}
	refused, err := d.store.LeaseAgents(ctx, agentPool, agentLease, a.id)
	if err != nil {
		return away(err)
	}
	if node, taken := refused[a.id]; taken {
		return api.Conflict("agent %s is logged in at node %s", a.id, node)
	}
	return nil
}

// Logout implements api.AgentDesk.
func (d *Daemon) Logout(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).logout)
}

// Ready implements api.AgentDesk.
func (d *Daemon) Ready(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).ready)
}

// Pause implements api.AgentDesk.
func (d *Daemon) Pause(ctx context.Context, id, reason string) (api.AgentStatus, error) {
	if err := d.pauseReason(reason); err != nil {
		return api.AgentStatus{}, err
	}
	return d.command(ctx, id, func(a *agent) error { return a.pause(reason) })
}

// pauseReason refuses a reason for a break that the configuration does not have.
func (d *Daemon) pauseReason(reason string) error {
	d.mu.Lock()
	reasons := d.cfg.PauseReasons
	d.mu.Unlock()
	if len(reasons) > 0 && !slices.Contains(reasons, reason) {
		return api.Invalid("no pause reason %q; there are: %s", reason, strings.Join(reasons, ", "))
	}
	return nil
}

// Leave implements api.AgentDesk.
func (d *Daemon) Leave(ctx context.Context, id string, l api.Leave) (api.AgentStatus, error) {
	if l.Reason != "" {
		if err := d.pauseReason(l.Reason); err != nil {
			return api.AgentStatus{}, err
		}
	}
	return d.command(ctx, id, func(a *agent) error { return a.announce(l.At, l.Reason) })
}

// Stay implements api.AgentDesk.
func (d *Daemon) Stay(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).stay)
}

// Hangup implements api.AgentDesk.
func (d *Daemon) Hangup(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).hangup)
}

// Hold implements api.AgentDesk.
func (d *Daemon) Hold(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).holdCustomer)
}

// Resume implements api.AgentDesk.
func (d *Daemon) Resume(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).resume)
}

// PauseRecording implements api.AgentDesk.
func (d *Daemon) PauseRecording(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).pauseRecording)
}

// ResumeRecording implements api.AgentDesk.
func (d *Daemon) ResumeRecording(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).resumeRecording)
}

// Transfer implements api.AgentDesk.
func (d *Daemon) Transfer(ctx context.Context, id, to string) (api.AgentStatus, error) {
	return d.command(ctx, id, func(a *agent) error { return a.transferTo(to) })
}

// CallIn implements api.AgentDesk.
func (d *Daemon) CallIn(ctx context.Context, id, to string) (api.AgentStatus, error) {
	return d.command(ctx, id, func(a *agent) error { return a.callIn(to) })
}

// DropThird implements api.AgentDesk.
func (d *Daemon) DropThird(ctx context.Context, id string) (api.AgentStatus, error) {
	return d.command(ctx, id, (*agent).dropThird)
}

// Dispose implements api.AgentDesk.
func (d *Daemon) Dispose(ctx context.Context, id string, r api.Disposition) (api.AgentStatus, error) {
	if !r.Callback.IsZero() && r.Callback.Before(time.Now()) {
		return api.AgentStatus{}, api.Invalid("the callback's time %s is past", r.Callback.Format(time.RFC3339))
	}
	return d.command(ctx, id, func(a *agent) error { return a.dispose(r) })
}

// Preview implements api.AgentDesk.
func (d *Daemon) Preview(ctx context.Context, id string) (api.AgentStatus, error) {
	if d.findAgent(id) == nil {
		return api.AgentStatus{}, noAgent(id)
	}
	var from []*campaign
	for _, c := range d.allCampaigns() {
		if c.status.Load().Mode == string(pacing.Preview) && slices.Contains(d.configured(id).Campaigns, c.name) {
			from = append(from, c)
		}
	}
	if len(from) == 0 {
		return api.AgentStatus{}, api.Conflict("agent %s works for no campaign in preview mode", id)
	}
	if _, err := d.command(ctx, id, (*agent).reserve); err != nil {
		return api.AgentStatus{}, err
	}
	a := d.findAgent(id)
	var found *preview
	var why error
	for _, c := range from {
		p, err := c.fetch(context.WithoutCancel(ctx), a)
		if err != nil {
			why = err
		} else if p != nil {
			found = p
			break
		}
	}
	// The agent must not stay reserved because the caller went away.
	var shown bool
	_, err := d.command(context.WithoutCancel(ctx), id, func(a *agent) error { shown = a.look(found); return nil })
	if found != nil && !shown {
		found.campaign.post(func() { found.campaign.giveBack(found) })
	}
	switch {
	case err != nil:
		return api.AgentStatus{}, err
	case shown:
		return d.Agent(ctx, id)
	case found != nil:
		return api.AgentStatus{}, api.Conflict("agent %s does not wait for a lead any more", id)
	case why != nil:
		return api.AgentStatus{}, away(why)
	}
	return api.AgentStatus{}, api.Conflict("no lead may be dialed now; `ringpace explain` tells why")
}

// Dial implements api.AgentDesk.
func (d *Daemon) Dial(ctx context.Context, id string) (api.AgentStatus, error) {
	var p *preview
	s, err := d.command(ctx, id, func(a *agent) (err error) {
		p, err = a.choose()
		return err
	})
	if err != nil {
		return s, err
	}
	if err := p.campaign.dialPreview(context.WithoutCancel(ctx), p); err != nil {
		p.campaign.post(func() { p.campaign.giveBack(p) })
		p.who.post(func() { p.who.unlook(p) })
		return s, fmt.Errorf("the lead goes back to the list: %w", err)
	}
	return s, nil
}

// Skip implements api.AgentDesk. A lead that waits to be dialed can still be skipped.
func (d *Daemon) Skip(ctx context.Context, id string) (api.AgentStatus, error) {
	var p *preview
	if s, err := d.command(ctx, id, func(a *agent) error { p = a.preview; return nil }); err != nil {
		return s, err
	}
	if p == nil {
		return api.AgentStatus{}, api.Conflict("agent %s has no lead to skip", id)
	}
	var back bool
	if err := p.campaign.ask(context.WithoutCancel(ctx), func() error { back = p.campaign.giveBack(p); return nil }); err != nil {
		return api.AgentStatus{}, err
	}
	if !back {
		return api.AgentStatus{}, api.Conflict("agent %s's lead is being dialed", id)
	}
	return d.command(ctx, id, func(a *agent) error { a.unlook(p); return nil })
}
