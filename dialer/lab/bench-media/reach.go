package main

import (
	"context"
	"maps"
	"slices"
)

// reach is how many calls a case carries on its core: those loads that were tried.
type reach struct {
	whole  map[int]result // by load, that lost nothing and held nothing up
	failed map[int]bool   // that did, or for which a core does not suffice
}

func newReach() *reach { return &reach{whole: map[int]result{}, failed: map[int]bool{}} }

// note takes one measurement. A load that was carried once can be: what went wrong at
// another time was something else on the machine.
func (h *reach) note(calls int, r result) {
	if !r.unharmed() {
		h.failed[calls] = true
		return
	}
	if other, there := h.whole[calls]; !there || r.perPacket() < other.perPacket() {
		h.whole[calls] = r
	}
}

// unharmed tells whether every packet came, all but a few within a packet's time, and
// whether the recordings that are compared hold every sample.
func (r result) unharmed() bool { return r.lost() == 0 && r.P99 <= packetTime && len(r.inexact) == 0 }

// most is the highest load that was carried; 0: none was.
func (h *reach) most() int { return slices.Max(append(slices.Collect(maps.Keys(h.whole)), 0)) }

// next is the load to try in order to know better how many calls are carried, to within a
// fifth; 0: it is known, or no load was too high.
func (h *reach) next() int {
	most, least := h.most(), 0
	for _, calls := range slices.Sorted(maps.Keys(h.failed)) {
		if calls > most {
			least = calls
			break
		}
	}
	if gap := least - most; gap <= max(most/5, 10) {
		return 0
	}
	return (most + least) / 2
}

// perCore is how many calls fill a core, by the cost of a packet at the highest load that
// was carried; 0: none was.
func (h *reach) perCore() float64 {
	if h.most() == 0 {
		return 0
	}
	return h.whole[h.most()].perCore()
}

// search tries loads between the highest that was carried and the lowest that was not.
func (p plan) search(ctx context.Context, c bench, h *reach, on cores) error {
	for calls := h.next(); calls > 0; calls = h.next() {
		r, err := p.one(ctx, c, calls, on)
		if err != nil {
			return err
		}
		r.say(c, calls)
		h.note(calls, r)
	}
	return nil
}
