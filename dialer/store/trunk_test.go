package store

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// allot asks for one node's share of one trunk.
func allot(t *testing.T, s *Store, w TrunkWant) Allotment {
	t.Helper()
	got, err := s.Allot(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestTrunkIsSharedFairly(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		nodes := []*Store{b.open(t, Config{}), b.open(t, Config{}), b.open(t, Config{})}
		trunk, limits := name("trunk"), TrunkLimits{Channels: 10}
		ask := func(node, want int) int {
			t.Helper()
			got := allot(t, nodes[node], TrunkWant{trunk, want, 5, limits})
			if got.Dials != 5 {
				t.Errorf("%d dials without a limit, want 5", got.Dials)
			}
			return got.Channels
		}
		if got := ask(0, 100); got != 10 {
			t.Errorf("alone: %d channels, want all", got)
		}
		share := nodes[0].Trunk(trunk)
		for range 8 {
			if ok, _ := share.TryTake(); !ok {
				t.Fatal("a channel was refused")
			}
		}
		if got := ask(1, 100); got != 0 {
			t.Errorf("second: %d channels while the first holds all", got)
		}
		if got := ask(0, 100); got != 5 { // no new call until three have ended
			t.Errorf("first: %d channels, want its half", got)
		}
		if got := ask(1, 100); got != 2 { // what the first's calls leave
			t.Errorf("second: %d channels, want 2", got)
		}
		for range 8 {
			share.Release()
		}
		if got := ask(0, 100); got != 5 {
			t.Errorf("first: %d channels, want its half", got)
		}
		if got := ask(1, 100); got != 5 {
			t.Errorf("second: %d channels, want its half", got)
		}
		if got := ask(2, 1); got != 0 {
			t.Errorf("third: %d channels, want to wait", got)
		}
		ask(0, 100) // gives way, and so does the second
		ask(1, 100)
		ask(2, 1)
		sum := ask(0, 100) + ask(1, 100) + ask(2, 1)
		if sum != 10 || ask(2, 1) != 1 {
			t.Errorf("%d channels in all, the third %d; want 10 and 1", sum, ask(2, 1))
		}
		if got := ask(0, 0); got != 0 {
			t.Errorf("%d channels for a node that wants none", got)
		}
	})
}

// Whatever the nodes ask for and whenever they die, the channels that they hold
// never pass the limit.
func TestTrunkLimitHoldsOverAllNodes(t *testing.T) {
	b := backend{url: servers.real}
	const limit, nodes = 23, 4
	var stores []*Store
	for range nodes {
		stores = append(stores, b.open(t, Config{}))
	}
	trunk := name("trunk")
	random := rand.New(rand.NewPCG(1, 2))
	held := make([]int, nodes)
	for step := range 2000 {
		n := random.IntN(nodes)
		share := stores[n].Trunk(trunk)
		switch random.IntN(3) {
		case 0:
			got := allot(t, stores[n], TrunkWant{trunk, random.IntN(limit + 5), 0, TrunkLimits{Channels: limit}})
			held[n] = max(got.Channels, share.Used())
		case 1:
			_, _ = share.TryTake()
		case 2:
			if share.Used() > 0 {
				share.Release()
			}
		}
		sum, used := 0, 0
		for i, s := range stores {
			sum += held[i]
			used += s.Trunk(trunk).Used()
		}
		if sum > limit || used > limit {
			t.Fatalf("step %d: %d channels held, %d used, limit %d", step, sum, used, limit)
		}
	}
}

// A node that is heard of no more keeps for a while what its calls were using.
func TestShareOfADeadNodeLapses(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		sp, err := trunkSpace(name("trunk"))
		if err != nil {
			t.Fatal(err)
		}
		ask := func(node string, want, used int, lapse, grace time.Duration) int64 {
			t.Helper()
			answer, err := s.run(t.Context(), s.scripts.allot, sp.keys("shares", "slot"),
				node, want, used, 0, 10, "0", lapse.Milliseconds(), grace.Milliseconds(), 1500)
			if err != nil {
				t.Fatal(err)
			}
			return answer.([]any)[0].(int64)
		}
		const soon = 50 * time.Millisecond
		if got := ask("dies", 10, 4, soon, time.Hour); got != 10 {
			t.Fatalf("%d channels", got)
		}
		waitFor(t, "its free channels", func() bool { return ask("lives", 10, 0, time.Minute, time.Hour) == 6 })
		waitFor(t, "the grace to end", func() bool { return ask("lives", 10, 0, time.Minute, soon) == 10 })
	})
}

