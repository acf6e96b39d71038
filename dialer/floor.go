package dialer

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ringpace/pacing"
)

// floor is the state of play that pacing sees and answers are matched on: every
// logged-in agent's seat, every call that has not reached an agent, and every
// answered call that waits for one.
//
// It is the one piece of state that actors share, behind a mutex that is held for
// microseconds and never across a wait: between a customer's answer and the
// agent's voice there is no time for a round trip to another goroutine.
type floor struct {
	// deciding is held while a campaign decides how many calls to place, and taken before
	// mu: nobody else counts on the agents that it counts on meanwhile, and answers need
	// not wait.
	deciding sync.Mutex

	mu      sync.Mutex
	seats   map[string]*seat   // by agent
	flights map[string]*flight // by attempt
	waiters []*waiter          // longest waiting first
	demands map[string]*demand // by campaign
	changed map[string]func()  // by campaign: called, with mu held, when its pacing might decide anew
	news    map[string]*news   // by campaign whose pacer learns
	rings   ringTime           // of agents whose telephones are rung
}

// seat is one logged-in agent.
type seat struct {
	agent     *agent
	campaigns map[string]bool
	kind      string // the campaigns' names, in order: the same for all who work for the same
	state     pacing.AgentState
	since     time.Time
	busy      time.Time // when the agent got the call that they handle; zero while there is none
	leaving   bool      // takes a break or goes home after it
	rung      bool      // has a telephone that is rung for each call
	shift     shift
}

// waiter is a call that waits for an agent.
type waiter struct {
	campaign string
	caller   bool        // they called us; who was called and has answered goes first
	only     string      // the one agent who will do; "" any
	got      chan *agent // buffered; the agent, already engaged for this call
}

// wants reports whether the seat's agent may have the call.
func (w *waiter) wants(s *seat) bool {
	return s.campaigns[w.campaign] && (w.only == "" || w.only == s.agent.id)
}

func newFloor() *floor {
	return &floor{
		seats: map[string]*seat{}, flights: map[string]*flight{}, demands: map[string]*demand{}, changed: map[string]func(){},
		news: map[string]*news{},
	}
}

// watch has nudge called whenever the campaign's pacing might decide anew. It must
// neither block nor call the floor.
func (f *floor) watch(campaign string, nudge func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed[campaign] = nudge
}

func (f *floor) unwatch(campaign string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.changed, campaign)
	delete(f.demands, campaign)
	delete(f.news, campaign)
}

// sit brings an agent to the floor, or changes which campaigns they work for.
func (f *floor) sit(a *agent, campaigns []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.seats[a.id]
	if s == nil {
		s = &seat{agent: a, state: pacing.Away, since: time.Now()}
		f.seats[a.id] = s
	}
	s.campaigns = map[string]bool{}
	for _, c := range campaigns {
		s.campaigns[c] = true
	}
	s.shift.work(a.cfg.Shift, a.cfg.Zone())
	s.kind = strings.Join(slices.Sorted(maps.Keys(s.campaigns)), "\x00")
	f.nudge(s)
}

// leave takes an agent off the floor.
func (f *floor) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.seats[id]; s != nil {
		f.done(s)
		delete(f.seats, id)
		f.nudge(s)
	}
}

// free makes an agent ready for a call. The call of theirs that has waited longest
// gets them at once.
func (f *floor) free(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.seats[id]
	if s == nil {
		return
	}
	next := -1
	for i, w := range f.waiters {
		if w.wants(s) && (next < 0 || f.waiters[next].caller && !w.caller) {
			next = i
		}
	}
	if next < 0 {
		f.set(s, pacing.Free)
		return
	}
	w := f.waiters[next]
	f.waiters = slices.Delete(f.waiters, next, next+1)
	f.done(s)
	f.set(s, pacing.Engaged)
	w.got <- s.agent
}

// unable is the status that tells a caller why a colleague cannot be reached now: 480
// where they are logged out, 486 where they are not ready; 0 if they may be, or who is
// nil.
func (f *floor) unable(who *agent) int {
	if who == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch s := f.seats[who.id]; {
	case s == nil:
		return 480
	case s.state != pacing.Free:
		return 486
	}
	return 0
}

// busy takes an agent who may be free out of the reach of calls. It reports false,
// and changes nothing, where a call has claimed the agent already: that call is
// on its way to them.
func (f *floor) busy(id string, state pacing.AgentState) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.seats[id]
	if s == nil || s.state != pacing.Free {
		return false
	}
	f.set(s, state)
	return true
}

// mark notes what an agent does who is not free.
func (f *floor) mark(id string, state pacing.AgentState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.seats[id]; s != nil {
		f.set(s, state)
	}
}

func (f *floor) set(s *seat, state pacing.AgentState) {
	s.state, s.since = state, time.Now()
	switch {
	case state == pacing.Free || state == pacing.Away:
		f.done(s)
	case s.busy.IsZero():
		s.busy = s.since
	}
	f.nudge(s)
}

func (f *floor) nudge(s *seat) {
	for c := range s.campaigns {
		if n := f.changed[c]; n != nil {
			n()
		}
	}
}

