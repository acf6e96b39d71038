package store

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
	"ringpace/pacing/ledger"
)

// recoverySlack is how long after the node lease a dead node's attempts are ended at the
// latest: until then its reservation of abandonments stands.
const recoverySlack = 5 * time.Second

func openLedger(cfg Config, client redis.UniversalClient) (*ledger.Ledger, error) {
	return ledger.Open(ledger.Config{
		Redis: client, Node: cfg.Node, Boot: cfg.Boot, Dir: cfg.JournalDir, Campaign: cfg.Campaign,
		Timeout: cfg.Timeout, Lease: cfg.NodeLease + recoverySlack, Logger: cfg.Logger,
	})
}

// Ledger returns the counts of answered and abandoned calls. Whoever has a call tells them
// what becomes of it as it happens. The store settles them itself before it delivers the end
// of an attempt, and before it ends one of a dead process: after a crash between the two
// both are repeated, and count once.
func (s *Store) Ledger() *ledger.Ledger { return s.ledger }

// countsAs is what a record says of an answered call; false where nobody answered.
func countsAs(rec *cdr.Record) (ledger.Verdict, bool) {
	if rec.Direction == cdr.In {
		return "", false
	}
	switch rec.Outcome {
	case cdr.Person:
		return ledger.Reached, true
	case cdr.Abandoned:
		return ledger.Abandoned, true
	case cdr.Machine, cdr.Screened, cdr.Fax, cdr.Silence:
		if rec.Bridged() {
			return ledger.Machine, true
		}
		return ledger.Detected, true
	case cdr.Interrupted:
		switch {
		case !rec.Marks.AgentAudio.IsZero():
			return ledger.Reached, true
		case !rec.Marks.Answered.IsZero():
			return ledger.Abandoned, true
		}
		return ledger.Interrupted, true // the node that died may have told more
	}
	return "", false
}

// settle counts what became of the attempts that have these ends. Its errors are theirs, in
// order; those that have one must not be delivered yet.
func (s *Store) settle(ctx context.Context, ends []ending) []error {
	errs := make([]error, len(ends))
	var entries []ledger.Entry
	var of []int
	for i := range ends {
		rec := &ends[i].Record
		if v, ok := countsAs(rec); ok && ends[i].Kind == endFinish {
			entries = append(entries, ledger.Entry{
				Campaign: rec.Campaign, Attempt: rec.ID, Verdict: v, Answered: rec.Marks.Answered,
			})
			of = append(of, i)
		}
	}
	if len(entries) == 0 {
		return errs
	}
	if err := s.reachable(); err != nil {
		for _, i := range of {
			errs[i] = err
		}
		return errs
	}
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	for i, err := range s.ledger.Settle(short, entries...) {
		if !errors.Is(err, ledger.ErrCount) && !errors.Is(err, ledger.ErrClock) {
			err = s.outcome(ctx, err)
		}
		errs[of[i]] = err
	}
	return errs
}
