package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

const (
	ownerLease   = 5 * time.Second // of a campaign; renewed with each pulse
	recoverEvery = 5 * time.Second
	pulse        = time.Second      // how often a campaign is paced where nothing happens, and its lease renewed
	claimLease   = 20 * time.Second // how long a claimed lead may take to be dialed before another may claim it
	mostGated    = 256              // leads claimed at once where rules put off one after the other
	mostRounds   = 20               // claims in one go; the next pulse goes on
)

// campaign is the actor of one campaign: it asks its pacer how many calls to
// place, claims leads, has the rules judge them, and starts attempts. One goroutine
// (run) owns every field below the line.
type campaign struct {
	*equipment
	name   string
	trunks *trunks
	calls  *calls
	stop   func() string // why nothing may be dialed by this node; "" if nothing forbids it
	log    *slog.Logger

	inbox  chan func()
	nudged chan struct{}
	gone   chan struct{} // closed when run has ended
	status atomic.Pointer[api.CampaignStatus]
	wants  atomic.Pointer[[]string] // trunks to dial over; nil while nothing is to be dialed
	tally  *tally

	// ---
	ctx       context.Context // of the attempts: ends only when calls must
	cfg       config.Campaign
	terms     terms
	rules     gate.Rules
	pacer     pacing.Pacer
	epoch     int64  // of the lease; 0 while another node has it
	owner     string // why, then
	begun     bool   // it was acquired before in this process
	running   bool
	since     time.Time
	due       int // leads that may be dialed now, as last counted
	leads     map[store.State]int
	recovered time.Time // when attempts of dead nodes were last looked for
	asked     []*preview
	last      *api.Decision
	text      string        // the last decision in words
	soon      time.Duration // when a trunk's calls per second allow the next call; 0: not known
}

func newCampaign(eq *equipment, cfg config.Campaign, t *trunks, c *calls, stop func() string, log *slog.Logger) (*campaign, error) {
	k := &campaign{
		equipment: eq, name: cfg.Name, trunks: t, calls: c, stop: stop, log: log.With("campaign", cfg.Name),
		inbox: make(chan func()), nudged: make(chan struct{}, 1), gone: make(chan struct{}), since: time.Now(), tally: &tally{},
		owner: "it has not asked for it yet", last: &api.Decision{}, text: "No decision was made yet.",
	}
	if err := k.configure(cfg); err != nil {
		return nil, err
	}
	k.publish()
	return k, nil
}

// configure takes new settings. Attempts that run keep those they began with.
func (c *campaign) configure(cfg config.Campaign) error {
	pacer, err := pacing.New(pacing.Config{Mode: cfg.Mode, Ratio: cfg.Ratio, MaxInFlight: cfg.MaxInFlight})
	if err != nil {
		return fmt.Errorf("campaign %s: %w", cfg.Name, err)
	}
	message, err := loadMessage(cfg.Message)
	if err != nil {
		return fmt.Errorf("campaign %s: message: %w", cfg.Name, err)
	}
	c.cfg, c.pacer, c.rules = cfg, pacer, cfg.Rules()
	c.terms = terms{
		ringTimeout: cfg.RingTimeout, abandonAfter: cfg.AbandonAfter, goodbye: cfg.Goodbye,
		message: message, messageName: cfg.Message, policy: cfg.Policy(),
	}
	for _, d := range cfg.Dispositions {
		c.terms.dispositions = append(c.terms.dispositions, d.Name)
	}
	return nil
}

// ask runs f on the actor and returns its error.
func (c *campaign) ask(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case c.inbox <- func() { done <- f() }:
	case <-c.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// post runs f on the actor, unless the actor has ended.
func (c *campaign) post(f func()) {
	select {
	case c.inbox <- f:
	case <-c.gone:
	}
}

// publish makes the campaign's status anew for readers and tells it to the feed.
func (c *campaign) publish() {
	s := &api.CampaignStatus{
		Name: c.name, Mode: string(c.cfg.Mode), Running: c.running, Since: c.since, State: c.text,
		Leads: leadStates(c.leads), Decision: c.last,
	}
	c.tally.fill(s)
	c.status.Store(s)
	c.wants.Store(nil)
	if c.running && c.epoch != 0 {
		c.wants.Store(&c.cfg.Trunks)
	}
	c.feed.Publish(api.Event{Kind: api.EventCampaign, Campaign: s})
}

// nudge asks for a new decision soon. It never blocks.
func (c *campaign) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

// run is the actor. It dials until ctx is done; its attempts live on under calls.
func (c *campaign) run(ctx, calls context.Context) {
	defer close(c.gone)
	c.ctx = calls
	c.floor.watch(c.name, c.nudge)
	defer c.floor.unwatch(c.name)
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	c.beat(ctx)
	for {
		c.pace(ctx)
		var slot <-chan time.Time
		if c.last.Limit == string(pacing.ByRate) && c.soon > 0 {
			slot = time.After(c.soon)
		}
		select {
		case <-slot:
		case <-ctx.Done():
			return
		case f := <-c.inbox:
			f()
		case <-tick.C:
			c.beat(ctx)
		case <-c.nudged:
		}
	}
}

// beat keeps the campaign's lease and looks at its list.
func (c *campaign) beat(ctx context.Context) {
	defer c.publish()
	if c.epoch == 0 && !c.acquire(ctx) {
		return
	}
	if err := c.look(ctx); err != nil {
		c.log.Debug("the campaign's pulse failed", "error", err)
	}
}

// look renews the lease and reads what is wanted of the campaign and how its list
// stands.
func (c *campaign) look(ctx context.Context) error {
	lost, err := c.store.Renew(ctx, ownerLease, c.name)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		c.log.Warn("another node has taken the campaign")
		c.epoch = 0
		return nil
	}
	own, err := c.store.Ownership(ctx, c.name)
	if err != nil {
		return err
	}
	c.setRunning(own.Desired == store.Running)
	if c.leads, err = c.store.LeadCounts(ctx, c.name); err != nil {
		return err
	}
	c.due = c.leads[store.Ready]
	if c.recovered.Add(recoverEvery).Before(time.Now()) {
		return c.recover(ctx)
	}
	return nil
}

