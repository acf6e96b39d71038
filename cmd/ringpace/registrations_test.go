package main

import (
	"strings"
	"testing"
)

func TestRegistrations(t *testing.T) {
	d := newDaemon(t)
	for _, args := range [][]string{{"registrations"}, {"agent", "status", "1001"}} {
		code, out, errs := ringpace(d, args...)
		if code != 0 || !strings.Contains(out, "192.0.2.7:5062") || !strings.Contains(out, "connection gone, does not answer") || strings.Contains(out, "\x1b[2J") {
			t.Errorf("%q: %d, %q, %q", args, code, out, errs)
		}
	}
}
