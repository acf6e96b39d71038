package dialer

import (
	"context"
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// longestLook is how long a previewed lead is kept for an agent where the campaign
// sets no limit.
const longestLook = time.Hour

// askLimit is how long the call of a previewed lead may wait for a trunk.
const askLimit = 15 * time.Second

// preview is a lead that an agent looks at before it is dialed, and that the campaign
// has claimed. It does not change but for dialing.
type preview struct {
	campaign *campaign
	who      *agent
	lead     lead.Lead
	view     api.LeadView
	limit    time.Duration
	dialing  bool // the agent has said: dial (the agent's)
}

func viewOf(campaign string, l *lead.Lead) api.LeadView {
	return api.LeadView{
		ID: l.ID, List: l.List, Campaign: campaign, Number: l.Number(),
		Attempts: l.Attempts, LastTry: l.LastTry, Asked: l.Callback.Asked, Fields: l.Fields,
	}
}

// fetch claims the next lead that may be dialed for an agent to look at. It returns
// nil where there is none.
func (c *campaign) fetch(ctx context.Context, who *agent) (*preview, error) {
	var p *preview
	err := c.ask(ctx, func() error {
		if l := c.limits(); l.Stop != "" {
			return api.Conflict("campaign %s: %s", c.name, l.Stop)
		}
		limit := c.cfg.PreviewLimit
		if limit <= 0 {
			limit = longestLook
		}
		for range mostRounds {
			leads, err := c.store.Claim(c.ctx, c.name, c.epoch, 1, limit+askLimit+claimLease)
			if err != nil || len(leads) == 0 {
				return err
			}
			if l := &leads[0]; c.passes(l) {
				p = &preview{campaign: c, who: who, lead: *l, view: viewOf(c.name, l), limit: limit}
				c.shown[p] = true
				return nil
			}
		}
		return nil
	})
	return p, err
}

// passes has the rules judge a claimed lead. One that may not be dialed now is put
// off, or skipped for good.
func (c *campaign) passes(l *lead.Lead) bool {
	switch v := gate.Judge(c.rules, l, time.Now()); v.Action {
	case gate.Wait:
		c.unclaim(store.Deferral{LeadID: l.ID, Due: v.Until, Reason: v.Reason})
	case gate.Skip:
		c.skip(newID(), l, string(v.Rule))
	default:
		why := c.trunks.unserved(c.cfg, l.Number())
		if why == "" {
			return true
		}
		c.unclaim(store.Deferral{LeadID: l.ID, Due: time.Now().Add(unservedDelay), Reason: why})
	}
	return false
}

// giveBack returns a lead that was looked at and is not to be dialed. It reports
// false where it is being dialed already.
func (c *campaign) giveBack(p *preview) bool {
	if !c.shown[p] {
		return false
	}
	delete(c.shown, p)
	c.asked = slices.DeleteFunc(c.asked, func(k *preview) bool { return k == p })
	c.unclaim(store.Deferral{LeadID: p.lead.ID})
	return true
}

// withdrawAll gives back every lead that agents look at.
func (c *campaign) withdrawAll(why string) {
	for p := range c.shown {
		c.giveBack(p)
		p.who.post(func() { p.who.unlook(p) })
	}
}

// dropAsked gives back the leads that agents have asked for, since they cannot be
// dialed; why is for the log.
func (c *campaign) dropAsked(why string) {
	for _, p := range slices.Clone(c.asked) {
		c.log.Info("a previewed lead is not dialed", "lead", p.lead.ID, "agent", p.who.id, "why", why)
		c.giveBack(p)
		p.who.post(func() { p.who.unlook(p) })
	}
}

// dialPreview has a previewed lead dialed as soon as pacing allows it.
func (c *campaign) dialPreview(ctx context.Context, p *preview) error {
	return c.ask(ctx, func() error {
		if l := c.limits(); l.Stop != "" {
			return api.Conflict("campaign %s: %s", c.name, l.Stop)
		}
		if !c.shown[p] {
			return api.Conflict("the lead was taken back")
		}
		c.asked = append(c.asked, p)
		return nil
	})
}

// dialAsked starts attempts with the leads that agents have asked for, the longest
// asked for first, once the rules have judged them again. It returns the ids that are
// left, and whether to go on at once.
func (c *campaign) dialAsked(ids []string) (left []string, again bool) {
	for len(ids) > 0 && len(c.asked) > 0 {
		p := c.asked[0]
		switch {
		case !c.passes(&p.lead):
			p.who.post(func() { p.who.unlook(p) })
		case c.launch(ids[0], &p.lead, p):
			ids = ids[1:]
		default:
			return ids, false
		}
		c.asked = c.asked[1:]
		delete(c.shown, p)
	}
	return ids, len(c.asked) > 0
}

// reserve takes a ready agent off the floor to look at a lead, which look brings.
func (a *agent) reserve() error {
	if a.state != api.AgentReady || !a.floor.busy(a.id, pacing.Engaged) {
		return api.Conflict("agent %s is %s; only a ready agent is shown a lead", a.id, a.state)
	}
	a.fetching = true
	a.become(api.AgentReserved, "a lead is being fetched")
	return nil
}

// look shows the agent a lead, or makes them ready again where there is none. It
// reports false where they do not wait for one any more.
func (a *agent) look(p *preview) bool {
	if !a.fetching {
		return false
	}
	a.fetching = false
	if p == nil || a.next != "" || a.mode == config.Nailed && !a.proven {
		a.settle()
		return false
	}
	a.preview = p
	a.decideBy.set(p.limit)
	a.become(api.AgentReserved, "looks at a lead")
	return true
}

// choose is the agent's word that the lead is to be dialed.
func (a *agent) choose() (*preview, error) {
	p := a.preview
	if p == nil || p.dialing {
		return nil, api.Conflict("agent %s has no lead to dial: ask for one first", a.id)
	}
	p.dialing = true
	a.decideBy.set(askLimit)
	a.become(api.AgentReserved, "the lead is being dialed")
	return p, nil
}

// unlook ends a preview: the lead was skipped, or its call came to nothing.
func (a *agent) unlook(p *preview) {
	if p != nil && a.preview == p && a.talk == nil {
		a.preview = nil
		a.decideBy.clear()
		a.settle()
	}
}

// tooLong ends a preview on which the agent did not decide in time, or whose call the
// campaign has not begun in time. Who did not decide is paused, for they seem to be
// away.
func (a *agent) tooLong() {
	p := a.preview
	a.decideBy.clear()
	if !p.dialing && a.next == "" {
		a.next, a.nextWhy = api.AgentPaused, "did not decide on a lead in time"
	}
	go p.campaign.post(func() {
		if p.campaign.giveBack(p) {
			p.who.post(func() { p.who.unlook(p) })
		}
	})
}
