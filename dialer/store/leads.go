package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/lead"
)

// State is where a lead stands.
type State string

// The states of a lead.
const (
	Waiting   State = "waiting"   // not due yet
	Ready     State = "ready"     // due
	Claimed   State = "claimed"   // in a node's hands, not dialed
	Dialing   State = "dialing"   // an attempt is open
	Done      State = "done"      // no further attempt
	Withdrawn State = "withdrawn" // never to be dialed again
)

// LeadStatus is a lead and where it stands.
type LeadStatus struct {
	Lead    lead.Lead
	State   State
	Reason  string // why it was put off, if it was
	Attempt string // the open attempt, if there is one
}

const (
	addBatch = 250 // leads in one script: some milliseconds of Redis' time
	addTrip  = 8   // scripts in one round trip
	page     = 500 // leads or records read at once
)

// AddLeads adds leads to a campaign, each at version 1. Those whose id or first
// number the campaign has already are left out and reported by their index. If it
// fails midway, the leads before stay added: adding the same again reports them as
// duplicates.
func (s *Store) AddLeads(ctx context.Context, campaign string, leads []lead.Lead) (added int, duplicates []int, err error) {
	for i := range leads {
		if err := checkLead(&leads[i]); err != nil {
			return 0, nil, fmt.Errorf("lead %d: %w", i, err)
		}
	}
	sp, err := s.enter(ctx, campaign)
	if err != nil {
		return 0, nil, err
	}
	for at := 0; at < len(leads); at += addBatch * addTrip {
		trip := leads[at:min(at+addBatch*addTrip, len(leads))]
		dups, err := s.addTrip(ctx, sp, trip)
		for _, i := range dups {
			duplicates = append(duplicates, at+i)
		}
		if err != nil {
			return added, duplicates, err
		}
		added += len(trip) - len(dups)
	}
	return added, duplicates, nil
}

func (s *Store) addTrip(ctx context.Context, sp space, leads []lead.Lead) (duplicates []int, err error) {
	var calls []call
	for at := 0; at < len(leads); at += addBatch {
		args := []any{sp.lead("")}
		for _, l := range leads[at:min(at+addBatch, len(leads))] {
			text, err := listed(l)
			if err != nil {
				return nil, err
			}
			args = append(args, l.ID, strings.Join(l.Numbers, " "), l.Priority, millis(l.Due), text)
		}
		calls = append(calls, call{s.scripts.add, sp.keys("ids", "numbers", "waiting", "ready", "campaign", "more"), args})
	}
	answers, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return nil, err
	}
	for i, answer := range answers {
		positions, _ := answer.([]any)
		for _, p := range positions {
			n, _ := p.(int64)
			duplicates = append(duplicates, i*addBatch+int(n)-1)
		}
	}
	return duplicates, errors.Join(errs...)
}

// UpdateLead replaces what the list said of a lead; attempts and outcomes stay. Once
// it returns, the lead is not dialed as it was: a claim of it has ended. A lead
// that is being dialed, or is done, stays so, and one that waits for its next attempt
// is not due sooner. A Version other than 0 must be the
// present one (ErrLeadChanged). Also ErrLeadUnknown, ErrLeadWithdrawn, ErrDuplicate.
func (s *Store) UpdateLead(ctx context.Context, campaign string, l lead.Lead) (version int64, err error) {
	if err := checkLead(&l); err != nil {
		return 0, err
	}
	sp, err := campaignSpace(campaign)
	if err != nil {
		return 0, err
	}
	text, err := listed(l)
	if err != nil {
		return 0, err
	}
	keys := append([]string{sp.lead(l.ID)}, sp.keys("numbers", "waiting", "ready", "claimed", "more")...)
	answer, err := s.run(ctx, s.scripts.update, keys,
		l.ID, l.Version, strings.Join(l.Numbers, " "), l.Priority, millis(l.Due), text)
	if err != nil {
		return 0, err
	}
	version, _ = answer.(int64)
	return version, nil
}

// WithdrawLead takes a lead out for good. Once it returns, the lead is not
// dialed; a call that is up goes on. ErrLeadUnknown.
func (s *Store) WithdrawLead(ctx context.Context, campaign, id string) error {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return err
	}
	keys := append([]string{sp.lead(id)}, sp.keys("waiting", "ready", "claimed", "done", "withdrawn")...)
	_, err = s.run(ctx, s.scripts.withdraw, keys, id)
	return err
}

// Lead returns one lead. ErrLeadUnknown.
func (s *Store) Lead(ctx context.Context, campaign, id string) (LeadStatus, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return LeadStatus{}, err
	}
	found, err := s.fetchLeads(ctx, sp, []string{id})
	if err != nil {
		return LeadStatus{}, err
	}
	if found[0].Lead.ID == "" {
		return LeadStatus{}, fmt.Errorf("%w: %s", ErrLeadUnknown, id)
	}
	return found[0], nil
}

// LeadFilter chooses leads; its zero value chooses all.
type LeadFilter struct {
	State State  // "" = any
	List  string // "" = any
}

