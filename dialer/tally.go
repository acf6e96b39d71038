package dialer

import (
	"maps"
	"sync"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// tally counts a campaign's attempts on this node since local midnight. mu protects
// all fields.
type tally struct {
	mu       sync.Mutex
	day      time.Time
	dials    int
	connects int
	outcomes map[cdr.Outcome]int
	inbound  api.InboundFigures
}

// today begins a new day where it is time to; mu is held.
func (t *tally) today() {
	if day := dayOf(time.Now()); !t.day.Equal(day) {
		t.day, t.dials, t.connects, t.outcomes, t.inbound = day, 0, 0, map[cdr.Outcome]int{}, api.InboundFigures{}
	}
}

func (t *tally) started() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	t.dials++
}

// connected counts a conversation. One that the customer began is none of the attempts'.
func (t *tally) connected(d cdr.Direction) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	if d == cdr.In {
		t.inbound.Connects++
	} else {
		t.connects++
	}
}

// called counts a call that came in.
func (t *tally) called() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	t.inbound.Calls++
}

// callEnded counts what became of one.
func (t *tally) callEnded(rec *cdr.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	in := &t.inbound
	if rec.Queued {
		in.Queued++
	}
	if rec.Outcome == cdr.Abandoned {
		in.Abandoned++
	}
	if rec.Callback != nil {
		in.Callbacks++
	}
	if wait, ok := rec.Marks.CallToAgent(); ok {
		in.WaitS += wait.Seconds()
	}
}

func (t *tally) ended(o cdr.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	t.outcomes[o]++
}

func (t *tally) fill(s *api.CampaignStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	s.Dials, s.Connects, s.Abandoned = t.dials, t.connects, t.outcomes[cdr.Abandoned]
	s.Outcomes = maps.Clone(t.outcomes)
	s.Inbound = t.inbound
}
