package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringpace/dialer/config"
	"ringpace/pacing"
	"ringpace/pacing/ledger"
)

// books is what all nodes must know together to keep abandonment within the law: the
// ledger (see pacing/ledger).
type books interface {
	Count(ledger.Entry)
	Sync(ctx context.Context, campaign string, reserve float64) ([]pacing.Window, error)
	Save(ctx context.Context, campaign string, epoch int64, m pacing.Model) error
	Today(campaign string) (key string, abandoned int)
	Load(ctx context.Context, campaign string) (m pacing.Model, found bool, err error)
}

const (
	windowsAge = 3 * pulse        // windows that were read longer ago are not to be paced by
	saveEvery  = 10 * time.Second // how much of what was learned a crash may cost
)

// budget is what a campaign may spend of abandonment, as it was last read, and what it
// has learned of how to spend it. It is the campaign's.
type budget struct {
	windows []pacing.Window // with what this node has counted since
	today   int             // calls abandoned on this day
	read    time.Time
	fault   error         // why they could not be read the last time
	reserve float64       // abandonments that the calls in flight may still cause
	kept    *pacing.Model // of a former pacer; nil before the first
	saved   time.Time
}

// windowsOf are the windows of a campaign, for the ledger.
func windowsOf(c *config.Campaign) ledger.Campaign {
	l := ledger.Campaign{Zone: c.Zone()}
	for _, w := range c.Windows() {
		l.Windows = append(l.Windows, ledger.WindowRule{Kind: ledger.Kind(w.Kind), Ceiling: float64(w.Ceiling)})
	}
	return l
}

// Windows tells the ledger of a configuration's campaigns, for a store that is opened
// before the daemon is (see Options.Store).
func Windows(cfg *config.Config) func(campaign string) ledger.Campaign {
	return func(campaign string) ledger.Campaign {
		if c := cfg.Campaign(campaign); c != nil {
			return windowsOf(c)
		}
		return ledger.Campaign{}
	}
}

// windowsNow is Windows of the configuration that is in force.
func (d *Daemon) windowsNow(campaign string) ledger.Campaign {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Windows(d.cfg)(campaign)
}

// unread says why the budget is not known, where the campaign needs to know it; ""
// where nothing stands against dialing.
func (c *campaign) unread() string {
	switch {
	case c.cfg.Mode != pacing.Predictive || c.epoch == 0 || time.Since(c.read) < windowsAge:
		return ""
	case c.fault != nil:
		return fmt.Sprintf("the counts of abandoned calls cannot be read: %v", c.fault)
	}
	return "the counts of abandoned calls are not read yet"
}

// balance reads the budget and reserves what the calls in flight may still take of it.
func (c *campaign) balance(ctx context.Context) {
	if c.cfg.Mode != pacing.Predictive {
		return
	}
	reserve := c.reserve
	if !c.decides() {
		reserve = 0 // who decides reserves for all
	}
	windows, err := c.ledger.Sync(ctx, c.name, reserve)
	if err != nil {
		c.fault = err
		return
	}
	c.windows, c.read, c.fault = windows, time.Now(), nil
	_, c.today = c.ledger.Today(c.name)
}

// observe tells the pacer what has happened, and counts it at once: the ledger tells of it
// only with the next pulse.
func (c *campaign) observe(news []pacing.Event) {
	l, learns := c.pacer.(pacing.Learner)
	for _, e := range news {
		if learns {
			l.Observe(e)
		}
		if e.Kind == pacing.CallAbandoned {
			c.today++
		}
		for i := range c.windows {
			switch e.Kind {
			case pacing.CallAnswered:
				c.windows[i].Answered++
			case pacing.CallAbandoned:
				c.windows[i].Abandoned++
			}
		}
	}
}

// replacePacer has another pacer go on with what the one before has learned.
func (c *campaign) replacePacer(next pacing.Pacer) {
	if old, ok := c.pacer.(pacing.Keeper); ok {
		c.observe(c.floor.catchUp(c.name))
		m := old.Model()
		c.kept = &m
	}
	k, learns := next.(pacing.Keeper)
	if learns && c.kept != nil {
		k.Resume(*c.kept)
	}
	c.pacer = next
	c.floor.learn(c.name, learns)
}

// recall goes on from what the campaign had learned when it was last saved, by whatever
// node or process.
func (c *campaign) recall(ctx context.Context) error {
	k, ok := c.pacer.(pacing.Keeper)
	if !ok {
		return nil
	}
	m, found, err := c.ledger.Load(ctx, c.name)
	if err == nil && found {
		k.Resume(m)
	}
	return err
}

// save keeps what was learned for the next process, or the next node.
func (c *campaign) save(ctx context.Context) {
	k, ok := c.pacer.(pacing.Keeper)
	if !ok || !c.decides() {
		return
	}
	c.saved = time.Now()
	if err := c.ledger.Save(ctx, c.name, c.epoch, k.Model()); err != nil && !errors.Is(err, ledger.ErrFenced) {
		c.log.Debug("what pacing has learned is not saved", "error", err)
	}
}
