package dialer

import (
	"context"
	"errors"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// pace asks the pacer and does what it says, until it says that no more is to be
// dialed or no more can be. What is left to do after many rounds waits until other
// messages have had their turn.
func (c *campaign) pace() {
	c.crowded = false
	for range mostRounds {
		ids := c.decide()
		if len(ids) == 0 {
			return
		}
		var again bool
		if c.cfg.Mode == pacing.Preview {
			ids, again = c.dialAsked(ids)
		} else {
			ids, again = c.dialNext(ids)
		}
		c.floor.unplan(c.name, ids)
		if !again {
			return
		}
	}
	c.nudge()
}

// decide asks the pacer. It returns the ids of the attempts to be made, which are
// calls in flight from now on.
func (c *campaign) decide() []string {
	limits := c.limits()
	if c.isGranted() {
		return c.dialGranted(limits)
	}
	return c.decideWithin(limits)
}

// decideWithin is decide where this node decides, under those limits.
func (c *campaign) decideWithin(limits pacing.Limits) []string {
	started := time.Now()
	if limits.Stop != "" || c.cfg.Mode != pacing.Preview {
		c.dropAsked(limits.Stop)
	}
	var d pacing.Decision
	ids := c.floor.plan(c.name, c.cfg.Mode == pacing.Preview, func(news []pacing.Event, s pacing.Snapshot) pacing.Decision {
		c.observe(news)
		c.tell(&s, limits)
		d = c.pacer.Decide(s)
		return d
	})
	took := time.Since(started)
	c.rhythm.took(took)
	c.metrics.Decided(c.name, took)
	if p := d.Predictive; p != nil {
		c.reserve = p.Gate
	}
	c.own, c.most = d, c.mostAbandoned(&d)
	c.show(d, c.windows, started)
	return ids
}

// tell completes a snapshot of the floor by what the campaign knows.
func (c *campaign) tell(s *pacing.Snapshot, limits pacing.Limits) {
	s.Asked, s.Limits, s.Windows, s.Next, s.Elsewhere = len(c.asked), limits, c.windows, c.ahead.leads, c.elsewhere("")
}

// show tells a decision, made by those windows.
func (c *campaign) show(d pacing.Decision, windows []pacing.Window, at time.Time) {
	c.last, c.text = decisionOf(d, windows, at), d.Explain()
}

// limits is what the surroundings allow now.
func (c *campaign) limits() pacing.Limits {
	l := pacing.Limits{Leads: c.due, Stop: c.stop()}
	if c.cfg.Mode == pacing.Preview {
		l.Leads = pacing.Unlimited // those asked for are claimed already
	}
	var why string
	l.Channels, l.Rate, c.soon, why = c.trunks.room(c.cfg)
	switch {
	case !c.running:
		l.Stop = "the campaign is stopped"
	case c.epoch == 0:
		l.Stop = "this node does not have the campaign: " + c.owner
	case l.Stop == "" && c.unread() != "":
		l.Stop = c.unread()
	case l.Stop == "" && time.Since(c.blockedAt) < pulse:
		l.Stop = c.blocked
	case l.Stop == "":
		l.Stop = why
	}
	return l
}

// dialNext claims leads once, those of the batch first, and starts an attempt with each
// that the rules let through. It returns the ids that are left, and whether to go on at
// once: leads may be there, and trunks that take them.
func (c *campaign) dialNext(ids []string) (left []string, again bool) {
	n := max(len(ids), c.batch)
	leads, err := c.store.Claim(c.ctx, c.name, c.epoch, n, claimLease, c.ahead.batch.ids...)
	if err != nil {
		c.refused(err)
		return ids, false
	}
	c.ahead.claimed(leads)
	c.due = max(c.due-len(leads), 0)
	if len(leads) < n {
		c.due = 0
	}
	left, room := c.judge(ids, leads)
	c.batch = 0
	if len(left) == len(ids) && room {
		c.batch = min(2*n, mostGated) // the rules put off all of them
	}
	return left, room && len(leads) == n
}

// judge has the rules judge claimed leads and starts attempts with those that may
// be dialed, as long as there are ids and the trunks have room. It returns the ids
// that are left.
func (c *campaign) judge(ids []string, leads []lead.Lead) (left []string, room bool) {
	now := time.Now()
	room = true
	var back []store.Deferral
	for i := range leads {
		l := &leads[i]
		switch v := gate.Judge(c.rules, l, now); {
		case v.Action == gate.Wait:
			back = append(back, store.Deferral{LeadID: l.ID, Due: v.Until, Reason: v.Reason})
			continue
		case v.Action == gate.Skip:
			c.skip(newID(), l, string(v.Rule))
			continue
		}
		if why := c.trunks.unserved(c.cfg, l.Number()); why != "" {
			back = append(back, store.Deferral{LeadID: l.ID, Due: now.Add(unservedDelay), Reason: why})
			continue
		}
		if len(ids) > 0 && room {
			if c.launch(ids[0], l, nil) {
				ids = ids[1:]
				continue
			}
			if c.trunks.only(c.cfg, l.Number()) && c.anyRoom() {
				// Its own trunks are busy; those of others need not wait behind it.
				back = append(back, store.Deferral{LeadID: l.ID, Due: now.Add(crowdedDelay), Reason: "the trunks for its number have no room"})
				continue
			}
		}
		room = len(ids) == 0 // with ids left, it was the trunks that had none
		back = append(back, store.Deferral{LeadID: l.ID})
		c.due++
	}
	c.unclaim(back...)
	return ids, room
}

const (
	unservedDelay = 10 * time.Minute // until a lead whose number no trunk takes is looked at again
	crowdedDelay  = 2 * time.Second  // the same where the trunks that take it have no room
)

// anyRoom reports whether a trunk of the campaign has room for a call now.
func (c *campaign) anyRoom() bool {
	_, rate, _, _ := c.trunks.room(c.cfg)
	return rate > 0 && time.Since(c.blockedAt) >= pulse
}

// unclaim gives claimed leads back. Those that cannot be given back now come back by
// themselves when their claim lapses.
func (c *campaign) unclaim(back ...store.Deferral) {
	if len(back) == 0 {
		return
	}
	if err := c.store.Unclaim(context.WithoutCancel(c.ctx), c.name, c.epoch, back...); err != nil {
		c.refused(err)
	}
}

// launch starts an attempt with a claimed lead, which an agent may have previewed. It
// reports false where there is no room for a call: then the lead is ours still and was
// not dialed.
func (c *campaign) launch(id string, l *lead.Lead, p *preview) bool {
	line, soon := c.trunks.take(c.cfg, l.Number(), "")
	if line == nil {
		c.soon, c.crowded = soon, true
		return false
	}
	audio, err := c.engine.NewSession(line.trunk.outgoing())
	if err != nil {
		line.release()
		c.blocked, c.blockedAt = err.Error(), time.Now()
		c.log.Error("no call can be placed", "error", err)
		return false
	}
	now := time.Now()
	rec := cdr.Record{
		ID: id, Direction: cdr.Out, Campaign: c.name, List: l.List, LeadID: l.ID, Number: l.Number(), CallerID: line.callerID,
		Trunk: line.trunk.Name(), Node: c.node, Marks: cdr.Marks{Claimed: now},
	}
	rec.Ordinal, err = c.store.StartAttempt(c.ctx, store.Start{
		ID: id, Campaign: c.name, Epoch: c.epoch, Lead: *l, Number: rec.Number,
		Today: gate.Today(c.rules, l, now) + 1, Record: rec, Grant: c.grantInForce(), MostAbandoned: c.most,
	})
	if err != nil {
		line.release()
		audio.Close()
		c.floor.landed(id)
		if p != nil {
			p.who.post(func() { p.who.unlook(p) })
		}
		c.notStarted(id, l, err)
		return true
	}
	a := &attempt{
		customer: customer{
			equipment: c.equipment, tally: c.tally, terms: c.terms, lead: *l, rec: rec,
			stop: make(chan cdr.Party, 1), log: c.log.With("attempt", id),
		},
		cfg: c.cfg, trunks: c.trunks, line: line, audio: audio, preview: p,
		called: known(c.rules, l, now), quit: make(chan struct{}, 1),
	}
	c.tally.started()
	c.metrics.AttemptStarted(c.name, rec.Trunk)
	a.show(api.CallDialing)
	c.calls.start(&a.customer, func() { a.run(c.calling) })
	return true
}

// callingPause is when to look again at a lead who is on the telephone with us.
const callingPause = 30 * time.Second

// notStarted deals with a lead that the store did not let us dial.
func (c *campaign) notStarted(id string, l *lead.Lead, err error) {
	switch {
	case errors.Is(err, store.ErrDoNotCall):
		c.skip(id, l, "do_not_call")
	case errors.Is(err, store.ErrLeadChanged), errors.Is(err, store.ErrLeadWithdrawn), errors.Is(err, store.ErrUnclaimed):
		c.log.Info("a lead changed after it was claimed, and is not dialed", "lead", l.ID, "why", err)
	case errors.Is(err, store.ErrCalling):
		c.unclaim(store.Deferral{LeadID: l.ID, Due: time.Now().Add(callingPause), Reason: "calls us just now"})
	case errors.Is(err, store.ErrStopped): // at another node; this one hears of it here first
		c.setRunning(false)
		c.unclaim(store.Deferral{LeadID: l.ID})
	case errors.Is(err, store.ErrUngranted):
		c.unclaim(store.Deferral{LeadID: l.ID})
	case errors.Is(err, store.ErrCredit): // it is decided anew when the counts are known
		c.unclaim(store.Deferral{LeadID: l.ID})
		c.balance(c.ctx)
		c.nudge()
	default:
		c.refused(err)
	}
}

// skip ends a lead's turn without a call, by a rule, with a record.
func (c *campaign) skip(id string, l *lead.Lead, rule string) {
	now := time.Now()
	rec := cdr.Record{
		ID: id, Direction: cdr.Out, Campaign: c.name, List: l.List, LeadID: l.ID, Number: l.Number(), CallerID: c.cfg.Shown(l.Number())[0], Node: c.node,
		Ordinal: l.Attempts + 1, Outcome: cdr.Skipped, Rule: rule, Marks: cdr.Marks{Claimed: now, Ended: now},
	}
	if err := c.store.Skip(rec, c.epoch, nextOf(gate.Next(c.terms.policy, l, &rec, now), time.Time{})); err != nil {
		c.log.Error("cannot note that a lead was skipped", "lead", l.ID, "error", err)
		return
	}
	c.tally.ended(cdr.Skipped)
	c.metrics.AttemptEnded(rec)
}