func (c *campaign) setRunning(running bool) {
	if running != c.running {
		c.running, c.since = running, time.Now()
	}
}

// acquire takes the campaign over, and first ends in the books what a dead node
// left open. The first time in a process, a campaign that is to start with the
// daemon is started.
func (c *campaign) acquire(ctx context.Context) bool {
	epoch, err := c.store.Acquire(ctx, c.name, ownerLease)
	if err != nil {
		c.owner = err.Error()
		return false
	}
	c.epoch, c.owner = epoch, ""
	if c.cfg.Start && !c.begun {
		if err := c.store.SetDesired(ctx, c.name, store.Running); err != nil {
			c.epoch, c.owner = 0, err.Error()
			return false
		}
	}
	c.begun = true
	if err := c.recover(ctx); err != nil {
		c.log.Warn("cannot end the attempts of a dead node yet", "error", err)
		c.epoch, c.owner = 0, "attempts of a dead node are not ended yet"
		return false
	}
	return true
}

func (c *campaign) recover(ctx context.Context) error {
	n, err := c.store.Recover(ctx, c.name, c.epoch, c.salvage)
	if n > 0 {
		c.log.Warn("attempts were cut off when their node died; each has a record now", "attempts", n)
	}
	if err == nil {
		c.recovered = time.Now()
	}
	return err
}

// salvage makes the record of an attempt whose node died.
func (c *campaign) salvage(open store.OpenAttempt) (cdr.Record, store.Next) {
	rec := open.Record
	rec.Node = c.node
	if rec.Outcome == "" {
		rec.Outcome = cdr.Interrupted
	}
	if rec.Recording != nil {
		found, err := c.salvageRecording(rec)
		if err != nil {
			c.log.Error("a recording that was cut off cannot be read", "attempt", rec.ID, "error", err)
		} else {
			rec.Recording = found
		}
	}
	l := open.Lead
	l.Attempts-- // the rules want the lead as it was before the attempt
	return rec, nextOf(gate.Next(c.terms.policy, &l, &rec, time.Now()), time.Time{})
}

// pace asks the pacer and does what it says, until it says that no more is to be
// dialed or no more can be.
func (c *campaign) pace(ctx context.Context) {
	for range mostRounds {
		var d pacing.Decision
		started := time.Now()
		preview := c.cfg.Mode == pacing.Preview
		ids := c.floor.plan(c.name, preview, func(agents []pacing.Agent, calls []pacing.Call) int {
			d = c.pacer.Decide(pacing.Snapshot{Now: started, Agents: agents, Calls: calls, Asked: len(c.asked), Limits: c.limits()})
			return d.Dial
		})
		c.metrics.Decided(c.name, time.Since(started))
		c.last, c.text = decisionOf(d, started), d.Explain()
		if len(ids) == 0 {
			return
		}
		var went bool
		if preview {
			went = c.dialAsked(ctx, ids)
		} else {
			went = c.dialNext(ctx, ids)
		}
		if !went {
			return
		}
	}
}

// limits is what the surroundings allow now.
func (c *campaign) limits() pacing.Limits {
	l := pacing.Limits{Leads: c.due, Stop: c.stop()}
	if c.cfg.Mode == pacing.Preview {
		l.Leads = pacing.Unlimited // those asked for are claimed already
	}
	var why string
	l.Channels, l.Rate, c.soon, why = c.trunks.room(c.cfg.Trunks)
	switch {
	case !c.running:
		l.Stop = "the campaign is stopped"
	case c.epoch == 0:
		l.Stop = "this node does not have the campaign: " + c.owner
	case l.Stop == "":
		l.Stop = why
	}
	return l
}

