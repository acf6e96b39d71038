package store

import (
	"errors"
	"testing"
	"time"
)

// TestLivingNameIsNotTaken holds that a process which comes by the name of one that
// lives is told so, and that one which died gives way soon.
func TestLivingNameIsNotTaken(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node := name("node")
		living := b.open(t, Config{Node: node})
		second, err := Open(t.Context(), Config{
			URL: b.url, scriptHead: b.head, Node: node, JournalDir: t.TempDir(), Timeout: 5 * time.Second, Takeover: 2500 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := second.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		if err := second.Join(t.Context()); !errors.Is(err, ErrNodeTaken) {
			t.Errorf("error %v, want ErrNodeTaken", err)
		}
		if second.Up() || !living.Up() {
			t.Errorf("the second is up: %v, the first: %v", second.Up(), living.Up())
		}
	})
}

// TestNewEpochFreesClaims holds that what the owner before had claimed can be claimed
// at once, and that a lapsed claim counts as ready meanwhile.
func TestNewEpochFreesClaims(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node := name("node")
		f := newFloor(t, b.open(t, Config{Node: node}))
		f.add(person(1), person(2))
		if got := f.claim(2); len(got) != 2 {
			t.Fatalf("claimed %d leads", len(got))
		}
		next := b.open(t, Config{Node: node})
		epoch, err := next.Acquire(t.Context(), f.campaign, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := next.LeadCounts(t.Context(), f.campaign)
		if err != nil || counts[Ready] != 2 || counts[Claimed] != 0 {
			t.Errorf("counts %v, %v", counts, err)
		}
		if got, err := next.Claim(t.Context(), f.campaign, epoch, 2, time.Minute); err != nil || len(got) != 2 {
			t.Errorf("%d leads after the takeover, %v", len(got), err)
		}
	})
}

func TestInitDesired(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s, campaign := b.open(t, Config{}), name("campaign")
		for _, step := range []struct {
			do   func() error
			want Desired
		}{
			{func() error { return s.InitDesired(t.Context(), campaign, Running) }, Running},
			{func() error { return s.SetDesired(t.Context(), campaign, Stopped) }, Stopped},
			{func() error { return s.InitDesired(t.Context(), campaign, Running) }, Stopped},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if own, err := s.Ownership(t.Context(), campaign); err != nil || own.Desired != step.want {
				t.Errorf("desired %q, %v; want %q", own.Desired, err, step.want)
			}
		}
	})
}
