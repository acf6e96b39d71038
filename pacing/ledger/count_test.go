package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
)

func TestWhatVerdictsCount(t *testing.T) {
	cases := []struct {
		told []Verdict
		want Counts
	}{
		{[]Verdict{Answered}, Counts{Answered: 1}},
		{[]Verdict{Answered, Answered, Reached, Answered, Reached}, Counts{Answered: 1}},
		{[]Verdict{Reached}, Counts{Answered: 1}},
		{[]Verdict{Answered, Abandoned, Abandoned}, Counts{Answered: 1, Abandoned: 1}},
		{[]Verdict{Abandoned, Answered, Machine, Detected}, Counts{Answered: 1, Abandoned: 1}},
		{[]Verdict{Answered, Reached, Machine, Reached}, Counts{Answered: 1, Machine: 1}},
		{[]Verdict{Answered, Detected, Abandoned}, Counts{Answered: 1, Detected: 1}},
		{[]Verdict{Answered, Interrupted, Interrupted}, Counts{Answered: 1, Abandoned: 1}},
		{[]Verdict{Answered, Reached, Interrupted}, Counts{Answered: 1}},
		{[]Verdict{Interrupted}, Counts{}},
		{[]Verdict{Machine, Interrupted}, Counts{Answered: 1, Machine: 1}},
	}
	onEach(t, func(f *floor) {
		a, b := f.node("a"), f.node("b")
		var want Counts
		for _, c := range cases {
			id := call()
			for i, v := range c.told { // whoever tells it
				f.tell([]*Ledger{a, b}[i%2], id, v)
			}
			want = want.plus(c.want)
			if got := f.sums(); got != want {
				f.Fatalf("after %v redis has %+v, want %+v", c.told, got, want)
			}
		}
	})
}

// What Count is told is in the next Sync, without waiting for it.
func TestSyncSeesWhatWasTold(t *testing.T) {
	onEach(t, func(f *floor) {
		l := f.node("a")
		const n = 50
		for i := range n {
			id := call()
			l.Count(Entry{Campaign: f.campaign, Attempt: id, Verdict: Answered})
			if i < 3 {
				l.Count(Entry{Campaign: f.campaign, Attempt: id, Verdict: Abandoned})
			}
		}
		windows, err := l.Sync(f.Context(), f.campaign, 0)
		if err != nil || len(windows) != 2 || windows[1].Answered != n || windows[1].Abandoned != 3 {
			f.Errorf("%+v, %v", windows, err)
		}
	})
}

// Nodes that count at once, each call told several times and by several nodes, lose
// nothing and count nothing twice.
func TestSumsAreExactUnderConcurrency(t *testing.T) {
	onEach(t, func(f *floor) {
		nodes := []*Ledger{f.node("a"), f.node("b"), f.node("c")}
		verdicts := []Verdict{Answered, Reached, Abandoned, Machine, Detected}
		const calls = 60
		var want Counts
		var tellers sync.WaitGroup
		for i := range calls {
			id, last := call(), verdicts[i%len(verdicts)]
			want = want.plus(map[Verdict]Counts{
				Answered: {Answered: 1}, Reached: {Answered: 1}, Abandoned: {Answered: 1, Abandoned: 1},
				Machine: {Answered: 1, Machine: 1}, Detected: {Answered: 1, Detected: 1},
			}[last])
			for _, l := range nodes {
				tellers.Go(func() {
					for _, v := range []Verdict{Answered, last, last} {
						e := Entry{Campaign: f.campaign, Attempt: id, Verdict: v}
						if rand.IntN(2) == 0 {
							l.Count(e)
						} else if err := l.Settle(f.Context(), e)[0]; err != nil {
							f.Error(err)
						}
					}
				})
			}
		}
		tellers.Wait()
		for _, l := range nodes {
			if err := l.counted(f.Context(), f.campaign); err != nil {
				f.Error(err)
			}
		}
		f.wantSums(want)
	})
}

