package dialer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ringpace/pacing"
)

// Campaigns that share agents take turns. A free agent is counted on by one campaign at
// a time: by the calls that it has in flight, as many as it counts on each agent for, and
// beyond them by those that want agents, in equal parts. What is left over goes to the
// one whose turn it is; a campaign that has had its turn places no more calls on that
// agent, and when those it has come to their end the next one has the agent.

const (
	turnTime   = 5 * time.Second // how long a campaign goes before those that wait for their turn
	hungerTime = 3 * pulse       // how long a campaign is taken to want more agents that has said so
)

// demand is what a campaign wants of the free agents.
type demand struct {
	perAgent int       // calls in flight that it counts on one agent for, as last planned
	hungry   time.Time // when it would last have dialed more, had agents been free
	turn     time.Time // when its turn began
}

// demandOf returns the demand of a campaign, which is there from now on. mu is held.
func (f *floor) demandOf(campaign string) *demand {
	d := f.demands[campaign]
	if d == nil {
		d = &demand{perAgent: 1}
		f.demands[campaign] = d
	}
	return d
}

// planned notes what a campaign has made of the agents that it was allowed, with so many
// calls in flight before. mu is held.
func (d *demand) planned(of pacing.Decision, inFlight, allowed int, now time.Time) {
	d.hungry = time.Time{}
	switch of.Bound {
	case pacing.ByAgents, pacing.ByRisk, pacing.ByRatio: // which more agents would change
		d.hungry = now
	}
	if of.Dial == 0 {
		return
	}
	agents := allowed
	if p := of.Predictive; p != nil {
		agents = int(math.Ceil(p.Answers)) // which it dials ahead of
	}
	d.perAgent = max(1, ratioUp(inFlight+of.Dial, agents))
	if now.Sub(d.turn) >= turnTime {
		d.turn = now
	}
}

func ratioUp(n, d int) int { return (n + d - 1) / max(d, 1) }

// needs is how many agents the calls in flight of each campaign count on: one each for
// those who wait already. mu is held.
func (f *floor) needs() map[string]int {
	calls, needs := map[string]int{}, map[string]int{}
	for _, k := range f.flights {
		switch {
		case k.planned, k.gone:
		case k.call.State == pacing.Waiting:
			needs[k.campaign]++
		default:
			calls[k.campaign]++
		}
	}
	for c, n := range calls {
		needs[c] += ratioUp(n, f.demandOf(c).perAgent)
	}
	return needs
}

// allowed is how many of the free agents a campaign may count on now. mu is held.
func (f *floor) allowed(campaign string, now time.Time) int {
	free := 0
	kinds := map[string]*pool{}
	rivals := map[string]bool{}
	for _, s := range f.seats {
		if s.state != pacing.Free {
			continue
		}
		p := kinds[s.kind]
		if p == nil {
			p = &pool{campaigns: s.campaigns, held: map[string]int{}}
			kinds[s.kind] = p
		}
		p.room++
		for c := range s.campaigns {
			if c == campaign {
				free++
			} else {
				rivals[c] = true
			}
		}
	}
	needs := f.needs()
	maps.DeleteFunc(rivals, func(c string, _ bool) bool { return needs[c] == 0 && !f.hungry(c, now) })
	if len(rivals) == 0 {
		return free
	}
	names := slices.Sorted(maps.Keys(rivals))
	all := make(pools, 0, len(kinds))
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, kinds[k])
	}
	share := f.shareOf(campaign, names, needs, all.empty(), now)
	left := all.empty()
	for _, c := range names {
		for range needs[c] {
			left.give(c)
		}
	}
	n := 0
	for n < share && left.give(campaign) {
		n++
	}
	return n
}

// promised is the agents, busy now, whom a campaign leaves to others when they become
// free: those who work for several campaigns that want agents are dealt out in turn. mu
// is held.
func (f *floor) promised(campaign string, now time.Time) map[*seat]bool {
	var shared []*seat
	for _, s := range f.seats {
		if s.campaigns[campaign] && len(s.campaigns) > 1 && (s.state == pacing.Engaged || s.state == pacing.WrapUp) {
			shared = append(shared, s)
		}
	}
	if len(shared) == 0 {
		return nil
	}
	slices.SortFunc(shared, func(a, b *seat) int { return strings.Compare(a.agent.id, b.agent.id) })
	needs := f.needs()
	others := map[*seat]bool{}
	dealt := map[string]int{} // by kind
	for _, s := range shared {
		players := slices.Sorted(maps.Keys(s.campaigns))
		players = slices.DeleteFunc(players, func(c string) bool {
			return c != campaign && needs[c] == 0 && !f.hungry(c, now)
		})
		if players[dealt[s.kind]%len(players)] != campaign {
			others[s] = true
		}
		dealt[s.kind]++
	}
	return others
}

// hungry reports whether a campaign would dial if it had agents. mu is held.
func (f *floor) hungry(campaign string, now time.Time) bool {
	d := f.demands[campaign]
	return d != nil && now.Sub(d.hungry) < hungerTime
}

// shareOf deals the free agents out, one at a time to the campaign that has fewest, and
// returns how many the campaign got. Rivals that want no more get what their calls need.
// mu is held.
func (f *floor) shareOf(campaign string, rivals []string, needs map[string]int, free pools, now time.Time) int {
	players := append([]string{campaign}, rivals...)
	got := map[string]int{}
	first := func(a, b string) int {
		return cmp.Or(cmp.Compare(got[a], got[b]), f.precedence(a, b, needs, now))
	}
	for len(players) > 0 {
		c := slices.MinFunc(players, first)
		if (c == campaign || f.hungry(c, now) || got[c] < needs[c]) && free.give(c) {
			got[c]++
		} else {
			players = slices.DeleteFunc(players, func(p string) bool { return p == c })
		}
	}
	return got[campaign]
}

// precedence compares two campaigns that have equally many agents: the lesser gets the
// next. mu is held.
func (f *floor) precedence(a, b string, needs map[string]int, now time.Time) int {
	x, y := f.demandOf(a), f.demandOf(b)
	later := func(d *demand, need int) int {
		if need > 0 && now.Sub(d.turn) < turnTime {
			return 0 // it is its turn
		}
		return 1
	}
	return cmp.Or(cmp.Compare(later(x, needs[a]), later(y, needs[b])), x.turn.Compare(y.turn), strings.Compare(a, b))
}

// pool is all free agents who work for the same campaigns.
type pool struct {
	campaigns map[string]bool
	room      int            // agents nobody holds
	held      map[string]int // by campaign
}

type pools []*pool

// empty is a copy of pools that nobody holds agents of.
func (ps pools) empty() pools {
	fresh := make(pools, len(ps))
	for i, p := range ps {
		fresh[i] = &pool{campaigns: p.campaigns, room: p.room, held: map[string]int{}}
	}
	return fresh
}

// give gives a campaign one agent more, where that can be done without taking any from
// others than by giving them another instead. It reports whether it could.
func (ps pools) give(campaign string) bool { return ps.move(campaign, map[*pool]bool{}) }

func (ps pools) move(campaign string, seen map[*pool]bool) bool {
	for _, p := range ps {
		if p.campaigns[campaign] && p.room > 0 {
			p.room--
			p.held[campaign]++
			return true
		}
	}
	for _, p := range ps {
		if !p.campaigns[campaign] || seen[p] {
			continue
		}
		seen[p] = true
		for other, n := range p.held {
			if n > 0 && other != campaign && ps.move(other, seen) {
				p.held[other]--
				p.held[campaign]++
				return true
			}
		}
	}
	return false
}
