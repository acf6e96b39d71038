package dialer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// Nodes that run the same campaign each have agents of their own, who take the answers to
// the calls that their node places. What they share is the list, the abandonment budget and
// what pacing has learned; so in mode predictive one node, the campaign's owner, decides for
// all. The others tell it how they stand and dial what it grants them (granted.go). In the
// other modes, where nothing is shared but the list, each node decides for itself.

const (
	consultEvery = 250 * time.Millisecond // how often nodes tell and are granted, where there are several
	grantLapse   = 1500 * time.Millisecond
	// silence is how old the report of a node may be until it is taken for dead: its
	// agents do not count any more, but its calls do.
	silence = 3 * time.Second
)

// report is how a campaign stands at a node. Times are by that node's clock.
type report struct {
	Node   string         `json:"node"`
	Epoch  int64          `json:"epoch"`
	Seen   int64          `json:"seen"` // the newest grant of the epoch that was carried out
	Now    time.Time      `json:"now"`
	Agents []pacing.Agent `json:"agents,omitempty"`
	Calls  []pacing.Call  `json:"calls,omitempty"`
	IDs    []string       `json:"ids,omitempty"` // of the calls' attempts
	Limits pacing.Limits  `json:"limits"`
}

// tidings is what has happened at a node since it last told.
type tidings struct {
	Node   string         `json:"node"`
	Now    time.Time      `json:"now"`
	Events []pacing.Event `json:"events"`
}

// grant is what the owner has decided for a node.
type grant struct {
	Decision pacing.Decision `json:"decision"`
	GiveUp   []string        `json:"give_up,omitempty"` // attempts
	Windows  []pacing.Window `json:"windows,omitempty"` // that it was decided by
	Most     *int            `json:"most,omitempty"`    // see store.Start.MostAbandoned
}

// fellow is another node of a campaign, as its owner sees it.
type fellow struct {
	node          string
	dead          bool
	agents, calls int
	lost          float64   // of its calls: answers expected to find nobody
	granted       int64     // the newest grant
	at            time.Time // when it was made; of a dead node, when its calls were last looked at
	dial          int       // what it allows
}

// fellows are the other nodes of a campaign, by process. They are the campaign's.
type fellows struct {
	others   map[string]*fellow
	forget   []string // to be forgotten with the next consultation
	seq      int64    // of the last grant
	gathered time.Time
}

// decides reports whether this node decides for the campaign.
func (c *campaign) decides() bool { return c.epoch != 0 && c.decider == "" }

// elsewhere is what the other nodes do, but one ("" for none): what is decided for that.
func (f *fellows) elsewhere(but string) (e pacing.Elsewhere) {
	for boot, k := range f.others {
		if boot != but {
			e.Agents, e.Calls, e.Lost = e.Agents+k.agents, e.Calls+k.calls, e.Lost+k.lost
		}
	}
	return e
}

// withOwn adds what this node itself does.
func withOwn(e pacing.Elsewhere, own *pacing.Decision) pacing.Elsewhere {
	e.Agents, e.Calls = e.Agents+own.Agents, e.Calls+own.InFlight
	if p := own.Predictive; p != nil {
		e.Lost += p.Lost
	}
	return e
}

// consult tells the other nodes of the campaign, or has them told, what to dial.
func (c *campaign) consult(ctx context.Context) {
	switch {
	case c.cfg.Mode != pacing.Predictive || c.epoch == 0:
	case !c.decides():
		c.attend(ctx)
	case len(c.others) > 0 || time.Since(c.gathered) >= pulse:
		if err := c.conduct(ctx); err != nil {
			c.refused(err)
		}
	}
}

// conduct decides for the other nodes.
func (c *campaign) conduct(ctx context.Context) error {
	own := c.floor.look(c.name)
	byOneClock(own.Now, own.Agents, own.Calls)
	text, err := json.Marshal(report{Node: c.node, Epoch: c.epoch, Now: own.Now, Agents: own.Agents, Calls: own.Calls, IDs: own.ids})
	if err != nil {
		return fmt.Errorf("campaign %s: %w", c.name, err)
	}
	reports, news, err := c.store.Gather(ctx, c.name, c.epoch, text, c.forget...)
	if err != nil {
		return err
	}
	c.gathered, c.forget = time.Now(), nil
	for _, told := range news {
		c.learnFrom(told)
	}
	var grants []store.Granted
	here := map[string]bool{}
	for _, told := range reports {
		if told.Boot == c.store.Boot() {
			continue
		}
		here[told.Boot] = true
		g, err := c.decideFor(ctx, told)
		if err != nil {
			c.log.Error("nothing is granted to another node", "error", err)
		} else if g != nil {
			grants = append(grants, *g)
		}
	}
	maps.DeleteFunc(c.others, func(boot string, _ *fellow) bool { return !here[boot] })
	return c.store.Grant(ctx, c.name, c.epoch, grantLapse, grants...)
}

// learnFrom has the pacer learn what has happened at another node.
func (c *campaign) learnFrom(told store.Told) {
	l, learns := c.pacer.(pacing.Learner)
	var t tidings
	if err := json.Unmarshal(told.Text, &t); err != nil || !learns {
		return
	}
	by := time.Now().Add(-told.Age).Sub(t.Now)
	for _, e := range t.Events {
		e.Node, e.At = t.Node, e.At.Add(by)
		rebaseCall(&e.Call, by)
		rebase(&e.Busy, by)
		l.Observe(e)
	}
}

