package dialer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/sip"
)

// lookupLimit is how long the telephone network waits for our ringing while the store
// is asked who calls.
const lookupLimit = 300 * time.Millisecond

// reception judges every INVITE that comes in, once: who sends it, and so who of
// the floor deals with it. It is nothing before Run. mu protects busy and closed.
type reception struct {
	calling   context.Context // of calls that come in: ends only when calls must
	strangers atomic.Uint64   // INVITEs of nobody that the configuration names
	unknown   atomic.Uint64   // calls over a trunk to a number that no campaign takes calls for over it
	told      atomic.Int64    // when the log was told of one of those, Unix time in ns

	mu     sync.Mutex
	busy   map[string]int // calls up, by the number of ours that was called
	closed bool           // no call is taken any more
}

func newReception(calling context.Context) *reception {
	return &reception{calling: calling, busy: map[string]int{}}
}

// enter counts a call to a number of ours and starts it, unless there are as many as may
// be, 0 being no limit, or the reception is closed. It returns the rule that refuses the
// call; "" if none does.
func (r *reception) enter(number string, limit int, start func()) (rule string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return "draining", 503 // carriers go on to another node
	case limit > 0 && r.busy[number] >= limit:
		return "max_calls", 486
	}
	r.busy[number]++
	start()
	return "", 0
}

// close takes no call any more: when it returns, every call that was taken is in the
// register.
func (r *reception) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

func (r *reception) leave(number string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[number]--; r.busy[number] == 0 {
		delete(r.busy, number)
	}
}

// customerCalled deals with a call that came over one of the trunks.
func (d *Daemon) customerCalled(in *sip.Incoming, desk *reception, over []*trunk) {
	t, number, candidates := d.official(in, over)
	if t == nil {
		calls := desk.unknown.Add(1)
		if desk.tells(time.Now()) {
			d.misdialed(in, over[0], calls)
		}
		in.Reject(404, "Not Found")
		return
	}
	now := time.Now()
	rec := cdr.Record{
		ID: newID(), Direction: cdr.In, CallerID: number, Trunk: t.Name(), Node: d.node,
		Marks: cdr.Marks{Invite: now},
	}
	region := candidates[0].welcome.Load().cfg.Region
	rec.Number = callerNumber(in.Caller(), region)
	c, known := d.choose(desk.calling, candidates, rec.Number)
	w := c.welcome.Load()
	rec.Campaign, rec.LeadID, rec.List = c.name, known.Lead.Lead.ID, known.Lead.Lead.List
	k := &inbound{
		customer: customer{
			equipment: d.equipment, tally: c.tally, terms: w.terms, lead: known.Lead.Lead, rec: rec,
			optedOut: known.DoNotCall, stop: make(chan cdr.Party, 1), log: c.log.With("attempt", rec.ID),
		},
		in: in, welcome: w, audio: t.audio.offered(in), caller: known, release: func() {},
	}
	k.show(api.CallRinging)
	rule, status := screen(&w.cfg.Inbound, rec.Number)
	if rule == "" {
		rule, status = desk.enter(number, w.cfg.Inbound.MaxCalls, func() {
			t.share.Admit()
			k.release = sync.OnceFunc(func() { t.share.Release(); desk.leave(number) })
			d.calls.start(&k.customer, func() { k.run(desk.calling) })
		})
	}
	if rule != "" {
		k.refuse(rule, status)
	}
}

// tellEach is how often the log is told of a call to a number that is nobody's.
const tellEach = time.Second

// tells reports whether the log is to be told of a call to a number that is nobody's:
// whoever sends many of them must not fill it.
func (r *reception) tells(now time.Time) bool {
	last := r.told.Load()
	return (last == 0 || now.UnixNano()-last >= int64(tellEach)) && r.told.CompareAndSwap(last, now.UnixNano())
}

// misdialed tells why a call is not taken; with it there were so many calls.
func (d *Daemon) misdialed(in *sip.Incoming, over *trunk, calls uint64) {
	log := d.log.With("trunk", over.Name(), "called", clip(in.To()), "calls", calls)
	d.mu.Lock()
	name := elsewhere(d.cfg.Campaigns, in.Called())
	d.mu.Unlock()
	if name != "" {
		log.Info("a call to a campaign's number over a trunk that the campaign does not name in trunks", "campaign", name)
		return
	}
	log.Info("a call to a number that no campaign takes calls for")
}

