package dialer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/sip"
)

const (
	agentPool  = "agents"        // of the leases by which an agent belongs to one node
	agentLease = 5 * time.Second // renewed each second
)

// watch keeps what the node holds in common with others (its shares of the trunks,
// its agents) and raises alarms, once a second and where the store comes or goes.
func (d *Daemon) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	trunks := map[string]string{}
	for {
		changed := d.store.Changed()
		d.lookAround(trunks)
		if d.store.Up() {
			if err := d.trunks.allot(ctx, d.wantedTrunks()); err != nil {
				d.log.Debug("trunks were not shared", "error", err)
			}
			d.keepAgents(ctx)
		}
		for _, c := range d.allCampaigns() {
			c.nudge()
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// lookAround raises and ends alarms, and tells of trunks that changed.
func (d *Daemon) lookAround(seen map[string]string) {
	detail := ""
	if since, err := d.store.Status(); err != nil {
		detail = fmt.Sprintf("Redis is away since %s: nothing is dialed, calls go on, records wait in the journal (%v)", since.Format(time.TimeOnly), err)
	}
	d.alarms.set("redis_down", detail)
	if detail = clocksDiffer(d.store.Skew()); detail != "" {
		detail = "nothing is dialed: " + detail
	}
	d.alarms.set("clock", detail)
	detail = ""
	if d.recorder != nil && d.recorder.Full() {
		detail = "nothing is dialed: " + d.recorder.Trouble()
	}
	if full := d.space.trouble(); full != "" {
		detail = strings.TrimPrefix(detail+"; ", "; ") + "nothing is dialed: " + full
	}
	d.alarms.set("disk_full", detail)
	detail = ""
	if d.recorder != nil {
		if seen := d.recorder.Tampered(); seen != "" {
			detail = fmt.Sprintf("the chain of recordings was changed beneath the daemon: %s; ringpace recordings verify shows where", seen)
		}
	}
	if d.uploader != nil {
		if seen := d.uploader.Tampered(); detail == "" && seen != "" {
			detail = fmt.Sprintf("the chain of recordings was changed: %s; ringpace recordings verify shows where", seen)
		}
		d.alarms.set("recording_upload", d.uploader.Trouble())
	}
	d.alarms.set("recording_chain", detail)
	for _, t := range d.routes() {
		s := t.Status()
		detail = ""
		if !s.Usable && s.State != sip.StateRegistering {
			kind := "trunk"
			if slices.ContainsFunc(d.peers, func(p *peer) bool { return p.Trunk == t }) {
				kind = "peer"
			}
			detail = fmt.Sprintf("%s %s is %s: %s", kind, s.Name, s.State, s.Reason)
		}
		d.alarms.set("trunk_down:"+s.Name, detail)
	}
	for _, s := range d.trunks.status() {
		if looks := fmt.Sprint(s.State, s.Usable, s.SlowedBy); seen[s.Name] != looks {
			seen[s.Name] = looks
			d.feed.Publish(api.Event{Kind: api.EventTrunk, Trunk: &s})
		}
	}
	for _, c := range d.allCampaigns() {
		d.alarms.set("trunks_down:"+c.name, d.cutOff(c))
	}
}

// cutOff says that and why a campaign that is to dial has no way to do so: none of
// its trunks can be used; "" if one can, or may in a moment.
func (d *Daemon) cutOff(c *campaign) string {
	names := c.wants.Load()
	if names == nil {
		return ""
	}
	var down []string
	for _, t := range d.trunks.named(*names) {
		s := t.state()
		if s.Usable || s.State == sip.StateRegistering {
			return ""
		}
		down = append(down, fmt.Sprintf("%s is %s", s.Name, s.State)) // why, its own alarm says
	}
	return "campaign " + c.name + " has no trunk to dial over: " + strings.Join(down, ", ")
}

// wantedTrunks are those that a campaign of this node dials over now, or whose customers
// an agent may transfer to a number outside.
func (d *Daemon) wantedTrunks() map[string]bool {
	wanted := map[string]bool{}
	for _, c := range d.allCampaigns() {
		if names := c.wants.Load(); names != nil {
			for _, name := range *names {
				wanted[name] = true
			}
		}
	}
	if d.board.phones.Load().transfer.External {
		for _, t := range d.trunks.all {
			if t.share.Used() > 0 {
				wanted[t.Name()] = true
			}
		}
	}
	return wanted
}

// keepAgents renews the leases of the agents who are logged in. One whom another
// node has goes home here.
func (d *Daemon) keepAgents(ctx context.Context) {
	var ids []string
	for _, a := range d.allAgents() {
		if a.status.Load().State != api.AgentOffline {
			ids = append(ids, a.id)
		}
	}
	if len(ids) == 0 {
		return
	}
	refused, err := d.store.LeaseAgents(ctx, agentPool, agentLease, ids...)
	if err != nil {
		d.log.Debug("agents' leases were not renewed", "error", err)
	}
	for id, node := range refused {
		d.log.Warn("another node has the agent", "agent", id, "other", node)
		a := d.findAgent(id)
		a.post(func() { _ = a.logout() })
	}
}

// autoLogin logs in the agents whose shift is always, once each, as soon as the store
// lets it: another node that has died keeps its agents for as long as their lease.
func (d *Daemon) autoLogin(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var wanted []*agent
	for _, a := range d.allAgents() {
		if d.configured(a.id).AutoLogin {
			wanted = append(wanted, a)
		}
	}
	for told := false; len(wanted) > 0 && !d.draining.Load(); told = true {
		changed := d.store.Changed()
		wanted = slices.DeleteFunc(wanted, func(a *agent) bool {
			_, err := d.logIn(ctx, a, true)
			if err != nil && !told && d.store.Up() {
				d.log.Warn("cannot log the agent in yet", "agent", a.id, "error", err)
			}
			return err == nil
		})
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}