// Calls per second hold over all nodes: slots that were given never overlap.
func TestSlotsOverAllNodes(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		stores := []*Store{b.open(t, Config{}), b.open(t, Config{})}
		trunk := name("trunk")
		began := time.Now()
		total := 0
		for i := range 40 {
			s := stores[i%2]
			got := allot(t, s, TrunkWant{trunk, 100, 30, TrunkLimits{CPS: 20}})
			total += got.Dials
			if most := int(20*(time.Since(began)+slotsAhead).Seconds()) + 1; total > most {
				t.Fatalf("%d slots after %v, want at most %d", total, time.Since(began), most)
			}
		}
		if total < 20 {
			t.Errorf("%d slots, want a second's at least", total)
		}
	})
}

func TestShareSpacesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share := new(TrunkShare)
		if ok, _ := share.TryTake(); ok {
			t.Error("took from an empty share")
		}
		if n, _ := share.Startable(); n != math.MaxInt {
			t.Errorf("%d may start without a limit", n)
		}
		grant := grant{channels: 4, lapse: time.Now().Add(5 * time.Second), slots: 3, first: time.Now(), gap: 100 * time.Millisecond}
		share.fill(grant)
		var at []time.Duration
		began := time.Now()
		for {
			ok, wait := share.TryTake()
			if !ok && wait == 0 {
				break
			}
			if ok {
				at = append(at, time.Since(began))
			}
			time.Sleep(wait) // virtual
		}
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}
		if len(at) != 3 || at[0] != want[0] || at[1] != want[1] || at[2] != want[2] {
			t.Errorf("calls at %v, want %v", at, want)
		}

		// Late calls keep their distance, and slots that are too old are lost.
		share.fill(later(grant, time.Now(), 10))
		time.Sleep(500 * time.Millisecond) // virtual
		if ok, _ := share.TryTake(); !ok {
			t.Error("a late slot was refused")
		}
		if ok, wait := share.TryTake(); ok || wait != 0 {
			t.Errorf("took channel 5 of 4: %v, wait %v", ok, wait)
		}
		share.Release()
		if n, wait := share.Startable(); n != 0 || wait != 100*time.Millisecond {
			t.Errorf("%d may start, wait %v", n, wait)
		}
		if ok, wait := share.TryTake(); ok || wait != 100*time.Millisecond {
			t.Errorf("no distance: %v, wait %v, want 100ms", ok, wait)
		}
		if share.Used() != 3 || share.Free() != 1 {
			t.Errorf("used %d, free %d", share.Used(), share.Free())
		}
		time.Sleep(3 * time.Second) // virtual
		if ok, _ := share.TryTake(); ok {
			t.Error("took a slot of long ago")
		}
		grant.gap, grant.lapse = 0, time.Now().Add(time.Second)
		share.fill(grant) // no limit of calls per second
		if ok, _ := share.TryTake(); !ok {
			t.Error("refused")
		}
		time.Sleep(time.Second) // virtual
		if ok, _ := share.TryTake(); ok || share.Free() != 0 {
			t.Error("took from a share that has lapsed")
		}
	})
}

func later(g grant, first time.Time, slots int) grant {
	g.first, g.slots = first, slots
	return g
}

func TestShareIsExact(t *testing.T) {
	share := new(TrunkShare)
	share.fill(grant{channels: 50, lapse: time.Now().Add(time.Hour)})
	var all sync.WaitGroup
	var mu sync.Mutex
	up, most := 0, 0
	for range 8 {
		all.Go(func() {
			for range 500 {
				for range 10 {
					if ok, _ := share.TryTake(); ok {
						mu.Lock()
						up++
						most = max(most, up)
						mu.Unlock()
					}
				}
				for range 5 {
					mu.Lock()
					if up > 0 {
						up--
						share.Release()
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if most > 50 || share.Used() != up {
		t.Errorf("%d calls at once of 50, %d used of %d", most, share.Used(), up)
	}
	defer func() {
		if recover() == nil {
			t.Error("a channel too many was released without a word")
		}
	}()
	for range 51 {
		share.Release()
	}
}