// elsewhere is the first campaign that takes calls to one of the users, over whichever
// trunk; "" if none does.
func elsewhere(campaigns []config.Campaign, called []string) string {
	for _, c := range campaigns {
		for _, own := range c.Inbound.Numbers {
			if c.Inbound.Enabled && slices.ContainsFunc(called, func(user string) bool { return sameNumber(user, own) }) {
				return c.Name
			}
		}
	}
	return ""
}

// screen says which rule refuses a caller, and with which status; "" if none does.
func screen(in *config.Inbound, number string) (rule string, status int) {
	switch {
	case in.Bars(number):
		return "blocked", 603
	case number == "" && in.Anonymous == config.AnonymousReject:
		return "anonymous", 433 // RFC 5079
	}
	return "", 0
}

// official finds which number of ours a call is for, over which of the trunks that it may
// have come over, and the campaigns that take calls to it, in the order of the file. A
// call to the account of a trunk that has one number only is for that.
func (d *Daemon) official(in *sip.Incoming, over []*trunk) (*trunk, string, []*campaign) {
	called := in.Called()
	for _, t := range over {
		for _, user := range called {
			for _, own := range t.callerIDs {
				if !sameNumber(user, own) {
					continue
				}
				if list := d.takers(t, own); len(list) > 0 {
					return t, own, list
				}
			}
		}
	}
	for _, t := range over {
		if len(t.callerIDs) == 1 && slices.Contains(called, t.Account()) {
			if list := d.takers(t, t.callerIDs[0]); len(list) > 0 {
				return t, t.callerIDs[0], list
			}
		}
	}
	return nil, "", nil
}

// takers are the campaigns that take calls to a number over a trunk.
func (d *Daemon) takers(t *trunk, number string) []*campaign {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*campaign
	for _, cfg := range d.cfg.Campaigns {
		c := d.campaigns[cfg.Name]
		if c != nil && cfg.Inbound.Enabled && slices.Contains(cfg.Inbound.Numbers, number) && slices.Contains(cfg.Trunks, t.Name()) {
			list = append(list, c)
		}
	}
	return list
}

// sameNumber reports whether what a carrier wrote is the number, which is in E.164: with
// or without its plus, after 00, or as it is written in its own country.
func sameNumber(written, number string) bool {
	digits := strings.TrimPrefix(number, "+")
	if written == number || written == digits || written == "00"+digits {
		return true
	}
	if strings.HasPrefix(written, "+") {
		return false
	}
	n, err := lead.Normalize(written, lead.RegionOf(number))
	return err == nil && n == number
}

// callerNumber is who calls, in E.164; "" where they hide it, or it is no number that
// could be called.
func callerNumber(written, region string) string {
	if n, err := lead.Normalize(written, region); err == nil {
		return n
	}
	if written != "" && !strings.HasPrefix(written, "+") {
		if n, err := lead.Normalize("+"+strings.TrimPrefix(written, "00"), region); err == nil {
			return n
		}
	}
	return ""
}

// choose finds the campaign that knows the caller best: the one of which an agent has
// talked with them, else that has them on its list, else the first. Where the store
// does not tell in time, nobody is known.
func (d *Daemon) choose(ctx context.Context, candidates []*campaign, number string) (*campaign, store.Caller) {
	var best *campaign
	var known store.Caller
	if number == "" {
		return candidates[0], known
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	for _, c := range candidates {
		caller, err := d.store.Caller(ctx, c.name, number)
		if err != nil {
			if !errors.Is(err, store.ErrAway) {
				d.log.Warn("a caller was not looked up", "campaign", c.name, "error", err)
			}
			continue
		}
		if best == nil || caller.LastAgent != "" && known.LastAgent == "" || caller.Lead.Lead.ID != "" && known.Lead.Lead.ID == "" && known.LastAgent == "" {
			best, known = c, caller
		}
	}
	if best == nil {
		return candidates[0], known
	}
	return best, known
}

// clip shortens what a stranger wrote, for the log.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
