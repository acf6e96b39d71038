package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ringpace/pacing"
)

// ErrHistory is wrapped by the errors of records that no replay can be made of.
var ErrHistory = errors.New("replay")

// History is what the records of a campaign tell: its days, with the calls that were
// dialed and the agents who were there.
type History struct {
	days     []*recordedDay
	Calls    int     // that were dialed
	LeftOut  int     // records whose instants make no sense
	Agents   int     // on all days together
	Recorded Figures // what came of the days
}

const (
	dayGap     = 4 * time.Hour    // without a call is where a day ends
	closedGap  = 10 * time.Minute // without a call is when nothing was dialed
	leastCalls = 50               // that a replay can be made of
)

// recordedDay is one of them. Times are in seconds from its first call on.
type recordedDay struct {
	start   time.Time
	seconds float64
	calls   []*recordedCall
	agents  []*recordedAgent
}

// recordedCall is what is drawn from.
type recordedCall struct {
	at       float64
	rings    float64 // seconds after it was sent; +Inf never
	ends     float64 // seconds after it was sent, by an answer or otherwise
	answered bool
	cut      bool
	lead     pacing.Lead
}

// recordedAgent is one agent on one day.
type recordedAgent struct {
	id       string
	from, to float64
	away     []period // breaks, and calls of others
	busy     []busy   // with calls, in order
}

// period is from a to b. A fixed one ends then, however late it was begun; others, breaks, keep
// their length.
type period struct {
	a, b  float64
	fixed bool
}

// busy is a call that an agent had.
type busy struct {
	period
	handling
	waited    float64 // by who had answered
	elsewhere bool
}

// Days is how many days there are.
func (h *History) Days() int { return len(h.days) }

// NewHistory makes a history of records in any order. A day ends where nothing was dialed
// for four hours. Its error wraps ErrHistory.
//
// When agents logged in, and their breaks, are in no record; they are inferred. A call goes
// to the agent who has been free longest: who has been free for longer than the agent who
// got a call, or was free when a person found nobody, was not there. See presence.go.
func NewHistory(records []RecordedCall) (*History, error) {
	h := &History{}
	var own, elsewhere []*RecordedCall
	for i := range records {
		switch r := &records[i]; {
		case !r.Plausible():
			h.LeftOut++
		case r.Elsewhere:
			elsewhere = append(elsewhere, r)
		default:
			own = append(own, r)
		}
	}
	if len(own) < leastCalls {
		return nil, fmt.Errorf("%w: %d calls are too few; it takes %d", ErrHistory, len(own), leastCalls)
	}
	slices.SortStableFunc(own, func(a, b *RecordedCall) int { return a.Sent.Compare(b.Sent) })
	for len(own) > 0 {
		n := 1
		for n < len(own) && own[n].Sent.Sub(own[n-1].Sent) < dayGap {
			n++
		}
		if d := newDay(own[:n], elsewhere); len(d.agents) > 0 && d.seconds > 0 {
			h.days = append(h.days, d)
			h.Calls += n
			h.Agents += len(d.agents)
		}
		own = own[n:]
	}
	if len(h.days) == 0 {
		return nil, fmt.Errorf("%w: no call of theirs reached an agent", ErrHistory)
	}
	h.Recorded = h.figures()
	return h, nil
}

func newDay(calls, elsewhere []*RecordedCall) *recordedDay {
	d := &recordedDay{start: calls[0].Sent, seconds: calls[len(calls)-1].Sent.Sub(calls[0].Sent).Seconds()}
	at := func(t time.Time) float64 { return t.Sub(d.start).Seconds() }
	agents := make(map[string]*recordedAgent)
	agent := func(id string) *recordedAgent {
		a := agents[id]
		if a == nil {
			a = &recordedAgent{id: id}
			agents[id] = a
			d.agents = append(d.agents, a)
		}
		return a
	}
	for _, r := range calls {
		c := &recordedCall{at: at(r.Sent), rings: math.Inf(1), answered: !r.Answered.IsZero(), cut: r.Cut, lead: r.Lead}
		if !r.Rang.IsZero() {
			c.rings = r.Rang.Sub(r.Sent).Seconds()
		}
		c.ends = r.Ended.Sub(r.Sent).Seconds()
		if c.answered {
			c.ends, c.cut = r.Answered.Sub(r.Sent).Seconds(), false
		}
		d.calls = append(d.calls, c)
		if r.Agent != "" {
			a := agent(r.Agent)
			a.busy = append(a.busy, busy{period: period{a: at(r.Claimed), b: at(r.Ready)}, handling: r.handled(), waited: r.Claimed.Sub(r.Answered).Seconds()})
		}
	}
	for _, r := range elsewhere {
		if a := agents[r.Agent]; a != nil && at(r.Ready) > 0 && at(r.Claimed) < d.seconds {
			a.busy = append(a.busy, busy{period: period{a: at(r.Claimed), b: at(r.Ready)}, elsewhere: true})
		}
	}
	slices.SortFunc(d.agents, func(a, b *recordedAgent) int { return cmp.Compare(a.id, b.id) })
	for _, a := range d.agents {
		slices.SortFunc(a.busy, func(x, y busy) int { return cmp.Compare(x.a, y.a) })
	}
	d.infer(calls)
	return d
}
