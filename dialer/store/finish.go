package store

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/store/journal"
)

// Next is what becomes of a lead after an attempt.
type Next struct {
	Due   time.Time // of the next attempt; zero: at once
	Final bool      // there is none
	// Remember is how long a further call from the number is brought to the agent whom
	// the person has talked with; 0: it is not.
	Remember time.Duration
	Dead     bool // the attempt's number does not exist: it is not dialed again
}

// Kinds of ends.
const (
	endFinish = "finish" // of an attempt that was started
	endSkip   = "skip"   // a rule forbade it before it started
	endAbort  = "abort"  // its start got no answer: nothing was dialed
	endIn     = "in"     // of a call that came in
)

// ending is the end of an attempt on its way to Redis. Its JSON is the journal's
// payload.
type ending struct {
	Kind   string     `json:"kind"`
	Record cdr.Record `json:"record"`
	Next   Next       `json:"next"`
	Epoch  int64      `json:"epoch,omitempty"` // of the claim, for a skip
}

// Finish ends a started attempt with its record, and says what becomes of the
// lead. It returns once the journal has it on disk, and never waits for Redis: a
// goroutine delivers it there, once. ErrFinished if the end of this attempt is under
// way already. A repeat after that changes nothing and counts in Stats.Repeats. On
// any other error the disk refused it; it is delivered as long as this process lives.
func (s *Store) Finish(rec cdr.Record, next Next) error {
	return s.end(ending{Kind: endFinish, Record: rec, Next: next})
}

// Skip ends a claim of which a rule forbade the attempt, with a record of outcome
// skipped that names the rule. epoch is the claim's. It is journaled and delivered as
// Finish does; if the claim has lapsed by then, nothing is written.
func (s *Store) Skip(rec cdr.Record, epoch int64, next Next) error {
	return s.end(ending{Kind: endSkip, Record: rec, Next: next, Epoch: epoch})
}

// takeBack undoes a start that may have been carried out.
func (s *Store) takeBack(rec cdr.Record) {
	if err := s.end(ending{Kind: endAbort, Record: rec}); err != nil {
		s.log.Error("the start of an attempt is taken back without the journal", "attempt", rec.ID, "err", err)
	}
}

func (s *Store) end(e ending) error {
	if e.Record.Node == "" {
		e.Record.Node = s.node
	}
	if _, err := campaignSpace(e.Record.Campaign); err != nil {
		return fmt.Errorf("attempt %s: %w", e.Record.ID, err)
	}
	e.Record = finite(e.Record)
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("store: attempt %s: %w", e.Record.ID, err)
	}
	if !s.outbox.reserve(e.Record.ID) {
		return fmt.Errorf("%w: %s", ErrFinished, e.Record.ID)
	}
	s.live.forget(e.Record.ID)
	err = s.journal.End(e.Record.ID, text)
	s.outbox.put(e) // even if the disk refused it: Redis may take it
	if err != nil {
		return fmt.Errorf("store: attempt %s: %w", e.Record.ID, err)
	}
	return nil
}

// takeOver sorts what a former process left in the journal: ends are delivered,
// open attempts wait for Recover.
func (s *Store) takeOver(left journal.Left) {
	if left.Damaged > 0 {
		s.log.Warn("damaged lines in the journal were passed over", "lines", left.Damaged)
	}
	for _, entry := range left.Ended {
		var e ending
		if err := json.Unmarshal(entry.Payload, &e); err != nil {
			s.log.Error("an end in the journal cannot be read", "attempt", entry.ID, "err", err)
			continue
		}
		s.outbox.reserve(e.Record.ID)
		s.outbox.put(e)
	}
	for _, entry := range left.Open {
		var rec cdr.Record
		if err := json.Unmarshal(entry.Payload, &rec); err != nil {
			s.log.Error("an attempt in the journal cannot be read", "attempt", entry.ID, "err", err)
			continue
		}
		s.left[rec.ID] = rec
	}
}

// endCall is the script that delivers e.
func (s *Store) endCall(e ending) (call, error) {
	rec := finite(e.Record)
	sp, err := campaignSpace(rec.Campaign)
	if err != nil {
		return call{}, err
	}
	if e.Kind == endAbort {
		keys := append([]string{sp.lead(rec.LeadID)}, sp.keys("attempts", "waiting", "ready", "counters", "withdrawn")...)
		return call{s.scripts.abort, keys, []any{rec.ID, rec.LeadID}}, nil
	}
	text, err := json.Marshal(rec)
	if err != nil {
		return call{}, fmt.Errorf("store: attempt %s: %w", rec.ID, err)
	}
	agent, remember := "", int64(0)
	if rec.Bridged() && e.Next.Remember > 0 {
		agent, remember = rec.Agent, e.Next.Remember.Milliseconds()
	}
	if e.Kind == endIn {
		return s.endInCall(sp, rec, text, e.Next, agent, remember), nil
	}
	final, dead := "", ""
	if e.Next.Final {
		final = "1"
	}
	if e.Next.Dead {
		dead = rec.Number
	}
	args := []any{
		rec.ID, rec.LeadID, e.Kind, e.Epoch, rec.Ordinal, millis(e.Next.Due), final,
		string(rec.Outcome), text, s.cdrLimit, millis(rec.Marks.Invite), dead, agent, remember,
	}
	if !rec.Marks.AgentAudio.IsZero() {
		args = append(args, "bridged", 1, "talk_ms", rec.Marks.Talk().Milliseconds())
	}
	keys := append([]string{sp.lead(rec.LeadID)},
		sp.keys("attempts", "waiting", "ready", "claimed", "done", "withdrawn", "counters", "cdrs")...)
	keys = append(keys, sp.talk(rec.Number))
	return call{s.scripts.finish, keys, args}, nil
}

// finite returns rec with figures that JSON can carry: the level of silence may
// be minus infinity.
func finite(rec cdr.Record) cdr.Record {
	bound := func(x *float64) {
		if math.IsNaN(*x) {
			*x = 0
		}
		*x = min(max(*x, -999), math.MaxFloat64)
	}
	if rec.Recording != nil {
		recording := *rec.Recording
		bound(&recording.LeftDBFS)
		bound(&recording.RightDBFS)
		rec.Recording = &recording
	}
	for _, leg := range []**cdr.Leg{&rec.Customer, &rec.AgentLeg} {
		if *leg != nil {
			heard := **leg
			bound(&heard.JitterMS)
			*leg = &heard
		}
	}
	return rec
}