// A process that dies after it counted, and before it delivered the end, leaves the call
// to another that tells it again.
func TestRestartCountsNothingTwice(t *testing.T) {
	onEach(t, func(f *floor) {
		first := f.node("a")
		live, done := call(), call()
		f.tell(first, live, Answered)
		f.tell(first, done, Answered, Reached)
		if err := first.Close(); err != nil {
			f.Fatal(err)
		}
		second := f.node("a", func(c *Config) { c.Boot = "second" })
		f.tell(second, live, Interrupted)
		f.tell(second, done, Interrupted)
		f.tell(f.node("b"), live, Abandoned) // the journal's word, read elsewhere
		f.wantSums(Counts{Answered: 2, Abandoned: 1})
	})
}

// By whatever clock: a call counts on the day of its answer, and once.
func TestCallOverMidnight(t *testing.T) {
	f := virtual(t)
	berlin := zone(t, "Europe/Berlin")
	in := func(c *Config) { c.Campaign = func(string) Campaign { return Campaign{Zone: berlin} } }
	a, b := f.node("a", in), f.node("b", in)
	midnight := time.Date(2026, 10, 25, 0, 0, 0, 0, berlin) // of a day of 25 hours
	f.mini.SetTime(midnight.Add(-time.Second))
	id := call()
	f.tell(a, id, Answered)
	f.mini.SetTime(midnight.Add(time.Second))
	f.tell(b, id, Abandoned) // by a node that has not heard of it
	f.tell(a, call(), Answered)
	f.mini.SetTime(midnight.Add(25*time.Hour - time.Second))
	f.tell(a, call(), Answered)
	sp, _ := spaceOf(f.campaign)
	for day, want := range map[string]map[string]string{
		"2026-10-24": {"answered:a": "1", "abandoned:b": "1"},
		"2026-10-25": {"answered:a": "2"},
	} {
		got, err := f.client.HGetAll(f.Context(), sp.ledger()+":"+day).Result()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v, want %v", day, got, err, want)
		}
	}
}