// claim asks for an agent of the campaign: the one who has been free longest, now
// if there is one, else the first to become free. The caller ends it with take or
// giveUp.
func (f *floor) claim(campaign string) *waiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &waiter{campaign: campaign, got: make(chan *agent, 1)}
	if !f.seat(w) {
		f.waiters = append(f.waiters, w)
	}
	return w
}

// claimFor is claim for somebody who has called. last, "" if nobody, is the agent whom
// they know: that one if they are free; else, where hold says so and they are at work,
// the call waits for them alone until widen; else anybody.
func (f *floor) claimFor(campaign, last string, hold bool) *waiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &waiter{campaign: campaign, caller: true, only: last, got: make(chan *agent, 1)}
	if f.seat(w) {
		return w
	}
	if s := f.seats[last]; last != "" && (!hold || s == nil || !w.wants(s) || s.state == pacing.Away) {
		w.only = ""
		if f.seat(w) {
			return w
		}
	}
	f.waiters = append(f.waiters, w)
	return w
}

// widen lets any agent of the campaign have a call that has waited for one.
func (f *floor) widen(w *waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.only = ""
	if i := slices.Index(f.waiters, w); i >= 0 && f.seat(w) {
		f.waiters = slices.Delete(f.waiters, i, i+1)
	}
}

// seat gives the call the agent who has been free longest of those who may have it. It
// reports false where none is free. mu is held.
func (f *floor) seat(w *waiter) bool {
	var longest *seat
	for _, s := range f.seats {
		if s.state == pacing.Free && w.wants(s) && (longest == nil || s.since.Before(longest.since)) {
			longest = s
		}
	}
	if longest == nil {
		return false
	}
	f.set(longest, pacing.Engaged)
	w.got <- longest.agent
	return true
}

// giveUp ends a claim. Where an agent was found at the same moment, it returns them:
// they are engaged still, and go where they belong by returned.
func (f *floor) giveUp(w *waiter) *agent {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.waiters, w); i >= 0 {
		f.waiters = slices.Delete(f.waiters, i, i+1)
	}
	select {
	case a := <-w.got:
		return a
	default:
		return nil
	}
}

// plan has decide say how many calls a campaign may place, and reserves them as
// calls in flight in the same step, so that no two campaigns count on the same
// agent. It returns the ids of the attempts to be made; each ends in landed. Calls that
// decide gives up are cancelled. planned says that they are meant for agents who asked
// for them. decide gets what happened since the last time, in order, and how it stands
// now; it may not call the floor.
func (f *floor) plan(campaign string, planned bool, decide func([]pacing.Event, pacing.Snapshot) pacing.Decision) []string {
	f.deciding.Lock()
	defer f.deciding.Unlock()
	f.mu.Lock()
	now := time.Now()
	allowed := f.allowed(campaign, now)
	view := f.snapshot(campaign, allowed, now)
	events := f.heard(campaign)
	f.mu.Unlock()

	d := decide(events, view.Snapshot)
	giveUp := make([]string, len(d.GiveUp))
	for i, at := range d.GiveUp {
		giveUp[i] = view.ids[at]
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if !planned {
		f.demandOf(campaign).planned(d, len(view.Calls), allowed, now)
	}
	return f.reserve(campaign, d, giveUp, planned, now)
}

// reserve gives calls up and counts those that are to be dialed as calls in flight. It
// returns the ids of these. mu is held.
func (f *floor) reserve(campaign string, d pacing.Decision, giveUp []string, planned bool, now time.Time) []string {
	for _, id := range giveUp {
		if k := f.flights[id]; k != nil && k.giveUp != nil && k.call.State != pacing.Waiting {
			k.giveUp()
			k.giveUp, k.gone = nil, true
		}
	}
	var ids []string
	for range d.Dial {
		id := newID()
		ids = append(ids, id)
		f.flights[id] = &flight{campaign: campaign, planned: planned, call: pacing.Call{State: pacing.Dialing, Since: now, Theta: d.Theta}}
	}
	return ids
}

// view is what a campaign sees, and the attempts that its calls are, in their order.
type view struct {
	pacing.Snapshot
	ids []string
}

// snapshot gives the agents and the calls in flight of one campaign, of whose free agents
// it may count on so many: the others are another campaign's next, as are some of those
// who are busy (see turns.go). mu is held.
func (f *floor) snapshot(campaign string, allowed int, now time.Time) view {
	v := view{Snapshot: pacing.Snapshot{Now: now}}
	for id, k := range f.flights {
		if k.met && f.news[campaign] != nil {
			continue // a pacer that learns counts on the agent to come; others hold another one ready
		}
		if k.campaign == campaign && !k.planned && !k.gone {
			v.Calls, v.ids = append(v.Calls, k.call), append(v.ids, id)
		}
	}
	promised := f.promised(campaign, now)
	for _, s := range f.seats {
		if !s.campaigns[campaign] {
			continue
		}
		a := pacing.Agent{State: s.state, Since: s.since, Busy: s.busy, Until: s.shift.until(now), Next: s.leaving || promised[s]}
		if s.rung {
			a.Ring = f.rings.mean()
		}
		if a.State == pacing.Free {
			if allowed == 0 {
				a.State, a.Busy, a.Next = pacing.Engaged, now, true
			} else {
				allowed--
			}
		}
		v.Agents = append(v.Agents, a)
	}
	return v
}
