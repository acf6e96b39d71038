package api

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	feedRing = 4096 // events that are kept for readers who come back
)

// Feed hands the floor's events to any number of readers. It keeps the latest few
// thousand in a ring, so that a reader whose connection broke goes on where it
// was. A reader that cannot keep up never holds anyone back: it is given one
// EventReset in place of what it missed.
//
// Event ids are "BOOT-N": BOOT names the Feed's lifetime, N counts from 1.
type Feed struct {
	boot string

	mu   sync.Mutex // protects all below; never held while waiting
	ring []Event    // ring[(n-1)%feedRing] is event n
	last uint64     // number of the newest event, 0: none yet
	wake chan struct{}
}

// NewFeed returns an empty feed.
func NewFeed() *Feed {
	return &Feed{boot: ulid.Make().String(), ring: make([]Event, feedRing), wake: make(chan struct{})}
}

// Publish gives e its id, and its time where it has none, and offers it to all
// readers. It never waits, so any actor may call it. What e points to must not be
// changed afterwards.
func (f *Feed) Publish(e Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e = e.tidy()
	f.mu.Lock()
	f.last++
	e.ID = f.id(f.last)
	f.ring[(f.last-1)%feedRing] = e
	wake := f.wake
	f.wake = make(chan struct{})
	f.mu.Unlock()
	close(wake)
}

func (f *Feed) id(n uint64) string { return f.boot + "-" + strconv.FormatUint(n, 10) }

// reader is one place in the feed. It belongs to one goroutine.
type reader struct {
	feed *Feed
	next uint64 // number of the next event wanted
	lost bool   // its place is not known: a reset is due
}

// from returns a reader that goes on after the event with that id; "" means from
// now on. An id of another lifetime, or one that is no longer kept, gives a reset.
func (f *Feed) from(id string) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &reader{feed: f, next: f.last + 1}
	if id == "" {
		return r
	}
	boot, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || boot != f.boot || n > f.last || f.last-n > feedRing {
		r.lost = true
		return r
	}
	r.next = n + 1
	return r
}

// at is the id after which the reader goes on.
func (r *reader) at() string { return r.feed.id(r.next - 1) }

// take returns the events that wait for the reader, oldest first, and a channel
// that is closed when there are more. A reader too far behind since its last take
// gets one reset and goes on from the newest.
func (r *reader) take() ([]Event, <-chan struct{}) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.lost || f.last+1-r.next > feedRing {
		r.lost = false
		r.next = f.last + 1
		return []Event{{ID: f.id(f.last), Kind: EventReset, At: time.Now()}}, f.wake
	}
	events := make([]Event, 0, f.last+1-r.next)
	for ; r.next <= f.last; r.next++ {
		events = append(events, f.ring[(r.next-1)%feedRing])
	}
	return events, f.wake
}
