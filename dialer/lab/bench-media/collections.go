package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"ringpace/dialer/lab/roles"
)

// collectEvery is how often the measured process collects its heap while it is found out
// what that does to packets: far more often than it does by itself.
const collectEvery = 500 * time.Millisecond

// stretch is from one instant to another, in ns of the wall clock.
type stretch [2]int64

// collectAt is how far the heap grows between those collections, in percent. Less garbage
// than usual has them begin, which takes no time worth mentioning to make.
const collectAt = 5

// collect has the heap collected again and again for so long, and tells when it was. It
// makes garbage until it is: a collection that runtime.GC forces is followed by a wait that
// keeps a processor busy, and no other is.
func collect(d time.Duration) []stretch {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	ticker := time.NewTicker(collectEvery)
	defer ticker.Stop()
	var all []stretch
	var garbage atomic.Pointer[[garbageSize]byte]
	for over := time.Now().Add(d); time.Now().Before(over); <-ticker.C {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		begun := time.Now().UnixNano()
		for made := memory.HeapAlloc; made <= memory.NextGC; made += garbageSize {
			garbage.Store(new([garbageSize]byte))
		}
		for cycles() == uint64(memory.NumGC) {
			time.Sleep(time.Millisecond)
			garbage.Store(new([garbageSize]byte)) // something else may have been swept meanwhile
		}
		all = append(all, stretch{begun, time.Now().UnixNano()})
	}
	return all
}

// garbageSize is the size of a piece of garbage, in octets.
const garbageSize = 8 << 10

// cycles is how often the heap was collected so far. Unlike runtime.ReadMemStats it stops
// nobody.
func cycles() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// collecting measures a window in which the heap of the measured process is collected.
func collecting(generator *roles.Process, measured *process, window time.Duration) (*collected, error) {
	var told told
	var answer done
	over := make(chan error, 1)
	go func() { over <- measured.Order(work{Collect: window}, &answer) }()
	err := generator.Order(traffic{Measure: window, PID: measured.PID()}, &told)
	if err = errors.Join(err, <-over); err != nil {
		return nil, err
	}
	return &told.Around, generator.Order(traffic{Around: answer.Collections}, &told)
}

// collected is what packets felt of collections: of those that were under way during one,
// and of the others in the same window.
type collected struct {
	findings                // of all
	Collections             int
	Collecting              time.Duration // all of them together
	During                  int           // packets
	DuringP999, DuringMax   time.Duration // of their delays
	BetweenP999, BetweenMax time.Duration // of those of the others
}

// around tells the packets that were under way during collections, which are in their
// order, from the others.
func (f findings) around(collections []stretch) collected {
	c := collected{findings: f, Collections: len(collections)}
	for _, s := range collections {
		c.Collecting += time.Duration(s[1] - s[0])
	}
	var during, between []delay
	for _, d := range f.delays {
		next, _ := slices.BinarySearchFunc(collections, d.sent, func(s stretch, sent int64) int { return int(s[1] - sent) })
		if next < len(collections) && collections[next][0] <= d.sent+int64(d.took) {
			during = append(during, d)
		} else {
			between = append(between, d)
		}
	}
	c.During = len(during)
	c.DuringP999, c.DuringMax = percentile(during, 0.999), percentile(during, 1)
	c.BetweenP999, c.BetweenMax = percentile(between, 0.999), percentile(between, 1)
	return c
}

func (c collected) String() string {
	return fmt.Sprintf("%d collections of %.1f ms; %d packets, %d lost; of the %d under way during one, delay p99.9 %.3f, longest %.3f ms, "+
		"of the others p99.9 %.3f, longest %.3f ms", c.Collections, milliseconds(c.Collecting)/float64(max(c.Collections, 1)), c.Sent, c.lost(),
		c.During, milliseconds(c.DuringP999), milliseconds(c.DuringMax), milliseconds(c.BetweenP999), milliseconds(c.BetweenMax))
}
