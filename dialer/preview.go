package dialer

import (
	"context"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// longestLook is how long a previewed lead is kept for an agent where the campaign
// sets no limit.
const longestLook = time.Hour

// preview is a lead that an agent looks at before it is dialed. The agent's actor
// owns it; the campaign has claimed the lead.
type preview struct {
	campaign *campaign
	who      *agent
	lead     lead.Lead
	view     api.LeadView
	limit    time.Duration
	dialing  bool // the agent has said: dial
}

func viewOf(campaign string, l *lead.Lead) api.LeadView {
	return api.LeadView{
		ID: l.ID, List: l.List, Campaign: campaign, Number: l.Number(),
		Attempts: l.Attempts, LastTry: l.LastTry, Fields: l.Fields,
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
			leads, err := c.store.Claim(ctx, c.name, c.epoch, 1, limit+claimLease)
			if err != nil || len(leads) == 0 {
				return err
			}
			l, now := &leads[0], time.Now()
			switch v := gate.Judge(c.rules, l, now); v.Action {
			case gate.Wait:
				if err := c.store.Unclaim(ctx, c.name, c.epoch, store.Deferral{LeadID: l.ID, Due: v.Until, Reason: v.Reason}); err != nil {
					return err
				}
			case gate.Skip:
				c.skip(newID(), l, string(v.Rule))
			default:
				p = &preview{campaign: c, who: who, lead: *l, view: viewOf(c.name, l), limit: limit}
				return nil
			}
		}
		return nil
	})
	return p, err
}

// giveBack returns a lead that was looked at and not dialed.
func (c *campaign) giveBack(ctx context.Context, p *preview) error {
	return c.ask(ctx, func() error {
		return c.store.Unclaim(ctx, c.name, c.epoch, store.Deferral{LeadID: p.lead.ID})
	})
}

// dialPreview has a previewed lead dialed as soon as pacing allows it.
func (c *campaign) dialPreview(ctx context.Context, p *preview) error {
	return c.ask(ctx, func() error {
		c.asked = append(c.asked, p)
		return nil
	})
}

// dialAsked starts attempts with the leads that agents have asked for, the longest
// asked for first. It reports whether any was.
func (c *campaign) dialAsked(ctx context.Context, ids []string) bool {
	var went bool
	for _, id := range ids {
		if len(c.asked) == 0 || !c.launch(ctx, id, &c.asked[0].lead, c.asked[0].who) {
			c.floor.landed(id)
			continue
		}
		c.asked, went = c.asked[1:], true
	}
	return went
}

// reserve takes a ready agent off the floor to look at a lead.
func (a *agent) reserve() error {
	if a.state != api.AgentReady || !a.floor.busy(a.id, pacing.Engaged) {
		return api.Conflict("agent %s is %s; only a ready agent is shown a lead", a.id, a.state)
	}
	a.become(api.AgentReserved, "a lead is being fetched")
	return nil
}

// look shows the agent a lead, or makes them ready again where there is none.
func (a *agent) look(p *preview) {
	if p == nil {
		a.settle()
		return
	}
	a.preview = p
	a.decideBy = time.NewTimer(p.limit)
	a.become(api.AgentReserved, "looks at a lead")
}

// choose is the agent's word that the lead is to be dialed.
func (a *agent) choose() (*preview, error) {
	p := a.preview
	if p == nil || p.dialing {
		return nil, api.Conflict("agent %s has no lead to dial: ask for one first", a.id)
	}
	p.dialing, a.decideBy = true, nil
	a.become(api.AgentReserved, "the lead is being dialed")
	return p, nil
}

// pass is the agent's word that the lead is not to be dialed.
func (a *agent) pass() (*preview, error) {
	p := a.preview
	if p == nil || p.dialing {
		return nil, api.Conflict("agent %s has no lead to skip", a.id)
	}
	a.unlook()
	return p, nil
}

// unlook ends the preview: the lead was skipped, or its call came to nothing.
func (a *agent) unlook() {
	if a.preview != nil {
		a.preview, a.decideBy = nil, nil
		a.settle()
	}
}

// tooLong ends a preview on which the agent did not decide in time. They are paused,
// for they seem to be away.
func (a *agent) tooLong() {
	p := a.preview
	if a.next == "" {
		a.next, a.nextWhy = api.AgentPaused, "did not decide on a lead in time"
	}
	a.unlook()
	go func() { _ = p.campaign.giveBack(a.ctx, p) }() // else its claim lapses
}
