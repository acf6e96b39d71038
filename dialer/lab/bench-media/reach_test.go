package main

import (
	"errors"
	"testing"
	"time"
)

// TestReachIsFound: between a load that is carried and one that is not, loads are tried
// until it is known to within a fifth where the limit is.
func TestReachIsFound(t *testing.T) {
	for _, limit := range []int{60, 100, 180, 249} {
		h := newReach()
		try := func(calls int) {
			r := result{findings: findings{Sent: 1000, window: window{Received: 1000}, CPU: 20 * time.Millisecond}}
			if calls > limit {
				r.Received--
			}
			h.note(calls, r)
		}
		try(50)
		try(250)
		try(1000)
		tries := 0
		for calls := h.next(); calls > 0; calls = h.next() {
			try(calls)
			if tries++; tries > 10 {
				t.Fatalf("limit %d: %d tries, now with %d", limit, tries, calls)
			}
		}
		if most := h.most(); most > limit || limit-most > max(most/5, 10) {
			t.Errorf("limit %d: found %d", limit, most)
		}
		if got := h.perCore(); got != 500 { // 20 us a packet
			t.Errorf("limit %d: %v calls per core", limit, got)
		}
	}
}

// TestReachWithoutLimit: where no load was too high, none is tried beside.
func TestReachWithoutLimit(t *testing.T) {
	h := newReach()
	if h.next() != 0 || h.perCore() != 0 {
		t.Error("something is known before anything was tried")
	}
	h.note(50, result{findings: findings{Sent: 10, window: window{Received: 10}}})
	h.note(250, result{findings: findings{Sent: 10, window: window{Received: 10}}})
	if h.most() != 250 || h.next() != 0 {
		t.Errorf("%d calls are carried, %d are to be tried", h.most(), h.next())
	}
	slow := result{findings: findings{Sent: 10, window: window{Received: 10}, P99: time.Second}}
	h.note(250, slow)
	if h.most() != 250 || h.next() != 0 {
		t.Error("what was carried once is in doubt")
	}
	h.note(1000, slow)
	h.note(2000, result{findings: findings{Sent: 10, window: window{Received: 10}}, inexact: []flaw{{err: errors.New("a sample is missing")}}})
	if h.most() != 250 || h.next() != 625 {
		t.Errorf("%d calls are carried, %d are to be tried", h.most(), h.next())
	}
}
