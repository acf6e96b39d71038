package store

import (
	"slices"
	"testing"
	"time"
)

func TestOwnership(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		ctx := t.Context()
		nodeA, dirA := name("a"), t.TempDir()
		a := b.open(t, Config{Node: nodeA, JournalDir: dirA})
		other := b.open(t, Config{})
		campaign := name("campaign")

		o, err := a.Ownership(ctx, campaign)
		if err != nil || o.Node != "" || o.Desired != Stopped {
			t.Errorf("of a new campaign: %+v, %v", o, err)
		}
		if err := a.SetDesired(ctx, campaign, Running); err != nil {
			t.Fatal(err)
		}
		epoch, err := a.Acquire(ctx, campaign, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := a.Acquire(ctx, campaign, time.Minute); again != epoch || err != nil {
			t.Errorf("acquired again: %d, %v, want %d", again, err, epoch)
		}
		_, err = other.Acquire(ctx, campaign, time.Minute)
		wantErr(t, err, ErrOwned)
		if lost, err := other.Renew(ctx, time.Minute, campaign); err != nil || !slices.Equal(lost, []string{campaign}) {
			t.Errorf("another's renewal: lost %v, %v", lost, err)
		}
		if err := other.Release(ctx, campaign); err != nil { // is no harm
			t.Error(err)
		}
		if lost, err := a.Renew(ctx, time.Minute, campaign); err != nil || len(lost) != 0 {
			t.Errorf("renewal: lost %v, %v", lost, err)
		}
		o, err = other.Ownership(ctx, campaign)
		if err != nil || o.Node != nodeA || o.Boot != a.Boot() || o.Epoch != epoch || o.Desired != Running ||
			time.Until(o.Until) < 30*time.Second {
			t.Errorf("ownership %+v, %v", o, err)
		}

		// After a crash the node takes its campaign up at once.
		if err := a.journal.Close(); err != nil { // gives the lock up, as death does
			t.Fatal(err)
		}
		reborn := b.open(t, Config{Node: nodeA, JournalDir: dirA})
		next, err := reborn.Acquire(ctx, campaign, 50*time.Millisecond)
		if err != nil || next <= epoch {
			t.Fatalf("reborn: %d, %v, want more than %d", next, err, epoch)
		}
		epoch = next
		a.cancel() // the dead one beats no more
		a.running.Wait()
		a.close.Do(func() {
			a.ledger.Close()
			a.redis.Close()
		})

		// A lease that nobody renews goes to whoever asks.
		waitFor(t, "the lease to lapse", func() bool {
			next, err = other.Acquire(ctx, campaign, time.Minute)
			return err == nil
		})
		if next <= epoch {
			t.Errorf("epoch %d, want more than %d", next, epoch)
		}
		if lost, err := reborn.Renew(ctx, time.Minute, campaign); err != nil || len(lost) != 1 {
			t.Errorf("renewal of a lost lease: lost %v, %v", lost, err)
		}
		names, err := other.Campaigns(ctx)
		if err != nil || !slices.Contains(names, campaign) {
			t.Errorf("campaigns %v, %v", names, err)
		}
	})
}

// A lease that lapsed while Redis or the node hung is renewed if nobody took it.
func TestLateRenewal(t *testing.T) {
	s, err := OpenEmbedded(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	epoch, err := s.Acquire(t.Context(), "c", time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lease to lapse", func() bool {
		o, err := s.Ownership(t.Context(), "c")
		return err == nil && time.Now().After(o.Until)
	})
	if lost, err := s.Renew(t.Context(), time.Minute, "c"); err != nil || len(lost) != 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
	if o, err := s.Ownership(t.Context(), "c"); err != nil || o.Epoch != epoch {
		t.Errorf("%+v, %v", o, err)
	}
	if lost, err := s.Renew(t.Context(), time.Minute); lost != nil || err != nil {
		t.Errorf("of none: %v, %v", lost, err)
	}
}

func TestSecondProcessOfANode(t *testing.T) {
	b := backend{url: servers.real}
	node := name("node")
	first := b.open(t, Config{Node: node})
	second := b.open(t, Config{Node: node})
	waitFor(t, "the first to see that it was replaced", func() bool { return !first.Up() })
	_, away := first.Status()
	wantErr(t, away, ErrNodeTaken)
	_, err := first.Campaigns(t.Context())
	wantErr(t, err, ErrAway)
	if !second.Up() {
		t.Error("the second is not up")
	}
}
