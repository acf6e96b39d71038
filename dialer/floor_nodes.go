package dialer

import (
	"slices"
	"time"

	"ringpace/pacing"
)

// survey is what a campaign's pacer would be told by plan, for another node that decides.
func (f *floor) survey(campaign string) (view, []pacing.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	return f.snapshot(campaign, f.allowed(campaign, now), now), f.heard(campaign)
}

// look is how a campaign stands; who learns is told of the news another time.
func (f *floor) look(campaign string) view {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	return f.snapshot(campaign, f.allowed(campaign, now), now)
}

// carryOut is plan where another node has decided, on what survey has told it: giveUp are
// the attempts to be given up. Nothing is dialed for agents who have all left since.
func (f *floor) carryOut(campaign string, d pacing.Decision, giveUp []string) []string {
	f.deciding.Lock()
	defer f.deciding.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	allowed := f.allowed(campaign, now)
	view := f.snapshot(campaign, allowed, now)
	if !slices.ContainsFunc(view.Agents, func(a pacing.Agent) bool { return a.State != pacing.Away }) {
		d.Dial = 0
	}
	f.demandOf(campaign).planned(d, len(view.Calls), allowed, now)
	return f.reserve(campaign, d, giveUp, false, now)
}
