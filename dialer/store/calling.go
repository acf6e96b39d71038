package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
)

// Whoever calls us is dialed by no campaign meanwhile. So that the start script sees it
// without a further round trip, each campaign has the numbers that call in its own slot:
//
//	{c:X}:calling  number -> lines of "ID CAMPAIGN" of the calls from it
//
// The campaign that takes a call notes it there in the script that opens the call, and
// forgets it in the one that ends it. The copies of the others are told after that. A
// crash in between leaves lines behind, of calls that are no more: whoever comes upon one
// looks, and removes it.

// caller is a call that came in, as the lists of numbers that call have it.
type caller struct{ id, campaign, number string }

func (c caller) line() string { return c.id + " " + c.campaign }

// callingOf is the call that ShareIn was given as text.
func callingOf(text []byte) caller {
	var open openAttempt
	_ = json.Unmarshal(text, &open) // of OpenIn
	return callerOf(&open.Record)
}

func callerOf(rec *cdr.Record) caller { return caller{rec.ID, rec.Campaign, rec.Number} }

// What the script calling does with its calls.
const (
	noteCalls   = "note"
	forgetCalls = "forget"
)

// tellOthers lets all campaigns know of calls that came in, or that they have ended,
// whether Redis is known to be there or not. Calls of which nobody knows the number are
// left out.
func (s *Store) tellOthers(ctx context.Context, how string, callers ...caller) error {
	args := []any{how}
	for _, c := range callers {
		if c.number != "" {
			args = append(args, c.number, c.line())
		}
	}
	if len(args) == 1 {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	names, err := s.redis.SMembers(short, campaignsKey).Result()
	if err := s.outcome(ctx, err); err != nil {
		return err
	}
	var calls []call
	for _, name := range names {
		if sp, err := campaignSpace(name); err == nil && (len(callers) > 1 || name != callers[0].campaign) {
			calls = append(calls, call{s.scripts.calling, sp.keys("calling"), args})
		}
	}
	if len(calls) == 0 {
		return nil
	}
	_, errs, err := s.pipeline(ctx, calls)
	return errors.Join(append(errs, err)...)
}

// callsEnded lets all campaigns know that the calls that came in among these are over.
// What is not told now is found out by forgetOver.
func (s *Store) callsEnded(ctx context.Context, records []cdr.Record) {
	var over []caller
	for i := range records {
		if records[i].Direction == cdr.In {
			over = append(over, callerOf(&records[i]))
		}
	}
	if err := s.tellOthers(ctx, forgetCalls, over...); err != nil {
		s.log.Debug("campaigns were not told that calls are over", "err", err)
	}
}

// forgetOver looks whether the calls are still up for which a campaign does not dial one
// of the numbers, and has it forget those that are not.
func (s *Store) forgetOver(ctx context.Context, sp space, numbers []string) {
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	listed, err := s.redis.HMGet(short, sp.key("calling"), numbers...).Result()
	if err != nil {
		return // it is tried again when the lead is
	}
	args := []any{forgetCalls}
	for i, lines := range listed {
		text, _ := lines.(string)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			id, campaign, _ := strings.Cut(line, " ")
			up := false
			if its, err := campaignSpace(campaign); err == nil {
				if up, err = s.redis.HExists(short, its.key("calls_in"), id).Result(); err != nil {
					return
				}
			}
			if !up {
				args = append(args, numbers[i], line)
			}
		}
	}
	if len(args) > 1 {
		_, _ = s.run(ctx, s.scripts.calling, sp.keys("calling"), args...)
	}
}

// copyCalling has a campaign know who calls just now, of calls that came in before it was
// registered.
func (s *Store) copyCalling(ctx context.Context, sp space) error {
	names, err := s.Campaigns(ctx)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pipe := s.redis.Pipeline()
	var lists []*redis.MapStringStringCmd
	for _, name := range names {
		if other, err := campaignSpace(name); err == nil && other != sp {
			lists = append(lists, pipe.HGetAll(short, other.key("calling")))
		}
	}
	_, err = pipe.Exec(short)
	if err := s.outcome(ctx, err); err != nil {
		return err
	}
	args := []any{noteCalls}
	for _, list := range lists {
		for number, lines := range list.Val() {
			for line := range strings.Lines(lines) {
				args = append(args, number, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	if len(args) == 1 {
		return nil
	}
	_, err = s.run(ctx, s.scripts.calling, sp.keys("calling"), args...)
	return err
}
