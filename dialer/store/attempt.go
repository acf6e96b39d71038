package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// Start is an attempt about to be made.
type Start struct {
	ID       string // ULID
	Campaign string
	Epoch    int64
	Lead     lead.Lead // as claimed
	Number   string    // the number to dial
	Today    int       // attempts on the callee's day, with this one
	// Grant is the Granted.Seq by which a process dials that does not own the campaign; 0 where
	// none is needed.
	Grant int64
	// MostAbandoned, unless nil, is how many of today's calls may have been abandoned: with
	// more it would not have been decided to dial.
	MostAbandoned *int
	Record        cdr.Record // what is known so far (trunk, caller ID, marks); the fields above are filled in
}

// openAttempt is what Redis keeps of an attempt until it ends.
type openAttempt struct {
	Node   string     `json:"node"`
	Boot   string     `json:"boot"`
	Epoch  int64      `json:"epoch"`
	Record cdr.Record `json:"record"`
}

// StartAttempt is the one round trip before an INVITE. If it returns no error the
// attempt is recorded and counted, and must end in Finish. Else nothing may be
// dialed: ErrLeadChanged and ErrLeadWithdrawn (the claim is gone), ErrDoNotCall (the
// lead stays claimed: Skip it), ErrStopped, ErrCalling, ErrUngranted and ErrCredit (the same:
// Unclaim it), ErrFenced, ErrUnclaimed, ErrAway. Where the answer
// was lost, the store itself sees to it that the attempt is taken back. Calling it
// again with the same id while the attempt is open gives the same ordinal.
func (s *Store) StartAttempt(ctx context.Context, start Start) (ordinal int, err error) {
	sp, err := campaignSpace(start.Campaign)
	if err != nil {
		return 0, err
	}
	rec := start.Record
	rec.ID, rec.Campaign, rec.LeadID = start.ID, start.Campaign, start.Lead.ID
	rec.List, rec.Number, rec.Node = start.Lead.List, start.Number, s.node
	rec.Ordinal = start.Lead.Attempts + 1
	text, err := json.Marshal(openAttempt{s.node, s.boot, start.Epoch, rec})
	if err != nil {
		return 0, fmt.Errorf("store: attempt %s: %w", start.ID, err)
	}
	if err := s.reachable(); err != nil {
		return 0, err
	}
	today, _ := s.ledger.Today(start.Campaign)
	keys := []string{
		sp.key("campaign"), sp.lead(start.Lead.ID), sp.key("claimed"), sp.key("attempts"), sp.key("counters"),
		sp.key("dnc"), sp.key("dnc:prefix"), sp.key("dnc:all"), sp.key("dnc:all:prefix"),
		sp.key("calling"), sp.key("grants"), today,
	}
	grant, most := "", ""
	if start.Grant != 0 {
		grant = strconv.FormatInt(start.Grant, 10)
	}
	if start.MostAbandoned != nil {
		most = strconv.Itoa(*start.MostAbandoned)
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	ordinal, err = s.scripts.start.Run(short, s.redis, keys,
		start.ID, start.Lead.ID, start.Lead.Version, start.Epoch, start.Number, start.Today, text, s.boot, grant, most).Int()
	if err != nil {
		if ambiguous(err) {
			s.takeBack(rec)
		}
		err = s.outcome(ctx, err)
		if errors.Is(err, ErrCalling) {
			s.forgetOver(ctx, sp, append([]string{start.Number}, start.Lead.Numbers...))
		}
		return 0, err
	}
	s.live.put(start.ID, liveAttempt{sp, start.Lead.ID, ordinal, start.Today, text, time.Now()})
	return ordinal, nil
}

// Reroute notes that a started attempt goes on over another trunk: the one round trip
// before its next INVITE. rec is the whole record so far, with that trunk. On an
// error nothing may be sent, and the attempt ends in Finish: ErrLeadWithdrawn,
// ErrDoNotCall and ErrCalling where that came about since the start, ErrUnclaimed where the attempt
// is not known, ErrAway.
func (s *Store) Reroute(ctx context.Context, rec cdr.Record) error {
	sp, err := campaignSpace(rec.Campaign)
	if err != nil {
		return err
	}
	text, err := s.live.reroute(rec)
	if err != nil {
		return fmt.Errorf("store: attempt %s: %w", rec.ID, err)
	}
	keys := append([]string{sp.lead(rec.LeadID)}, sp.keys("attempts", "dnc", "dnc:prefix", "dnc:all", "dnc:all:prefix", "calling")...)
	_, err = s.run(ctx, s.scripts.reroute, keys, rec.ID, rec.Number, text)
	return err
}

// Progress notes on the local disk how far a live attempt has come, so that its
// record tells it even if this process dies. rec is the whole record so far. It waits
// for nothing.
func (s *Store) Progress(rec cdr.Record) error {
	text, err := json.Marshal(finite(rec))
	if err != nil {
		return fmt.Errorf("store: attempt %s: %w", rec.ID, err)
	}
	if err := s.journal.Mark(rec.ID, text); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
