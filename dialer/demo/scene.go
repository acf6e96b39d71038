package demo

import (
	"context"
	"fmt"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// scene is the floor at one moment, as the live view and the progress lines show it.
type scene struct {
	elapsed  time.Duration
	leads    int // in the list
	trunk    api.TrunkStatus
	campaign api.CampaignStatus
	agents   []api.AgentStatus
	calls    []api.CallStatus

	outcomes map[cdr.Outcome]int // of the attempts that are over
	over     int                 // how many those are
	joined   int                 // of these, brought to an agent
	toAgent  lab.Latency         // answer to first agent packet
	latest   []cdr.Record        // newest first
	dialRate float64             // INVITEs a second, over the last few seconds
	closing  string              // what is being done after the last call, or ""
}

// kept is how many of the latest records a scene holds: a tall terminal's worth.
const kept = 40

// rateOver is the time that the rate of dialing is taken over.
const rateOver = 3 * time.Second

// watcher makes scenes of what the floor says. It belongs to one goroutine.
type watcher struct {
	floor floor
	leads int
	began time.Time

	cursor   string
	outcomes map[cdr.Outcome]int
	over     int
	waits    []time.Duration
	latest   []cdr.Record
	dials    []dialCount
}

// dialCount is how many attempts had been made at some time.
type dialCount struct {
	at time.Time
	n  int
}

func newWatcher(f floor, leads int, began time.Time) *watcher {
	return &watcher{floor: f, leads: leads, began: began, outcomes: make(map[cdr.Outcome]int)}
}

// look makes the scene of now.
func (w *watcher) look(ctx context.Context) (scene, error) {
	if err := w.read(ctx); err != nil {
		return scene{}, err
	}
	now := time.Now()
	s := scene{
		elapsed: now.Sub(w.began), leads: w.leads,
		outcomes: make(map[cdr.Outcome]int, len(w.outcomes)), over: w.over, joined: len(w.waits),
		toAgent: lab.Summarise(append([]time.Duration(nil), w.waits...)),
		latest:  append([]cdr.Record(nil), w.latest...),
	}
	for o, n := range w.outcomes {
		s.outcomes[o] = n
	}
	var err error
	if s.campaign, err = w.floor.Campaign(ctx, campaign); err != nil {
		return scene{}, fmt.Errorf("demo: campaign: %w", err)
	}
	if s.agents, err = w.floor.Agents(ctx); err != nil {
		return scene{}, fmt.Errorf("demo: agents: %w", err)
	}
	if s.calls, err = w.floor.Calls(ctx); err != nil {
		return scene{}, fmt.Errorf("demo: calls: %w", err)
	}
	trunks, err := w.floor.Trunks(ctx)
	if err != nil {
		return scene{}, fmt.Errorf("demo: trunks: %w", err)
	}
	if len(trunks) > 0 {
		s.trunk = trunks[0]
	}
	s.dialRate = w.rate(now, s.campaign.Dials)
	return s, nil
}

// read takes in the records of the attempts that ended since the last look.
func (w *watcher) read(ctx context.Context) error {
	for {
		page, err := w.floor.CDRs(ctx, campaign, w.cursor, 100)
		if err != nil {
			return fmt.Errorf("demo: records: %w", err)
		}
		for _, r := range page.Records {
			w.outcomes[r.Outcome]++
			w.over++
			if wait, ok := r.Marks.AnswerToAgent(); ok && !r.Queued {
				w.waits = append(w.waits, wait)
			}
			w.latest = append([]cdr.Record{r}, w.latest[:min(len(w.latest), kept-1)]...)
		}
		if page.Next == "" {
			return nil
		}
		w.cursor = page.Next
	}
}

func (w *watcher) rate(now time.Time, dials int) float64 {
	w.dials = append(w.dials, dialCount{now, dials})
	for len(w.dials) > 2 && now.Sub(w.dials[1].at) > rateOver {
		w.dials = w.dials[1:]
	}
	first := w.dials[0]
	if d := now.Sub(first.at).Seconds(); d > 0 {
		return float64(dials-first.n) / d
	}
	return 0
}
