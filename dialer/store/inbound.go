package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// callbackList is the list of leads that are made of callers whom nobody knew.
const callbackList = "inbound"

// Caller is what is known of a number that calls.
type Caller struct {
	Lead      LeadStatus // no ID: nobody of the campaign has the number
	LastAgent string     // who talked with it last; "" if nobody did, or that was long ago
	DoNotCall string     // the entry that forbids calling it; "" if none does
}

// Caller looks a number up among a campaign's leads, by any number of theirs.
func (s *Store) Caller(ctx context.Context, campaign, number string) (Caller, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return Caller{}, err
	}
	if err := s.reachable(); err != nil {
		return Caller{}, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pipe := s.redis.Pipeline()
	first := pipe.HGet(short, sp.key("numbers"), number)
	further := pipe.HGet(short, sp.key("more"), number)
	talk := pipe.Get(short, sp.talk(number))
	_, _ = pipe.Exec(short) // each command has its own error
	for _, cmd := range []interface{ Err() error }{first, further, talk} {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return Caller{}, s.outcome(ctx, err)
		}
	}
	c := Caller{LastAgent: talk.Val()}
	if id := cmp.Or(first.Val(), further.Val()); id != "" {
		found, err := s.fetchLeads(ctx, sp, []string{id})
		if err != nil {
			return Caller{}, err
		}
		c.Lead = found[0]
	}
	c.DoNotCall, err = s.CheckDNC(ctx, campaign, number)
	return c, err
}

// OpenIn notes a call that came in, on the local disk: from now on it ends in a record,
// by FinishIn or by Recover. It waits for nothing; Redis is told by ShareIn.
func (s *Store) OpenIn(rec cdr.Record) error {
	sp, err := campaignSpace(rec.Campaign)
	if err != nil {
		return err
	}
	text, err := json.Marshal(openAttempt{Node: s.node, Boot: s.boot, Record: rec})
	if err != nil {
		return fmt.Errorf("store: call %s: %w", rec.ID, err)
	}
	s.live.put(rec.ID, liveAttempt{space: sp, text: text, started: time.Now()})
	return s.Progress(rec)
}

// ShareIn tells Redis of a call that OpenIn noted, so that another node can end it in
// the books if this one dies for good, and that no campaign dials who calls. Where Redis
// is away it learns of the call when it is back, or of its end.
func (s *Store) ShareIn(ctx context.Context, id string) error {
	s.live.mu.Lock()
	a, up := s.live.attempts[id]
	s.live.mu.Unlock()
	if !up {
		return nil // it has ended meanwhile
	}
	c := openCall(s.scripts, a.space, id, a.text)
	if _, err := s.run(ctx, c.script, c.keys, c.args...); err != nil {
		return err
	}
	return s.tellOthers(ctx, noteCalls, callingOf(a.text))
}

func openCall(s *scripts, sp space, id string, text []byte) call {
	c := callingOf(text)
	return call{s.open, sp.keys("calls_in", "ended_in", "counters", "calling"), []any{id, text, c.number, c.line()}}
}

// FinishIn ends a call that came in with its record, as Finish does an attempt. A
// callback in the record is kept: the lead that has the number is due then, however
// often it was tried; for a number that nobody has, a lead is made. Else next says what
// becomes of the lead of a caller who talked with an agent, if it waits to be dialed.
func (s *Store) FinishIn(rec cdr.Record, next Next) error {
	return s.end(ending{Kind: endIn, Record: rec, Next: next})
}

// endInCall is the script that delivers the end of a call that came in.
func (s *Store) endInCall(sp space, rec cdr.Record, text []byte, next Next, agent string, remember int64) call {
	var asked, due int64
	var priority int
	fresh := lead.Lead{ID: "in-" + rec.ID, List: callbackList, Numbers: []string{rec.Number}}
	if k := rec.Callback; k != nil && rec.Number != "" {
		asked, due, priority = millis(k.Asked), millis(k.Due), k.Priority
		fresh.Priority, fresh.Due = k.Priority, k.Due
	}
	listed, _ := json.Marshal(fresh) // nothing in it can fail
	talked := ""
	switch {
	case !rec.Bridged():
	case next.Final:
		talked = "done"
	default:
		talked = "due"
	}
	args := []any{
		rec.ID, string(rec.Outcome), text, s.cdrLimit, agent, remember, rec.Number,
		asked, due, priority, sp.lead(""), fresh.ID, listed, talked, millis(next.Due),
		callerOf(&rec).line(),
	}
	if !rec.Marks.AgentAudio.IsZero() {
		args = append(args, "in:bridged", 1, "in:talk_ms", rec.Marks.Talk().Milliseconds())
	}
	keys := sp.keys("calls_in", "ended_in", "counters", "cdrs", "numbers", "more", "ids", "waiting", "ready",
		"claimed", "done", "campaign", "calling")
	return call{s.scripts.finishIn, append(keys, sp.talk(rec.Number)), args}
}
