package dialer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/store"
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
	var ways []api.Fact
	err = c.ask(ctx, func() error {
		c.pace()
		ways = d.trunks.explain(c.cfg, "")
		x = api.Explanation{
			Campaign: name, At: c.last.At, Summary: strings.TrimSpace(c.text + " " + c.last.Loosened), Limit: c.last.Limit,
			Decision: c.last, Facts: slices.Clone(c.last.Reasons), // more are added here
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
	x.Facts = append(x.Facts, ways...)
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

// ExplainLead implements api.LeadDesk.
func (d *Daemon) ExplainLead(ctx context.Context, name, id string) (api.LeadExplanation, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.LeadExplanation{}, err
	}
	s, err := d.store.Lead(ctx, name, id)
	if err != nil {
		return api.LeadExplanation{}, away(err)
	}
	number := s.Lead.Number()
	entry, err := d.store.CheckDNC(ctx, name, number)
	if err != nil {
		return api.LeadExplanation{}, away(err)
	}
	now := time.Now()
	x := api.LeadExplanation{Campaign: name, LeadID: id, At: now, State: string(s.State)}
	fact := func(name, value, note string) {
		x.Facts = append(x.Facts, api.Fact{Name: name, Value: value, Note: note})
	}
	fact("state", string(s.State), stateWords[s.State])
	fact("attempts", strconv.Itoa(s.Lead.Attempts), "so far")
	var against []string
	if words := stateWords[s.State]; s.State != store.Ready {
		if s.State == store.Waiting {
			words = "it waits until " + s.Lead.Due.Format(time.RFC3339)
			x.NextTry = s.Lead.Due
			if s.Reason != "" {
				words += ": " + s.Reason
			}
		}
		against = append(against, words)
	}
	if entry != "" {
		fact("do_not_call", entry, "the entry that forbids the number")
		against = append(against, fmt.Sprintf("its number is on the do-not-call list (%s)", entry))
	}
	var rules gate.Rules
	var unserved string
	if err := c.ask(ctx, func() error {
		rules, unserved = c.rules, d.trunks.unserved(c.cfg, number)
		x.Facts = append(x.Facts, d.trunks.explain(c.cfg, number)...)
		return nil
	}); err != nil {
		return x, err
	}
	if unserved != "" {
		against = append(against, unserved)
	}
	if v := gate.Judge(rules, &s.Lead, now); v.Action != gate.Allow {
		fact("rule", string(v.Rule), v.Reason)
		if s.State != store.Waiting || v.Rule != gate.RuleDue {
			against = append(against, v.Reason)
		}
		if v.Action == gate.Wait {
			x.NextTry = v.Until
		}
	}
	if s := d.statusOf(c); !s.Running {
		against = append(against, "the campaign is stopped")
	}
	x.Dialable = len(against) == 0
	x.Summary = "Nothing stands against it: it is dialed when its turn comes and an agent is free."
	asked := ""
	if c := s.Lead.Callback; !c.Asked.IsZero() {
		asked = fmt.Sprintf("callback asked for by the caller at %s, from %s", c.Asked.Format(time.RFC3339), c.Number)
		fact("callback", c.Asked.Format(time.RFC3339), asked)
		x.Summary += " It has a " + asked + "."
	}
	if !x.Dialable {
		x.Summary = "It is not dialed now: " + strings.Join(against, "; ") + "."
		if asked != "" {
			x.Summary += " It has a " + asked + "."
		}
	}
	x.History, err = d.history(ctx, name, id)
	return x, away(err)
}

var stateWords = map[store.State]string{
	store.Waiting:   "it waits for its time",
	store.Ready:     "it may be dialed now",
	store.Claimed:   "it is about to be dialed, or an agent looks at it",
	store.Dialing:   "it is being dialed",
	store.Done:      "it is done: no further attempt",
	store.Withdrawn: "it was withdrawn",
}

// history finds a lead's records in the campaign's stream.
func (d *Daemon) history(ctx context.Context, campaign, id string) ([]cdr.Record, error) {
	const page = 1000
	var found []cdr.Record
	for after := ""; ; {
		recs, err := d.store.CDRs(ctx, campaign, after, page)
		if err != nil {
			return found, err
		}
		for _, r := range recs {
			if r.LeadID == id {
				found = append(found, r.Record)
			}
			after = r.StreamID
		}
		if len(recs) < page {
			return found, nil
		}
	}
}