// decideFor decides for a node that has told how it stands. It returns nil where there is
// nothing to be granted: the last grant is not carried out yet, or the node is dead.
func (c *campaign) decideFor(ctx context.Context, told store.Told) (*store.Granted, error) {
	var r report
	if err := json.Unmarshal(told.Text, &r); err != nil {
		return nil, err
	}
	if r.Node == c.node {
		c.forget = append(c.forget, told.Boot) // a former process, whose attempts were ended when this one took over
		return nil, nil
	}
	f := c.others[told.Boot]
	if f == nil {
		f = &fellow{node: r.Node}
		c.others[told.Boot] = f
		c.log.Info("another node works for the campaign", "other", r.Node)
	}
	now := time.Now()
	s := pacing.Snapshot{Now: now, Node: r.Node, Limits: r.Limits, Windows: c.windows, Elsewhere: withOwn(c.elsewhere(told.Boot), &c.own)}
	by := now.Add(-told.Age).Sub(r.Now)
	for i := range r.Calls {
		rebaseCall(&r.Calls[i], by)
	}
	if told.Age.Abs() >= silence { // or the clock was set back since
		return nil, c.bury(ctx, told, f, &r, s)
	}
	seen := int64(0)
	if r.Epoch == c.epoch {
		seen = r.Seen
	}
	if f.granted > seen && now.Sub(f.at) < grantLapse {
		return nil, nil
	}
	for i := range r.Agents {
		a := &r.Agents[i]
		rebase(&a.Since, by)
		rebase(&a.Busy, by)
		rebase(&a.Until, by)
	}
	s.Agents, s.Calls, s.Next, s.Limits.Leads = r.Agents, r.Calls, c.ahead.plain, c.due
	s.Limits.Stop = cmp.Or(s.Limits.Stop, c.unread())
	d := c.pacer.Decide(s)
	f.dead, f.agents, f.calls, f.lost, f.dial = false, d.Agents, d.InFlight, 0, d.Dial
	if p := d.Predictive; p != nil {
		f.lost = p.Lost
	}
	g := grant{Decision: d, Windows: c.windows, Most: c.mostAbandoned(&d)}
	for _, i := range d.GiveUp {
		g.GiveUp = append(g.GiveUp, r.IDs[i])
	}
	text, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	c.seq++
	f.granted, f.at = c.seq, now
	return &store.Granted{Boot: told.Boot, Seq: c.seq, Dial: d.Dial, Text: text}, nil
}

// bury deals with a node that is not heard of any more. Its calls may be answered yet, with
// nobody there: all of that counts until they are ended in the books.
func (c *campaign) bury(ctx context.Context, told store.Told, f *fellow, r *report, s pacing.Snapshot) error {
	if f.dead && time.Since(f.at) < pulse {
		return nil
	}
	f.at = time.Now()
	open, err := c.store.OpenAttempts(ctx, c.name, told.Boot)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		c.forget = append(c.forget, told.Boot)
	}
	if f.dead {
		return nil
	}
	f.dead = true
	by := s.Now.Add(-told.Age).Sub(r.Now)
	for i := range open {
		k := pacing.Call{State: pacing.Dialing, Since: open[i].Marks.Claimed.Add(by)}
		if at := slices.Index(r.IDs, open[i].ID); at >= 0 {
			k = r.Calls[at]
		} else if open[i].Marks.Claimed.Before(r.Now) {
			continue // an agent had it
		}
		s.Calls = append(s.Calls, k)
	}
	s.Limits.Stop = "the node is dead"
	d := c.pacer.Decide(s)
	f.agents, f.calls, f.lost, f.dial = 0, d.InFlight, float64(d.Waiting), 0
	if p := d.Predictive; p != nil {
		f.lost += p.Lost
	}
	c.log.Warn("a node of the campaign is not heard of any more", "other", f.node, "calls", d.InFlight, "expected_lost", f.lost)
	return nil
}

// mostAbandoned is up to how many abandoned calls of today a decision holds; nil for any.
func (c *campaign) mostAbandoned(d *pacing.Decision) *int {
	if d.Predictive == nil || d.Spare == pacing.Unlimited {
		return nil
	}
	most := c.today + d.Spare
	return &most
}

// rebase turns a time by another node's clock into one by this node's.
func rebase(t *time.Time, by time.Duration) {
	if !t.IsZero() {
		*t = t.Add(by)
	}
}

func rebaseCall(k *pacing.Call, by time.Duration) {
	rebase(&k.Since, by)
	rebase(&k.Rings, by)
}

// nodeFacts tells which nodes work for the campaign, and which of them decides.
func (c *campaign) nodeFacts() []api.Fact {
	if c.decider != "" {
		return []api.Fact{{Name: "decided_by", Value: c.decider, Note: "the node that has the campaign"}}
	}
	var facts []api.Fact
	for _, boot := range slices.Sorted(maps.Keys(c.others)) {
		k := c.others[boot]
		fact := api.Fact{
			Name: "node_" + k.node, Value: fmt.Sprintf("%d agents, %d calls in flight", k.agents, k.calls),
			Note: fmt.Sprintf("granted %d more", k.dial),
		}
		if k.dead {
			fact.Note = fmt.Sprintf("not heard of any more; %.1f answers to its calls count as abandoned until it is known better", k.lost)
		}
		facts = append(facts, fact)
	}
	return facts
}
