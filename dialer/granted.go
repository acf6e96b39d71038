package dialer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ringpace/pacing"
)

// granted is what another node, which decides for the campaign, lets this one dial. It is
// the campaign's.
type granted struct {
	decider string    // the node that decides; "" where it is this one, or none
	grant   *grant    // to be carried out; nil for none
	seen    int64     // the newest grant that came
	heard   time.Time // when
	untold  []pacing.Event
}

// mostUntold bounds the events that are kept for who decides.
const mostUntold = 1000

// attend tells the node that decides how the campaign stands here, and takes what it grants.
func (c *campaign) attend(ctx context.Context) {
	v, news := c.floor.survey(c.name)
	c.untold = append(c.untold, news...)
	if n := len(c.untold) - mostUntold; n > 0 {
		c.untold = c.untold[n:]
	}
	byOneClock(v.Now, v.Agents, v.Calls)
	r := report{
		Node: c.node, Epoch: c.epoch, Seen: c.seen, Now: v.Now, Agents: v.Agents, Calls: v.Calls, IDs: v.ids, Limits: c.limits(),
	}
	text, err := json.Marshal(r)
	var told []byte
	if err == nil && len(c.untold) > 0 {
		for i := range c.untold {
			e := &c.untold[i]
			byClockOf(v.Now, &e.At)
			byClockOf(v.Now, &e.Busy)
			callByClockOf(v.Now, &e.Call)
		}
		told, err = json.Marshal(tidings{c.node, v.Now, c.untold})
	}
	if err != nil {
		c.log.Error("the node that decides is not told how it stands here", "error", err)
		return
	}
	owner, epoch, g, err := c.store.Report(ctx, c.name, text, told)
	if err != nil {
		c.log.Debug("the node that decides was not told how it stands here", "error", err)
		return
	}
	c.untold = nil
	switch {
	case epoch != c.epoch || owner != c.decider:
		c.lose()
	case g.Seq > c.seen:
		c.grant, c.seen, c.heard = &grant{}, g.Seq, time.Now()
		if err := json.Unmarshal(g.Text, c.grant); err != nil {
			c.log.Error("a grant cannot be read", "error", err)
			c.grant = nil
		}
	}
}

// dialGranted carries out what was granted: it returns the ids of the attempts to be made,
// which are calls in flight from now on.
func (c *campaign) dialGranted(limits pacing.Limits) []string {
	g := c.grant
	c.grant = nil
	if limits.Stop == "" && time.Since(c.heard) >= grantLapse {
		limits.Stop = fmt.Sprintf("node %s decides for the campaign, and has granted this one nothing yet", c.decider)
		if !c.heard.IsZero() {
			limits.Stop = fmt.Sprintf("node %s decides for the campaign, and was not heard of since %s", c.decider, c.heard.Format(time.TimeOnly))
		}
	}
	if limits.Stop != "" {
		v := c.floor.look(c.name)
		v.Limits = limits
		c.show(pacing.Stopped(c.cfg.Pacing(), v.Snapshot), c.windows, time.Now())
		return nil
	}
	if g == nil {
		return nil // what the last one said stands
	}
	c.most = g.Most
	c.show(g.Decision, g.Windows, time.Now())
	return c.floor.carryOut(c.name, g.Decision, g.GiveUp)
}

// isGranted reports whether another node decides how much is dialed here.
func (c *campaign) isGranted() bool { return c.cfg.Mode == pacing.Predictive && c.decider != "" }

// grantInForce is the grant that calls are started by; 0 where none is needed.
func (c *campaign) grantInForce() int64 {
	if !c.isGranted() {
		return 0
	}
	return c.seen
}
