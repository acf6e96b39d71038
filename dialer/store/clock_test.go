package store

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// clocked is a Redis whose clock stands where it is put.
func clocked(t *testing.T) (*miniredis.Miniredis, backend) {
	mini := miniredis.RunT(t)
	return mini, backend{url: "redis://" + mini.Addr()}
}

// TestSkew holds that a node knows by how much its clock and that of Redis differ.
func TestSkew(t *testing.T) {
	mini, b := clocked(t)
	s := b.open(t, Config{})
	if skew := s.Skew().Abs(); skew > patience {
		t.Errorf("%v at first", skew)
	}
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		mini.SetTime(time.Now().Add(step))
		waitFor(t, "the step to be known", func() bool { return (s.Skew() + step).Abs() < patience })
	}
}

// TestClockSetForwardBuriesNobody holds that the calls of a living node are not ended as those
// of a dead one where the clock of Redis was set beyond all leases, and that those of a
// dead one are, a lease later.
func TestClockSetForwardBuriesNobody(t *testing.T) {
	const lease = 2 * time.Second
	mini, b := clocked(t)
	now := time.Now()
	mini.SetTime(now)
	lives := newFloor(t, b.open(t, Config{NodeLease: time.Hour}))
	lives.add(person(1))
	lives.mustStart(lives.claim(1)[0])
	if err := lives.s.Release(t.Context(), lives.campaign); err != nil {
		t.Fatal(err)
	}
	die(t, lives.s) // as far as beats go: its next one is not due yet
	f := &floor{t: t, s: b.open(t, Config{NodeLease: lease}), campaign: lives.campaign}
	f.acquire()
	long := func() bool { since, away := f.s.Status(); return away == nil && time.Since(since) > lease }
	waitFor(t, "the second node to have been there for long", long)
	if n := f.recover(); n != 0 {
		t.Fatalf("%d ended before the clock was set", n)
	}
	set := time.Now()
	mini.SetTime(now.Add(2 * time.Hour))
	waitFor(t, "the second node's beat", func() bool { _, err := f.s.Nodes(t.Context()); return err == nil })
	n := f.recover()
	if n != 0 && time.Since(set) < lease {
		t.Errorf("%d ended as soon as the clock was set", n)
	}
	if !long() {
		t.Error("the second node was away")
	}
	for n == 0 {
		waitFor(t, "a lease to go by", func() bool { return time.Since(f.s.doubted()) >= lease })
		n = f.recover()
	}
	if n != 1 || time.Since(set) < lease {
		t.Errorf("%d ended after %v", n, time.Since(set))
	}
}

// TestClockSetBackLeavesTrunks holds that calls start, and that shares of dead nodes come
// back, where the clock of Redis was set back by an hour since slots and shares were given.
func TestClockSetBackLeavesTrunks(t *testing.T) {
	mini, b := clocked(t)
	now := time.Now()
	mini.SetTime(now)
	trunk := name("trunk")
	want := TrunkWant{trunk, 10, 5, TrunkLimits{Channels: 10, CPS: 5}}
	dies, lives := b.open(t, Config{}), b.open(t, Config{})
	if got := allot(t, dies, want); got.Channels != 10 || got.Dials == 0 {
		t.Fatalf("allotted %+v", got)
	}
	mini.SetTime(now.Add(-time.Hour))
	if got := allot(t, lives, want); got.Channels != 0 || got.Dials == 0 {
		t.Errorf("right after the clock was set back: %+v", got)
	}
	mini.SetTime(now.Add(-time.Hour + shareLapse + shareGrace))
	if got := allot(t, lives, want); got.Channels != 10 || got.Dials == 0 {
		t.Errorf("when the other node's share has lapsed: %+v", got)
	}
}