// The clock of Redis says on which day a call counts, whatever a node takes for the time.
func TestNodeWithAWrongClock(t *testing.T) {
	f := virtual(t)
	f.mini.SetTime(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	l := f.node("a", func(c *Config) { c.wall = func() time.Time { return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) } })
	f.tell(l, call(), Answered)
	windows, err := l.Sync(t.Context(), f.campaign, 0)
	if err != nil || windows[0].Answered != 1 {
		t.Fatalf("%+v, %v", windows, err)
	}
	// What is left of the day is the same by both clocks.
	if want := time.Date(2031, 1, 1, 12, 0, 0, 0, time.UTC); !windows[0].Ends.Equal(want) {
		t.Errorf("the day ends at %s, want %s", windows[0].Ends.UTC(), want)
	}
	if got := l.Now(); got.Before(f.now()) || got.After(f.now().Add(time.Hour)) {
		t.Errorf("it is %s, want %s", got, f.now())
	}
	// And when it steps.
	f.mini.SetTime(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	f.tell(l, call(), Answered)
	if windows, err = l.Sync(t.Context(), f.campaign, 0); err != nil || windows[0].Answered != 1 {
		t.Errorf("%+v, %v", windows, err)
	}
	f.wantSums(Counts{Answered: 1}) // the 22nd is to come
}

// An end that is replayed after the record of its call was thrown away is not counted
// anew.
func TestLateReplay(t *testing.T) {
	f := virtual(t)
	start := time.Now().Add(-30 * 24 * time.Hour)
	f.mini.SetTime(start)
	l := f.node("a")
	id := ulid.MustNew(ulid.Timestamp(start), ulid.DefaultEntropy()).String()
	f.tell(l, id, Answered)
	sp, _ := spaceOf(f.campaign)
	if ttl := f.mini.TTL(sp.calls(id)); ttl != keepCalls {
		t.Errorf("calls are kept for %s, want %s", ttl, keepCalls)
	}
	f.mini.SetTime(start.Add(9 * 24 * time.Hour))
	f.mini.FastForward(9 * 24 * time.Hour)
	if f.mini.Exists(sp.calls(id)) {
		t.Fatal("the call is still on record")
	}
	other := f.node("b")
	late := Entry{Campaign: f.campaign, Attempt: id, Verdict: Abandoned, Answered: time.Now().Add(-9 * 24 * time.Hour)}
	if err := other.Settle(t.Context(), late)[0]; err != nil {
		t.Error(err)
	}
	f.wantSums(Counts{Answered: 1})
}

func TestRedisAway(t *testing.T) {
	f := virtual(t)
	l, lost := f.node("a"), call()
	f.mini.SetError("LOADING Redis is loading the dataset in memory")
	l.Count(Entry{Campaign: f.campaign, Attempt: lost, Verdict: Abandoned})
	if err := l.Settle(t.Context(), Entry{Campaign: f.campaign, Attempt: lost, Verdict: Abandoned})[0]; err == nil {
		t.Error("settled without redis")
	}
	if _, err := l.Sync(t.Context(), f.campaign, 1); err == nil {
		t.Error("windows without redis")
	}
	f.mini.SetError("")
	if !holds(func() bool { return f.sums().Abandoned == 1 }) {
		t.Fatal("what was told meanwhile is not counted")
	}
	f.mini.Close()
	if _, err := l.Sync(t.Context(), f.campaign, 1); err == nil {
		t.Error("windows without redis")
	}
	if _, _, err := l.Load(t.Context(), f.campaign); err == nil {
		t.Error("a model without redis")
	}
}

// A campaign of which Redis has something else under a key stops, and no other.
func TestSpoiltCampaign(t *testing.T) {
	onEach(t, func(f *floor) {
		l, id := f.node("a"), call()
		spoilt := name("spoilt")
		sp, _ := spaceOf(spoilt)
		if err := f.client.Set(f.Context(), sp.calls(id), "x", 0).Err(); err != nil {
			f.Fatal(err)
		}
		l.Count(Entry{Campaign: spoilt, Attempt: id, Verdict: Answered})
		f.tell(l, id, Answered)
		if _, err := l.Sync(f.Context(), spoilt, 0); err == nil {
			f.Error("the spoilt campaign has windows")
		}
		if _, err := l.Sync(f.Context(), f.campaign, 0); err != nil {
			f.Error(err)
		}
		f.wantSums(Counts{Answered: 1})
		if err := f.client.Del(f.Context(), sp.calls(id)).Err(); err != nil {
			f.Fatal(err)
		}
		f.campaign = spoilt
		if !holds(func() bool { return f.sums().Answered == 1 }) {
			f.Error("it was not tried again")
		}
	})
}

func TestNames(t *testing.T) {
	f := virtual(t)
	l := f.node("a")
	for _, bad := range []string{"", "a{b", "a}b"} {
		if err := l.Settle(t.Context(), Entry{Campaign: bad, Attempt: call(), Verdict: Answered})[0]; !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
		l.Count(Entry{Campaign: bad, Attempt: call(), Verdict: Answered}) // must not hold up others
		if _, err := l.Sync(t.Context(), bad, 0); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	f.tell(l, "no ULID", Answered, Abandoned, Abandoned)
	f.wantSums(Counts{Answered: 1, Abandoned: 1})
}

func TestClosed(t *testing.T) {
	f := virtual(t)
	l := f.node("a")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Count(Entry{Campaign: f.campaign, Attempt: call(), Verdict: Answered})
	if err := l.Settle(t.Context(), Entry{Campaign: f.campaign, Attempt: call()})[0]; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := l.Sync(t.Context(), f.campaign, 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestSettleGivesUpWithItsCaller(t *testing.T) {
	l := &Ledger{queue: newQueue()} // nobody delivers
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Settle(ctx, Entry{Campaign: "c", Attempt: call()})[0]; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzFields(f *testing.F) {
	f.Add("answered:a", "12", "abandoned:a", "3")
	f.Add("answered:a:b", "9223372036854775807", "machine:", "-1")
	f.Add("", "", "detected", "1e3")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		got, err := parseFields([]any{k1, v1, k2, v2})
		if err != nil {
			return
		}
		for name, n := range got {
			if n < 0 {
				t.Errorf("%s is %d", name, n)
			}
			if what, node, _ := strings.Cut(name, ":"); what == answeredCount && strings.Contains(name, ":") && got.own(node).Answered != n {
				t.Errorf("%s of %s is %d, not %d", what, node, got.own(node).Answered, n)
			}
		}
	})
}
