package main

import (
	"testing"
	"time"
)

// Packets count as delayed by a collection where they were under way while it ran.
func TestPacketsUnderWayDuringCollectionsAreToldApart(t *testing.T) {
	collections := []stretch{{1000, 2000}, {5000, 5500}}
	for _, c := range []struct {
		name   string
		sent   int64
		took   int32
		during bool
	}{
		{"before the first", 500, 499, false},
		{"into the first", 500, 500, true},
		{"within it", 1200, 100, true},
		{"out of it", 1900, 500, true},
		{"from its end", 2000, 1, true},
		{"behind it", 2001, 2000, false},
		{"over all of the second", 4000, 5000, true},
		{"behind all", 5501, 9000, false},
	} {
		f := findings{window: window{delays: []delay{{c.sent, c.took}}}}
		got := f.around(collections)
		if want := time.Duration(c.took); c.during && (got.During != 1 || got.DuringP999 != want || got.BetweenMax != 0) ||
			!c.during && (got.During != 0 || got.BetweenP999 != want || got.DuringMax != 0) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// What is told of collections is of the delays of all packets, in whichever order they came.
func TestDelaysDuringCollections(t *testing.T) {
	f := findings{window: window{delays: make([]delay, 0, 4000)}}
	for i := range 4000 { // the later, the longer under way; the collection runs in the second half
		f.delays = append(f.delays, delay{sent: int64(i) * 100, took: int32(i / 100)})
	}
	f.percentiles()
	got := f.around([]stretch{{200_000, 400_000}})
	if got.Collections != 1 || got.Collecting != 200*time.Microsecond || got.During != 2000 || got.DuringMax != 39 || got.BetweenMax != 19 ||
		got.DuringP999 != 39 || got.BetweenP999 != 19 || got.Max != 39 {
		t.Errorf("%+v", got)
	}
}

// A process that is told to collect does so, one collection after the other.
func TestHeapIsCollected(t *testing.T) {
	all, before := collect(time.Millisecond), time.Now().UnixNano()
	if len(all) == 0 {
		t.Fatal("nothing was collected")
	}
	for i, s := range all {
		if s[0] > s[1] || s[1] > before || i > 0 && s[0] < all[i-1][1] {
			t.Errorf("collection %d from %d to %d", i, s[0], s[1])
		}
	}
}