// Leads yields the leads of a campaign in the order of their import. It reads them
// in pages: leads that change meanwhile come as they were or as they are.
func (s *Store) Leads(ctx context.Context, campaign string, filter LeadFilter) iter.Seq2[LeadStatus, error] {
	return func(yield func(LeadStatus, error) bool) {
		sp, err := campaignSpace(campaign)
		if err != nil {
			yield(LeadStatus{}, err)
			return
		}
		for after := "-inf"; ; {
			ids, last, err := s.leadIDs(ctx, sp, after)
			if err != nil {
				yield(LeadStatus{}, err)
				return
			}
			if len(ids) == 0 {
				return
			}
			after = last
			found, err := s.fetchLeads(ctx, sp, ids)
			if err != nil {
				yield(LeadStatus{}, err)
				return
			}
			for _, l := range found {
				if l.Lead.ID == "" || filter.State != "" && l.State != filter.State ||
					filter.List != "" && l.Lead.List != filter.List {
					continue
				}
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

// leadIDs returns a page of ids after a place in the order of import.
func (s *Store) leadIDs(ctx context.Context, sp space, after string) (ids []string, last string, err error) {
	if err := s.reachable(); err != nil {
		return nil, "", err
	}
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	rows, err := s.redis.ZRangeByScoreWithScores(short, sp.key("ids"),
		&redis.ZRangeBy{Min: after, Max: "+inf", Count: page}).Result()
	if err := s.outcome(ctx, err); err != nil {
		return nil, "", err
	}
	for _, row := range rows {
		id, _ := row.Member.(string)
		ids = append(ids, id)
		last = "(" + strconv.FormatFloat(row.Score, 'f', -1, 64)
	}
	return ids, last, nil
}

// fetchLeads reads leads in one round trip; one that is unknown has no ID.
func (s *Store) fetchLeads(ctx context.Context, sp space, ids []string) ([]LeadStatus, error) {
	if err := s.reachable(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	pipe := s.redis.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HGetAll(short, sp.lead(id))
	}
	_, err := pipe.Exec(short)
	if err := s.outcome(ctx, err); err != nil {
		return nil, err
	}
	leads := make([]LeadStatus, len(ids))
	for i, cmd := range cmds {
		if leads[i], err = parseLead(cmd.Val()); err != nil {
			return nil, err
		}
	}
	return leads, nil
}

// LeadCounts counts a campaign's leads by state, leads that have come due or whose
// claim has lapsed as Ready: the next Claim finds them.
func (s *Store) LeadCounts(ctx context.Context, campaign string) (map[State]int, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	if err := s.reachable(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pipe := s.redis.Pipeline()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	due := pipe.ZCount(short, sp.key("waiting"), "-inf", now)
	lapsed := pipe.ZCount(short, sp.key("claimed"), "-inf", now)
	cmds := map[State]*redis.IntCmd{
		Waiting: pipe.ZCard(short, sp.key("waiting")), Ready: pipe.ZCard(short, sp.key("ready")),
		Claimed: pipe.ZCard(short, sp.key("claimed")), Dialing: pipe.HLen(short, sp.key("attempts")),
		Done: pipe.ZCard(short, sp.key("done")), Withdrawn: pipe.ZCard(short, sp.key("withdrawn")),
	}
	_, err = pipe.Exec(short)
	if err := s.outcome(ctx, err); err != nil {
		return nil, err
	}
	counts := make(map[State]int, len(cmds))
	for state, cmd := range cmds {
		counts[state] = int(cmd.Val())
	}
	counts[Waiting] -= int(due.Val())
	counts[Claimed] -= int(lapsed.Val())
	counts[Ready] += int(due.Val() + lapsed.Val())
	return counts, nil
}

func checkLead(l *lead.Lead) error {
	switch {
	case l.ID == "" || strings.ContainsAny(l.ID, "\r\n"):
		return fmt.Errorf("%w: id %q", ErrLead, l.ID)
	case len(l.Numbers) == 0 || slices.ContainsFunc(l.Numbers, func(n string) bool { return n == "" || strings.Contains(n, " ") }):
		return fmt.Errorf("%w: %s has no number", ErrLead, l.ID)
	}
	return nil
}

// listed is the part of a lead that its list gives, in JSON; the rest are fields of
// their own.
func listed(l lead.Lead) ([]byte, error) {
	l.Version, l.Attempts, l.Today, l.LastTry, l.Outcomes, l.Dead, l.Callback = 0, 0, 0, time.Time{}, nil, nil, lead.Callback{}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLead, l.ID, err)
	}
	return text, nil
}

// parseLead reads a lead's hash. Without the field "lead" there is no lead.
func parseLead(f map[string]string) (LeadStatus, error) {
	text, ok := f["lead"]
	if !ok {
		return LeadStatus{}, nil
	}
	s := LeadStatus{State: State(f["state"]), Reason: f["why"], Attempt: f["attempt"]}
	l := &s.Lead
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return LeadStatus{}, fmt.Errorf("store: lead in redis: %w", err)
	}
	l.Priority, _ = strconv.Atoi(f["prio"]) // a callback may have raised it
	l.Version, _ = strconv.ParseInt(f["v"], 10, 64)
	l.Attempts, _ = strconv.Atoi(f["n"])
	l.Today, _ = strconv.Atoi(f["today"])
	l.Due, l.LastTry = instant(f["due"]), instant(f["last"])
	l.Dead = strings.Fields(f["dead"])
	l.Callback = lead.Callback{Asked: instant(f["asked"]), Number: f["asks"]}
	for name, value := range f {
		if outcome, ok := strings.CutPrefix(name, "o:"); ok {
			if l.Outcomes == nil {
				l.Outcomes = make(map[string]int)
			}
			l.Outcomes[outcome], _ = strconv.Atoi(value)
		}
	}
	return s, nil
}

// millis is an instant as scripts take it: 0 for the zero time and all before 1970.
func millis(t time.Time) int64 { return max(t.UnixMilli(), 0) }

// instant reads what a script wrote.
func instant(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
