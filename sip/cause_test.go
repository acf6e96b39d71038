package sip

import (
	"strings"
	"testing"
)

func TestCauseReason(t *testing.T) {
	for c, want := range map[Cause]string{
		0: `Q.850;cause=16;text="Normal call clearing"`, CauseNoAnswer: `Q.850;cause=19;text="No answer from user"`,
		99: `Q.850;cause=99;text="Cause 99"`, 500: `Q.850;cause=16;text="Cause 500"`,
	} {
		if c == 500 {
			if got := c.reason(); !strings.HasPrefix(got, "Q.850;cause=16;") {
				t.Errorf("%d: %s", c, got)
			}
			continue
		}
		if got := c.reason(); got != want {
			t.Errorf("%d: %s", c, got)
		}
	}
}
