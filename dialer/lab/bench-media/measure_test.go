package main

import (
	"testing"
	"time"
)

// A round in which packets were lost counts only where all were so, however little it cost.
func TestRoundsThatCarryTheLoadCount(t *testing.T) {
	round := func(cost time.Duration, received int) (r result) {
		r.Sent, r.Received, r.CPU = 1000, received, cost*time.Duration(received)
		return r
	}
	dear, cheap, lossy := round(20, 1000), round(10, 991), round(5, 500)
	for _, c := range []struct {
		name string
		a, b result
		want bool
	}{
		{"the cheaper", cheap, dear, true},
		{"the dearer", dear, cheap, false},
		{"the cheaper that lost", lossy, dear, false},
		{"the dearer that did not", dear, lossy, true},
	} {
		if got := c.a.better(c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
