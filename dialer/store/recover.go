package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// OpenAttempt is an attempt that its process did not end.
type OpenAttempt struct {
	Record cdr.Record // as far as it is known; Node is the one that made the call
	Boot   string     // the process; "" if only the journal knows the attempt
	Lead   lead.Lead  // as it is now, this attempt counted; no ID if it is unknown
}

// Recover ends the attempts of a campaign that dead processes left open: decide
// says with which record (outcome interrupted) and what becomes of the lead. It
// returns how many it ended. What this node's former process noted in the journal is
// in the record that decide gets.
//
// The owner ends those of all dead processes, another node those of its own former ones,
// whose journal and recordings are here. A former process of this node is dead at once; another node when it was not
// heard of for the node lease, and then only after this node itself has reached Redis
// for that long without a break, by a clock that was not set meanwhile: whoever comes back
// first from an outage must not bury the others. So Recover is to be called again every few seconds. An attempt that was ended meanwhile, by the process that was
// thought dead or by another node, is not ended again. ErrFenced.
func (s *Store) Recover(ctx context.Context, campaign string, epoch int64,
	decide func(OpenAttempt) (cdr.Record, Next),
) (n int, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return 0, err
	}
	owner, err := s.Ownership(ctx, campaign)
	if err != nil {
		return 0, err
	}
	if owner.Epoch != epoch || owner.Boot == "" || owner.Node == s.node && owner.Boot != s.boot {
		return 0, fmt.Errorf("%w: epoch %d, not %d", ErrFenced, owner.Epoch, epoch)
	}
	dead, err := s.deadAttempts(ctx, sp, campaign, owner.Boot == s.boot)
	if err != nil {
		return 0, err
	}
	for at := 0; at < len(dead); at += deliverBatch {
		ended, err := s.recoverBatch(ctx, sp, dead[at:min(at+deliverBatch, len(dead))], decide)
		n += ended
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// deadAttempts lists the open attempts of dead processes, then those that only the
// journal knows: Redis lost their start. all says that they may be another node's.
func (s *Store) deadAttempts(ctx context.Context, sp space, campaign string, all bool) ([]OpenAttempt, error) {
	alive, err := s.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	since, awayErr := s.Status()
	trusted := all && awayErr == nil && time.Since(since) >= s.nodeLease && time.Since(s.doubted()) >= s.nodeLease

	left := make(map[string]cdr.Record)
	s.leftMu.Lock()
	for id, rec := range s.left {
		if rec.Campaign == campaign {
			left[id] = rec
		}
	}
	s.leftMu.Unlock()

	var dead []OpenAttempt
	known := make(map[string]bool)
	for _, key := range []string{"attempts", "calls_in"} {
		err := s.eachOpen(ctx, sp.key(key), func(id string, open *openAttempt) {
			known[id] = true
			if alive[open.Node] == open.Boot || open.Node != s.node && !trusted ||
				s.outbox.has(id) { // its true end is on the way
				return
			}
			if rec, ok := left[id]; ok {
				open.Record = rec
			}
			dead = append(dead, OpenAttempt{Record: open.Record, Boot: open.Boot})
		})
		if err != nil {
			return nil, err
		}
	}
	for id, rec := range left {
		if !known[id] {
			dead = append(dead, OpenAttempt{Record: rec})
		}
	}
	return dead, nil
}

// eachOpen calls do for each open attempt of a hash, once.
func (s *Store) eachOpen(ctx context.Context, key string, do func(id string, open *openAttempt)) error {
	known := make(map[string]bool)
	for cursor := uint64(0); ; {
		short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
		fields, next, err := s.redis.HScan(short, key, cursor, "", page).Result()
		cancel()
		if err := s.outcome(ctx, err); err != nil {
			return err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			id := fields[i]
			if known[id] { // a scan may tell it twice
				continue
			}
			known[id] = true
			var open openAttempt
			if err := json.Unmarshal([]byte(fields[i+1]), &open); err != nil {
				s.log.Error("an open attempt cannot be read", "attempt", id, "err", err)
				continue
			}
			do(id, &open)
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// OpenAttempts lists the attempts that a process has begun and whose ends Redis does not
// know, as they were when they began.
func (s *Store) OpenAttempts(ctx context.Context, campaign, boot string) (recs []cdr.Record, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	if err := s.reachable(); err != nil {
		return nil, err
	}
	err = s.eachOpen(ctx, sp.key("attempts"), func(_ string, open *openAttempt) {
		if open.Boot == boot {
			recs = append(recs, open.Record)
		}
	})
	return recs, err
}

// recoverBatch ends attempts in one round trip. Nothing is journaled: until Redis
// has an end, the attempt stays open there and the next Recover finds it.
func (s *Store) recoverBatch(ctx context.Context, sp space, batch []OpenAttempt,
	decide func(OpenAttempt) (cdr.Record, Next),
) (n int, err error) {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].Record.LeadID
	}
	leads, err := s.fetchLeads(ctx, sp, ids)
	if err != nil {
		return 0, err
	}
	ends := make([]ending, len(batch))
	for i, open := range batch {
		open.Lead = leads[i].Lead
		rec, next := decide(open)
		rec.ID, rec.Campaign, rec.LeadID = open.Record.ID, open.Record.Campaign, open.Record.LeadID
		rec.Node = s.node // who wrote the record
		kind := endFinish
		if rec.Direction == cdr.In {
			kind = endIn
		}
		ends[i] = ending{Kind: kind, Record: rec, Next: next}
	}
	if err := errors.Join(s.settle(ctx, ends)...); err != nil {
		return 0, err
	}
	calls := make([]call, len(ends))
	for i, e := range ends {
		if calls[i], err = s.endCall(e); err != nil {
			return 0, err
		}
	}
	answers, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return 0, err
	}
	var ended []cdr.Record
	for i, open := range batch {
		if errs[i] != nil {
			err = errs[i]
			continue
		}
		ended = append(ended, open.Record)
		id := open.Record.ID
		if answers[i] == "written" {
			n++
			s.log.Warn("an interrupted attempt was ended", "attempt", id, "lead", open.Record.LeadID)
		}
		s.leftMu.Lock()
		if _, ok := s.left[id]; ok {
			delete(s.left, id)
			s.journal.Done(id)
		}
		s.leftMu.Unlock()
	}
	s.callsEnded(ctx, ended)
	return n, err
}
