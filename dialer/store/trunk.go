package store

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"time"
)

const (
	// A share that is not renewed lapses: the node takes no more channels, and
	// the others may have those that were free.
	shareLapse = 5 * time.Second
	// The channels that a silent node's calls were using stay taken for so
	// long after that: the calls may be up, at the carrier at least.
	shareGrace = 30 * time.Second
	// Slots are given this far ahead: more than the second between two batches.
	slotsAhead = 1500 * time.Millisecond
	// A slot that was not used by then is lost.
	slotKeeps = time.Second
)

// TrunkLimits are what a trunk allows over all nodes; 0 means any number.
type TrunkLimits struct {
	Channels int
	CPS      float64 // calls per second
}

// TrunkWant is what a node wants of a trunk for the coming second.
type TrunkWant struct {
	Trunk    string
	Channels int // in all, with those in use
	Dials    int // calls to be started
	Limits   TrunkLimits
}

// Allotment is what a node was given of a trunk.
type Allotment struct {
	Trunk    string
	Channels int // in all, with those in use
	Dials    int // slots for the coming 1.5 s
}

// trunks are the shares by name.
type trunks struct {
	mu     sync.Mutex
	shares map[string]*TrunkShare
}

// Trunk returns this node's share of a trunk. It is empty until Allot fills it.
func (s *Store) Trunk(name string) *TrunkShare {
	s.trunks.mu.Lock()
	defer s.trunks.mu.Unlock()
	if s.trunks.shares == nil {
		s.trunks.shares = make(map[string]*TrunkShare)
	}
	share := s.trunks.shares[name]
	if share == nil {
		share = new(TrunkShare)
		s.trunks.shares[name] = share
	}
	return share
}

// Allot renews this node's shares of trunks in one batch. Call it once a second.
// Over all nodes the channels allotted never pass a trunk's limit, and slots are
// spaced by its calls per second. Where nodes want more than there is, each gets
// its fair share as soon as the calls of the others end.
func (s *Store) Allot(ctx context.Context, wants ...TrunkWant) ([]Allotment, error) {
	if len(wants) == 0 {
		return nil, nil
	}
	calls := make([]call, len(wants))
	for i, w := range wants {
		sp, err := trunkSpace(w.Trunk)
		if err != nil {
			return nil, err
		}
		calls[i] = call{s.scripts.allot, sp.keys("shares", "slot"), []any{
			s.node, max(w.Channels, 0), s.Trunk(w.Trunk).Used(), max(w.Dials, 0), max(w.Limits.Channels, 0),
			strconv.FormatFloat(max(w.Limits.CPS, 0), 'f', -1, 64),
			shareLapse.Milliseconds(), shareGrace.Milliseconds(), slotsAhead.Milliseconds(),
		}}
	}
	asked := time.Now()
	answers, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	allotted := make([]Allotment, len(wants))
	for i, w := range wants {
		allotted[i].Trunk = w.Trunk
		list, _ := answers[i].([]any)
		if errs[i] != nil || len(list) != 4 {
			continue
		}
		channels, _ := list[0].(int64)
		slots, _ := list[1].(int64)
		offset, _ := list[2].(int64)
		text, _ := list[3].(string)
		gap, _ := strconv.ParseFloat(text, 64)
		allotted[i].Channels, allotted[i].Dials = int(channels), int(slots)
		s.Trunk(w.Trunk).fill(grant{
			channels: int(channels), lapse: asked.Add(shareLapse),
			slots: int(slots), first: now.Add(time.Duration(offset) * time.Millisecond),
			gap: time.Duration(gap * float64(time.Millisecond)),
		})
	}
	return allotted, errors.Join(errs...)
}

// grant is an answer of the allot script.
type grant struct {
	channels int
	lapse    time.Time
	slots    int
	first    time.Time
	gap      time.Duration // 0: calls may start at any time
}

// TrunkShare is a node's part of a trunk: channels, and slots in which calls may
// start. Its methods may be called from any goroutine and ask nobody.
type TrunkShare struct {
	mu       sync.Mutex
	used     int
	channels int
	lapse    time.Time
	gap      time.Duration
	slots    []time.Time // instants from which one call may start, ascending
	last     time.Time   // when the last one started
}

func (t *TrunkShare) fill(g grant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.channels, t.lapse, t.gap = g.channels, g.lapse, g.gap
	if g.gap == 0 {
		t.slots = nil
		return
	}
	for i := range g.slots {
		t.slots = append(t.slots, g.first.Add(time.Duration(i)*g.gap))
	}
}

// TryTake takes a channel and a slot for one call, which must be given back with
// Release. If it cannot, wait is how long until the next slot, or 0 if that takes
// a channel that comes free or another Allot. Within one node calls are spaced by the
// trunk's calls per second.
func (t *TrunkShare) TryTake() (ok bool, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.used >= t.channels || !now.Before(t.lapse) {
		return false, 0
	}
	if t.gap > 0 {
		if ok, wait := t.slot(now); !ok {
			return false, wait
		}
		t.slots = t.slots[1:]
		t.last = now
	}
	t.used++
	return true, 0
}

// slot reports whether a call may start now by the calls per second, which bind,
// or else how long until the next slot; 0 is not known before the next Allot. mu
// is held.
func (t *TrunkShare) slot(now time.Time) (ok bool, wait time.Duration) {
	old := 0
	for old < len(t.slots) && now.Sub(t.slots[old]) >= slotKeeps {
		old++
	}
	t.slots = t.slots[old:]
	if len(t.slots) == 0 {
		return false, 0
	}
	from := t.slots[0]
	if spaced := t.last.Add(t.gap); spaced.After(from) {
		from = spaced
	}
	return !now.Before(from), max(from.Sub(now), 0)
}

// Startable tells how many calls may start now by the calls per second alone: one
// at a time where they bind, else any (a large number). If none may, wait is how
// long until the next, or 0 if that takes another Allot.
func (t *TrunkShare) Startable() (n int, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gap == 0 {
		return math.MaxInt, 0
	}
	ok, wait := t.slot(time.Now())
	if !ok {
		return 0, wait
	}
	return 1, 0
}

// Admit takes a channel for a call that the carrier has sent: it is up already, whatever
// this node's share. It is given back with Release.
func (t *TrunkShare) Admit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used++
}

// Release gives back the channel of a call that is over.
func (t *TrunkShare) Release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == 0 {
		panic("store: a trunk's channel was released twice")
	}
	t.used--
}

// Used returns how many channels calls of this node are using.
func (t *TrunkShare) Used() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// Free returns how many more calls have a channel, whatever the slots.
func (t *TrunkShare) Free() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.lapse) {
		return 0
	}
	return max(0, t.channels-t.used)
}

// Channels returns how many channels this node has in all, with those in use.
func (t *TrunkShare) Channels() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.lapse) {
		return t.used
	}
	return max(t.channels, t.used)
}
