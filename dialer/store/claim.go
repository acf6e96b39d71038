package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/lead"
)

// Leads that one Claim takes back or finds due, at most: some milliseconds of
// Redis' time. The rest follow with the next.
const promoteMost = 500

// Claim takes up to n due leads, best first (priority, then due time, then order of
// import), in one round trip. Of one priority those that first names, by their ids, go before
// the others, in its order; ids of leads that are not due are passed over. A claim ends with
// StartAttempt, Unclaim or Skip; else it lapses after the lease and the lead is ready again.
// ErrFenced.
func (s *Store) Claim(ctx context.Context, campaign string, epoch int64, n int, lease time.Duration, first ...string) ([]lead.Lead, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	args := []any{epoch, n, lease.Milliseconds(), sp.lead(""), promoteMost}
	for _, id := range first {
		args = append(args, id)
	}
	answer, err := s.run(ctx, s.scripts.claim, sp.keys("campaign", "waiting", "ready", "claimed"), args...)
	if err != nil {
		return nil, err
	}
	return parseLeads(answer)
}

// Peek reads up to n leads that Claim would take next where none are named, in their order, in
// one round trip. None is claimed; one that has just come due may be missing.
func (s *Store) Peek(ctx context.Context, campaign string, n int) ([]lead.Lead, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	answer, err := s.run(ctx, s.scripts.peek, sp.keys("ready"), n, sp.lead(""))
	if err != nil {
		return nil, err
	}
	return parseLeads(answer)
}

// Turn is how many leads Claim would take before one where none are named; false where it is
// not ready.
func (s *Store) Turn(ctx context.Context, campaign, id string) (before int, ready bool, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return 0, false, err
	}
	answer, err := s.run(ctx, s.scripts.turn, []string{sp.key("ready"), sp.lead(id)}, id)
	if errors.Is(err, redis.Nil) {
		return 0, false, nil
	}
	n, ready := answer.(int64)
	return int(n), ready, err
}

// parseLeads reads the rows of leads that are there.
func parseLeads(answer any) ([]lead.Lead, error) {
	rows, _ := answer.([]any)
	leads := make([]lead.Lead, 0, len(rows))
	for _, row := range rows {
		status, err := parseLead(flatMap(row))
		if err != nil {
			return nil, err
		}
		if status.Lead.ID != "" {
			leads = append(leads, status.Lead)
		}
	}
	return leads, nil
}

// Deferral puts a claimed lead off.
type Deferral struct {
	LeadID string
	Due    time.Time // zero: at once
	Reason string    // shown by Lead
}

// Unclaim gives claimed leads back: a gate put them off, or they are not needed. It
// is no attempt. Leads that are not claimed under epoch are passed over.
func (s *Store) Unclaim(ctx context.Context, campaign string, epoch int64, leads ...Deferral) error {
	if len(leads) == 0 {
		return nil
	}
	sp, err := campaignSpace(campaign)
	if err != nil {
		return err
	}
	args := []any{epoch, sp.lead("")}
	for _, d := range leads {
		args = append(args, d.LeadID, millis(d.Due), d.Reason)
	}
	if _, err := s.run(ctx, s.scripts.unclaim, sp.keys("waiting", "ready", "claimed"), args...); err != nil {
		return fmt.Errorf("unclaim: %w", err)
	}
	return nil
}

// flatMap reads a script's list of fields and values.
func flatMap(answer any) map[string]string {
	list, _ := answer.([]any)
	m := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		value, _ := list[i+1].(string)
		m[name] = value
	}
	return m
}
