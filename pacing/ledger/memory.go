package ledger

import (
	"maps"
	"sync"
	"time"
)

// memory is what this node has seen of the counts of all nodes, and of the calls that it
// counted itself.
type memory struct {
	mu        sync.Mutex // protects the fields below
	campaigns map[string]*seen
	calls     map[callID]seenCall
	most      int  // calls, before old ones are forgotten
	changed   bool // campaigns, since they were written
}

// seen is what was seen of one campaign.
type seen struct {
	first date // of the first answer; never if there was none
	days  map[date]fields
}

const never = date(1 << 40)

type callID struct{ campaign, attempt string }

type seenCall struct {
	record string // "DATE VERDICT", as in Redis
	at     time.Time
}

const (
	rememberDays  = 62             // more than any window has
	rememberCalls = 24 * time.Hour // more than any lasts
	leastCalls    = 1024
)

func newMemory(campaigns map[string]*seen) *memory {
	return &memory{campaigns: campaigns, calls: make(map[callID]seenCall), most: leastCalls}
}

func (m *memory) of(campaign string) *seen {
	s := m.campaigns[campaign]
	if s == nil {
		s = &seen{first: never, days: make(map[date]fields)}
		m.campaigns[campaign] = s
	}
	return s
}

// see takes in what Redis has of a date. It returns what it should have, and what of
// that it has lost.
func (m *memory) see(campaign string, d date, f fields) (known, lost fields) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.of(campaign)
	known = s.days[d]
	if known == nil {
		if len(f) == 0 {
			return nil, nil
		}
		known = make(fields)
		s.days[d] = known
	}
	lost, grown := known.raise(f)
	m.changed = m.changed || grown
	return maps.Clone(known), lost
}

// seeFirst takes in what Redis has for the first date (never: nothing), and returns the
// true one.
func (m *memory) seeFirst(campaign string, first date) date {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.of(campaign)
	if first < s.first {
		s.first, m.changed = first, true
	}
	return s.first
}

// own are the counts of one node that are known of a date.
func (m *memory) own(campaign string, d date, node string) Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(campaign).days[d].own(node)
}

// day are the counts of all nodes that are known of a date.
func (m *memory) day(campaign string, d date) Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(campaign).days[d].counts()
}

// call is what was seen on record of a call; "" for nothing.
func (m *memory) call(id callID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[id].record
}

func (m *memory) seeCall(id callID, record string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.calls[id] = seenCall{record, now}
	if len(m.calls) > m.most {
		maps.DeleteFunc(m.calls, func(_ callID, c seenCall) bool { return now.Sub(c.at) > rememberCalls })
		m.most = max(leastCalls, 2*len(m.calls))
	}
}
