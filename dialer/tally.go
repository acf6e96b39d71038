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
}

// today begins a new day where it is time to; mu is held.
func (t *tally) today() {
	if day := dayOf(time.Now()); !t.day.Equal(day) {
		t.day, t.dials, t.connects, t.outcomes = day, 0, 0, map[cdr.Outcome]int{}
	}
}

func (t *tally) started() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	t.dials++
}

func (t *tally) connected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.today()
	t.connects++
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
}