// dialNext claims leads and starts an attempt with each that the rules let
// through. It reports whether anything was done, that is whether to decide anew.
func (c *campaign) dialNext(ctx context.Context, ids []string) bool {
	defer func() {
		for _, id := range ids {
			c.floor.landed(id)
		}
	}()
	var done bool
	for n := len(ids); len(ids) > 0; n = min(2*n, mostGated) {
		leads, err := c.store.Claim(ctx, c.name, c.epoch, n, claimLease)
		if err != nil {
			c.refused(err)
			return false
		}
		c.due = max(c.due-len(leads), 0)
		if len(leads) < n {
			c.due = 0
		}
		before := len(ids)
		ids = c.judge(ctx, ids, leads)
		done = done || len(leads) > 0
		if len(leads) < n || len(ids) < before {
			break
		}
	}
	return done
}

// judge has the rules judge claimed leads and starts attempts with those that may
// be dialed, as long as there are ids. It returns the ids that are left.
func (c *campaign) judge(ctx context.Context, ids []string, leads []lead.Lead) []string {
	now := time.Now()
	var back []store.Deferral
	for i := range leads {
		l := &leads[i]
		switch v := gate.Judge(c.rules, l, now); {
		case v.Action == gate.Wait:
			back = append(back, store.Deferral{LeadID: l.ID, Due: v.Until, Reason: v.Reason})
		case v.Action == gate.Skip:
			c.skip(newID(), l, string(v.Rule))
		case len(ids) == 0:
			back = append(back, store.Deferral{LeadID: l.ID})
		case c.launch(ctx, ids[0], l, nil):
			ids = ids[1:]
		default:
			back = append(back, store.Deferral{LeadID: l.ID})
		}
	}
	if len(back) > 0 {
		if err := c.store.Unclaim(ctx, c.name, c.epoch, back...); err != nil {
			c.refused(err) // they come back by themselves when their claim lapses
		}
	}
	return ids
}

// launch starts an attempt with a claimed lead. It reports false where the lead is
// ours still and was not dialed.
func (c *campaign) launch(ctx context.Context, id string, l *lead.Lead, who *agent) bool {
	line := c.trunks.take(c.cfg.Trunks, c.cfg.CallerID)
	if line == nil {
		return false
	}
	now := time.Now()
	rec := cdr.Record{
		ID: id, Campaign: c.name, List: l.List, LeadID: l.ID, Number: l.Number(), CallerID: line.callerID,
		Trunk: line.trunk.Name(), Node: c.node, Marks: cdr.Marks{Claimed: now},
	}
	ordinal, err := c.store.StartAttempt(ctx, store.Start{
		ID: id, Campaign: c.name, Epoch: c.epoch, Lead: *l, Number: rec.Number,
		Today: gate.Today(c.rules, l, now) + 1, Record: rec,
	})
	if err != nil {
		line.release()
		c.floor.landed(id)
		if who != nil {
			who.post(who.unlook)
		}
		switch {
		case errors.Is(err, store.ErrDoNotCall):
			c.skip(id, l, "do_not_call")
		case errors.Is(err, store.ErrLeadChanged), errors.Is(err, store.ErrLeadWithdrawn), errors.Is(err, store.ErrUnclaimed):
			c.log.Info("a lead changed after it was claimed, and is not dialed", "lead", l.ID, "why", err)
		default:
			c.refused(err)
		}
		return true
	}
	rec.Ordinal = ordinal
	a := &attempt{
		equipment: c.equipment, tally: c.tally, terms: c.terms, lead: *l, line: line, agent: who, rec: rec,
		stop: make(chan cdr.Party, 1), log: c.log.With("attempt", id),
	}
	c.tally.started()
	c.metrics.AttemptStarted(c.name, rec.Trunk)
	a.show(api.CallDialing)
	c.calls.start(a, func() { a.run(c.ctx) })
	return true
}

// skip ends a lead's turn without a call, by a rule, with a record.
func (c *campaign) skip(id string, l *lead.Lead, rule string) {
	now := time.Now()
	rec := cdr.Record{
		ID: id, Campaign: c.name, List: l.List, LeadID: l.ID, Number: l.Number(), CallerID: c.cfg.CallerID, Node: c.node,
		Ordinal: l.Attempts + 1, Outcome: cdr.Skipped, Rule: rule, Marks: cdr.Marks{Claimed: now, Ended: now},
	}
	if err := c.store.Skip(rec, c.epoch, nextOf(gate.Next(c.terms.policy, l, &rec, now), time.Time{})); err != nil {
		c.log.Error("cannot note that a lead was skipped", "lead", l.ID, "error", err)
		return
	}
	c.tally.started()
	c.tally.ended(cdr.Skipped)
	c.metrics.AttemptEnded(rec)
}

// refused deals with the store's refusal of a step before a call.
func (c *campaign) refused(err error) {
	if errors.Is(err, store.ErrFenced) {
		c.epoch = 0
	}
	if !errors.Is(err, store.ErrAway) { // whose coming and going the daemon tells
		c.log.Warn("the store refused", "error", err)
	}
}

// nextOf turns a plan of the rules into what the store does with the lead. A time
// that the agent promised goes before any rule.
func nextOf(p gate.Plan, promised time.Time) store.Next {
	if !promised.IsZero() {
		return store.Next{Due: promised, Dead: p.Dead}
	}
	return store.Next{Due: p.Due, Final: p.Final, Dead: p.Dead}
}
