package dialer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/pacing"
)

// decisionOf is a decision, made by those windows, as the API shows it.
func decisionOf(d pacing.Decision, windows []pacing.Window, at time.Time) *api.Decision {
	facts := []api.Fact{
		{Name: "mode", Value: string(d.Mode)},
		{Name: "agents_logged_in", Value: strconv.Itoa(d.Agents)},
		{Name: "agents_free", Value: strconv.Itoa(d.Free), Note: "ready, and not taken by another campaign's calls in flight"},
		{Name: "calls_in_flight", Value: strconv.Itoa(d.InFlight), Note: fmt.Sprintf("%d ringing, %d answered and waiting", d.Ringing, d.Waiting)},
	}
	switch {
	case d.Predictive != nil:
		facts = append(facts, prospectFacts(d.Predictive, windows)...)
	case d.Mode == pacing.Preview:
		facts = append(facts, api.Fact{Name: "asked_for", Value: strconv.Itoa(d.Asked), Note: "previewed leads that agents want dialed"})
	default:
		facts = append(facts, api.Fact{Name: "calls_wanted", Value: strconv.Itoa(d.Lines), Note: "in flight at once, for that many free agents"})
	}
	if d.Ratio > 0 {
		facts = append(facts, api.Fact{Name: "ratio", Value: strconv.FormatFloat(d.Ratio, 'g', -1, 64), Note: "lines per free agent"})
	}
	if d.MaxFlight > 0 {
		facts = append(facts, api.Fact{Name: "max_in_flight", Value: strconv.Itoa(d.MaxFlight), Note: "the campaign's own maximum"})
	}
	facts = append(facts,
		api.Fact{Name: "leads", Value: amount(d.Leads), Note: "that may be dialed now"},
		api.Fact{Name: "channels_free", Value: amount(d.Channels), Note: "on the campaign's trunks"},
		api.Fact{Name: "calls_startable", Value: amount(d.Rate), Note: "by the trunks' calls per second, at this instant"},
	)
	x := &api.Decision{At: at, Dial: d.Dial, Limit: string(d.Bound), Reasons: facts, Loosened: loosened(d), Predictive: prospectOf(d, windows)}
	for _, a := range d.Limits {
		if a.Calls != pacing.Unlimited {
			x.Limits = append(x.Limits, api.Allowance{Limit: string(a.Limit), Calls: a.Calls})
		}
	}
	return x
}

func amount(n int) string {
	if n == pacing.Unlimited {
		return "unlimited"
	}
	return strconv.Itoa(n)
}

// Explain implements api.CampaignDesk.
func (d *Daemon) Explain(ctx context.Context, name string) (api.Explanation, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.Explanation{}, err
	}
	var x api.Explanation
	var ways, nodes []api.Fact
	var ahead int
	err = c.ask(ctx, func() error {
		c.pace()
		ways, nodes, ahead = d.trunks.explain(c.cfg, ""), c.nodeFacts(), len(c.ahead.leads)
		law := c.cfg.Profile()
		x = api.Explanation{
			Campaign: name, At: c.last.At, Summary: strings.TrimSpace(c.text + " " + c.last.Loosened), Limit: c.last.Limit,
			Decision: c.last, Facts: append(slices.Clone(c.last.Reasons), api.Fact{Name: "profile", Value: law.Name, Note: law.Source}),
		}
		return nil
	})
	if err != nil {
		return x, away(err)
	}
	s := d.statusOf(c)
	for _, state := range api.AgentStates() {
		if n := s.Agents[state]; n > 0 {
			x.Facts = append(x.Facts, api.Fact{Name: "agents_" + string(state), Value: strconv.Itoa(n)})
		}
	}
	if ahead > 0 {
		x.Facts = append(x.Facts, api.Fact{Name: "leads_ahead", Value: strconv.Itoa(ahead), Note: "to be dialed next, whom the decision takes as they are"})
	}
	x.Facts = append(x.Facts, ways...)
	x.Facts = append(x.Facts, nodes...)
	return x, nil
}

// explain tells of each of a campaign's trunks whether it would get a call to a
// number now, and if not, why. Number "" stands for any.
func (ts *trunks) explain(c *config.Campaign, number string) []api.Fact {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var facts []api.Fact
	for _, o := range ts.against(c, number) {
		f := api.Fact{Name: "trunk_" + o.trunk.Name(), Value: "no call now", Note: o.why}
		if o.why == "" {
			cfg := &o.trunk.cfg
			f.Value, f.Note = "takes calls", fmt.Sprintf("priority %d, weight %d; %d of %d channels in use by this node, whose share is %d",
				cfg.Priority, cfg.Weight, o.trunk.share.Used(), cfg.Channels, o.trunk.share.Channels())
		} else if !o.next.IsZero() {
			f.Note += "; until " + o.next.Format(time.TimeOnly)
		}
		facts = append(facts, f)
	}
	return facts
}
