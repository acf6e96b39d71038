package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// actor is a node in the interleaving test, with what its process knows.
type actor struct {
	node, journal string
	s             *Store
	epoch         int64 // that it believes in
	claimed       []lead.Lead
	up            []cdr.Record // its live calls
}

// In whatever order two nodes claim, start, end, die, take over and change leads:
// no lead is lost, none is dialed twice within the retry delay nor as it was before
// a change, and each attempt has one record.
func TestAnyInterleaving(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		seeds := uint64(1)
		if b.url == servers.real {
			seeds = 4 // the fastest
		}
		for seed := range seeds {
			t.Run(fmt.Sprint("seed", seed), func(t *testing.T) { interleave(t, b, seed) })
		}
	})
}

func interleave(t *testing.T, b backend, seed uint64) {
	const leads, steps = 25, 1500
	random := rand.New(rand.NewPCG(seed, 7))
	campaign := name("campaign")
	v := newVerdict(t)
	ctx := t.Context()
	cfg := func(a *actor) Config {
		return Config{Node: a.node, JournalDir: a.journal, NodeLease: 400 * time.Millisecond}
	}
	var actors []*actor
	for range 2 {
		a := &actor{node: name("node"), journal: t.TempDir()}
		a.s = b.open(t, cfg(a))
		actors = append(actors, a)
	}
	if _, _, err := actors[0].s.AddLeads(ctx, campaign, people(leads)); err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]int64) // as the last change left them
	gone := make(map[string]bool)
	deaths := 0

	for range steps {
		a := actors[random.IntN(len(actors))]
		switch random.IntN(20) {
		case 0: // takes the campaign over
			epoch, err := a.s.Acquire(ctx, campaign, 30*time.Millisecond)
			switch {
			case err == nil:
				a.epoch = epoch
				expect(t, errOf(a.s.Recover(ctx, campaign, epoch, interrupt(time.Now().Add(retryDelay)))), ErrFenced, ErrAway)
			case !errors.Is(err, ErrOwned):
				t.Fatal(err)
			}
		case 1:
			_, err := a.s.Recover(ctx, campaign, a.epoch, interrupt(time.Now().Add(retryDelay)))
			expect(t, err, ErrFenced, ErrAway)
		case 2, 3, 4, 5:
			claimed, err := a.s.Claim(ctx, campaign, a.epoch, 1+random.IntN(4), time.Duration(20+random.IntN(200))*time.Millisecond)
			expect(t, err, ErrFenced)
			a.claimed = append(a.claimed, claimed...)
		case 6, 7, 8, 9, 10:
			if len(a.claimed) == 0 {
				continue
			}
			l := a.claimed[0]
			a.claimed = a.claimed[1:]
			rec := cdr.Record{ID: ulid.Make().String(), Campaign: campaign, LeadID: l.ID, Number: l.Number(), Node: a.node}
			ordinal, err := a.s.StartAttempt(ctx, Start{ID: rec.ID, Campaign: campaign, Epoch: a.epoch, Lead: l, Number: rec.Number, Record: rec})
			expect(t, err, ErrFenced, ErrUnclaimed, ErrLeadChanged, ErrLeadWithdrawn)
			if err != nil {
				continue
			}
			rec.Ordinal = ordinal
			v.dialed(rec.ID, l.ID, time.Now())
			if gone[l.ID] || versions[l.ID] > l.Version {
				t.Errorf("lead %s was dialed as it was (version %d, gone %v)", l.ID, l.Version, gone[l.ID])
			}
			a.up = append(a.up, rec)
		case 11, 12, 13, 14:
			if len(a.up) == 0 {
				continue
			}
			rec := a.up[0]
			a.up = a.up[1:]
			rec.Outcome = cdr.Busy
			if err := a.s.Finish(rec, Next{Due: time.Now().Add(retryDelay), Final: random.IntN(60) == 0}); err != nil {
				t.Fatal(err)
			}
		case 15:
			if len(a.up) > 0 {
				if err := a.s.Progress(a.up[0]); err != nil {
					t.Fatal(err)
				}
			}
		case 16: // dies, with all it knows, and comes back
			if random.IntN(3) > 0 {
				continue
			}
			die(t, a.s)
			deaths++
			*a = actor{node: a.node, journal: a.journal}
			a.s = b.open(t, cfg(a))
		case 17:
			id := person(random.IntN(leads)).ID
			st, err := a.s.Lead(ctx, campaign, id)
			if err != nil {
				t.Fatal(err)
			}
			st.Lead.Version, st.Lead.Priority = 0, random.IntN(5)
			version, err := a.s.UpdateLead(ctx, campaign, st.Lead)
			expect(t, err, ErrLeadWithdrawn)
			if err == nil {
				versions[id] = version
			}
		case 18:
			if random.IntN(10) == 0 {
				id := person(random.IntN(leads)).ID
				if err := a.s.WithdrawLead(ctx, campaign, id); err != nil {
					t.Fatal(err)
				}
				gone[id] = true
			}
		case 19:
			if len(a.claimed) > 0 {
				l := a.claimed[0]
				a.claimed = a.claimed[1:]
				if err := a.s.Unclaim(ctx, campaign, a.epoch, Deferral{LeadID: l.ID, Due: l.Due}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}

	// The first node outlives the second, whose calls are cut off.
	a, other := actors[0], actors[1]
	for _, rec := range a.up {
		rec.Outcome = cdr.Person
		if err := a.s.Finish(rec, Next{Due: time.Now().Add(retryDelay)}); err != nil {
			t.Fatal(err)
		}
	}
	die(t, other.s)
	f := &floor{t: t, s: a.s, campaign: campaign}
	f.drain()
	waitFor(t, "the campaign to be free", func() bool {
		epoch, err := a.s.Acquire(ctx, campaign, time.Minute)
		f.epoch = epoch
		return err == nil
	})
	waitFor(t, "all attempts to be ended", func() bool {
		_, err := a.s.Recover(ctx, campaign, f.epoch, interrupt(time.Now()))
		expect(t, err, ErrAway)
		counts, err := a.s.LeadCounts(ctx, campaign)
		return err == nil && counts[Dialing] == 0
	})
	// Ends that the dead one had journaled are repeats now, or written first.
	last := b.open(t, cfg(other))
	(&floor{t: t, s: last, campaign: campaign}).drain()
	v.check(f, leads)
	if len(v.lead) < 10 || deaths == 0 {
		t.Errorf("only %d attempts and %d deaths: the test tests little", len(v.lead), deaths)
	}
}

func errOf(_ int, err error) error { return err }

// expect fails on an error that is none of those.
func expect(t *testing.T, err error, those ...error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, e := range those {
		if errors.Is(err, e) {
			return
		}
	}
	t.Fatal(err)
}
