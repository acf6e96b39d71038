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

	inbox
	nudged chan struct{}
	status atomic.Pointer[api.CampaignStatus]
	wants  atomic.Pointer[[]string] // trunks to dial over; nil while nothing is to be dialed
	tally  *tally
	// welcome is for calls to the campaign's numbers; never nil.
	welcome atomic.Pointer[welcome]

	// ---
	ctx     context.Context  // run's: ends when no more is to be dialed
	calling context.Context  // of the attempts: ends only when calls must
	cfg     *config.Campaign // is replaced, never changed
	terms   terms
	rules   gate.Rules
	pacer   pacing.Pacer
	rhythm  rhythm
	budget
	epoch     int64           // of the owner's lease; 0 while none is known
	owner     string          // why, then
	granted                   // what another node lets this one dial
	fellows                   // the other nodes, where this one decides
	own       pacing.Decision // the last of this node's
	most      *int            // up to how many abandoned calls of the day it holds; nil for any
	begun     bool            // it was acquired before in this process
	running   bool
	since     time.Time
	due       int // leads that may be dialed now, as last counted
	leads     map[store.State]int
	ahead     upcoming
	recovered time.Time         // when attempts of dead nodes were last looked for
	asked     []*preview        // previewed leads to be dialed, longest asked for first
	shown     map[*preview]bool // all that agents look at or have asked for
	batch     int               // leads to claim at once, at least; more while rules put off one after the other
	blocked   string            // why no call could be placed at blockedAt; it is tried again soon
	blockedAt time.Time
	last      *api.Decision
	text      string        // the last decision in words
	crowded   bool          // a call found no room at its trunks
	soon      time.Duration // when a trunk's calls per second allow the next call; 0: not known
}

func newCampaign(eq *equipment, cfg config.Campaign, t *trunks, c *calls, stop func() string, log *slog.Logger) (*campaign, error) {
	k := &campaign{
		equipment: eq, name: cfg.Name, trunks: t, calls: c, stop: stop, log: log.With("campaign", cfg.Name),
		inbox: newInbox(), nudged: make(chan struct{}, 1), since: time.Now(), tally: &tally{}, shown: map[*preview]bool{},
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
	pacer, err := pacing.New(cfg.Pacing())
	if err != nil {
		return fmt.Errorf("campaign %s: %w", cfg.Name, err)
	}
	message, err := loadMessage(&cfg)
	if err != nil {
		return fmt.Errorf("campaign %s: message: %w", cfg.Name, err)
	}
	consent, err := loadConsent(&cfg)
	if err != nil {
		return fmt.Errorf("campaign %s: consent: %w", cfg.Name, err)
	}
	t := terms{
		ringTimeout: cfg.RingTimeout, abandonAfter: cfg.AbandonAfter, waitFrom: cfg.Compliance.WaitFrom, goodbye: cfg.Goodbye,
		message: message, messageName: cfg.Message, consent: consent, policy: cfg.Policy(),
		classes: cfg.Classes(),
	}
	for _, d := range cfg.Dispositions {
		t.dispositions = append(t.dispositions, d.Name)
	}
	greeting, err := newWelcome(&cfg, t)
	if err != nil {
		return fmt.Errorf("campaign %s: %w", cfg.Name, err)
	}
	c.cfg, c.rules, c.terms = &cfg, cfg.Rules(), t
	c.replacePacer(pacer)
	c.welcome.Store(greeting)
	return nil
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
	c.ctx, c.calling = ctx, calls
	c.floor.watch(c.name, c.nudge)
	defer c.floor.unwatch(c.name)
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	consult := time.NewTicker(consultEvery)
	defer consult.Stop()
	c.beat(ctx)
	for {
		if c.rhythm.due() {
			c.pace()
		}
		var slot <-chan time.Time
		if c.soon > 0 && (c.crowded || c.last.Limit == string(pacing.ByRate)) {
			slot = time.After(c.soon)
		}
		select {
		case <-c.rhythm.rested():
		case <-slot:
		case <-ctx.Done():
			c.withdrawAll("the daemon shuts down")
			c.observe(c.floor.catchUp(c.name))
			c.save(context.WithoutCancel(ctx))
			return
		case f := <-c.messages:
			f()
		case <-tick.C:
			c.beat(ctx)
		case <-consult.C:
			c.consult(ctx)
		case <-c.nudged:
		}
	}
}

// beat keeps the campaign's lease and looks at its list.
func (c *campaign) beat(ctx context.Context) {
	defer c.publish()
	if !c.decides() && !c.acquire(ctx) && !c.follow(ctx) {
		return
	}
	if err := c.look(ctx); err != nil {
		c.log.Debug("the campaign's pulse failed", "error", err)
	}
}

// look renews the lease, if it is this node's, and reads what is wanted of the campaign and
// how its list stands.
func (c *campaign) look(ctx context.Context) error {
	if c.decides() {
		lost, err := c.store.Renew(ctx, ownerLease, c.name)
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			c.log.Warn("another node has taken the campaign")
			c.lose()
			return nil
		}
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
	c.balance(ctx)
	if err := c.lookAhead(ctx); err != nil {
		return err
	}
	if time.Since(c.saved) >= saveEvery {
		c.save(ctx)
	}
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
// left open. A campaign that is to start by itself is started where nobody has ever
// started or stopped it.
func (c *campaign) acquire(ctx context.Context) bool {
	epoch, err := c.store.Acquire(ctx, c.name, ownerLease)
	if err != nil {
		c.owner = err.Error()
		return false
	}
	c.lose()
	c.epoch, c.owner = epoch, ""
	if c.cfg.Start && !c.begun {
		if err := c.store.InitDesired(ctx, c.name, store.Running); err != nil {
			c.epoch, c.owner = 0, err.Error()
			return false
		}
	}
	c.begun = true
	if err := c.recall(ctx); err != nil {
		c.epoch, c.owner = 0, err.Error()
		return false
	}
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
	for i := range rec.Transfers {
		if x := &rec.Transfers[i]; x.Outcome == "" { // it was under way
			x.Outcome = cdr.Interrupted
		}
	}
	if rec.Recording != nil {
		found, err := c.salvageRecording(rec)
		if err != nil {
			c.log.Error("a recording that was cut off cannot be read", "attempt", rec.ID, "error", err)
		} else {
			rec.Recording = found
		}
	}
	if rec.Direction == cdr.In {
		return rec, store.Next{}
	}
	l := open.Lead
	l.Attempts-- // the rules want the lead as it was before the attempt
	return rec, nextOf(gate.Next(c.terms.policy, &l, &rec, time.Now()), time.Time{})
}

// follow has this node dial under another's lease.
func (c *campaign) follow(ctx context.Context) bool {
	own, err := c.store.Ownership(ctx, c.name)
	switch {
	case err != nil:
		return false
	case own.Node == "" || own.Node == c.node: // nobody has it, or this node could not take it over yet
		why := c.owner
		c.lose()
		c.owner = why
		return false
	case own.Epoch != c.epoch || own.Node != c.decider:
		c.lose()
		c.epoch, c.decider = own.Epoch, own.Node
	}
	return true
}

// lose is called when the campaign has another owner than was known.
func (c *campaign) lose() {
	c.epoch, c.owner = 0, "another node has taken it"
	c.granted, c.fellows = granted{untold: c.untold}, fellows{others: map[string]*fellow{}}
}

// refused deals with the store's refusal of a step before a call.
func (c *campaign) refused(err error) {
	if errors.Is(err, store.ErrFenced) {
		c.lose()
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
