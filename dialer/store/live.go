package store

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"ringpace/dialer/cdr"
)

// live is the attempts that this process has started and not ended. Redis has them
// too, unless it loses its last moments; then they are recorded there again.
type live struct {
	mu       sync.Mutex
	attempts map[string]liveAttempt
}

type liveAttempt struct {
	space   space
	lead    string // "" for a call that came in, which takes no lead's turn
	ordinal int
	today   int
	text    []byte // as the start script got it
	started time.Time
}

func (l *live) put(id string, a liveAttempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attempts == nil {
		l.attempts = make(map[string]liveAttempt)
	}
	l.attempts[id] = a
}

// reroute changes the record of an open attempt, and returns what Redis keeps of it.
func (l *live) reroute(rec cdr.Record) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.attempts[rec.ID]
	if !ok {
		return nil, ErrUnclaimed
	}
	var open openAttempt
	if err := json.Unmarshal(a.text, &open); err != nil {
		return nil, err
	}
	rec.Ordinal = open.Record.Ordinal
	open.Record = rec
	text, err := json.Marshal(open)
	if err == nil {
		a.text = text
		l.attempts[rec.ID] = a
	}
	return text, err
}

func (l *live) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.attempts, id)
}

// callers are those of the attempts that are calls which came in.
func (l *live) callers() (list []caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.attempts {
		if a.lead == "" {
			list = append(list, callingOf(a.text))
		}
	}
	return list
}

// calls are the scripts that record all of them again.
func (l *live) calls(s *scripts) []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := make([]call, 0, len(l.attempts))
	for id, a := range l.attempts {
		if a.lead == "" {
			calls = append(calls, openCall(s, a.space, id, a.text))
			continue
		}
		keys := append([]string{a.space.lead(a.lead)},
			a.space.keys("attempts", "waiting", "ready", "claimed", "counters")...)
		calls = append(calls, call{s.restore, keys, []any{id, a.lead, a.ordinal, a.today, a.text, millis(a.started)}})
	}
	return calls
}

// restore makes sure that a Redis that has come back knows this process' live
// attempts, before anything new is dialed.
func (s *Store) restore(ctx context.Context) error {
	calls := s.live.calls(s.scripts)
	for len(calls) > 0 {
		n := min(deliverBatch, len(calls))
		answers, errs, err := s.pipeline(ctx, calls[:n])
		if err != nil {
			return err
		}
		for i, answer := range answers {
			if errs[i] != nil {
				return errs[i]
			}
			if answer == int64(1) {
				s.log.Warn("redis had lost a live attempt", "attempt", calls[i].args[0])
			}
		}
		calls = calls[n:]
	}
	return s.tellOthers(ctx, noteCalls, s.live.callers()...)
}
