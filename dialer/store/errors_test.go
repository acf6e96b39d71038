package store

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// early is a context whose deadline has passed and that has not noticed.
type early struct{ context.Context }

func (early) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// TestImpatienceIsNoOutage holds that a caller who waits for a moment only does not make
// Redis be away for all.
func TestImpatienceIsNoOutage(t *testing.T) {
	timeout := os.ErrDeadlineExceeded // of the connection
	if err := explain(early{t.Context()}, timeout); errors.Is(err, ErrAway) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller whose time is over: %v", err)
	}
	patient, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, ctx := range []context.Context{t.Context(), patient} {
		if err := explain(ctx, timeout); !errors.Is(err, ErrAway) {
			t.Errorf("a caller who has time: %v", err)
		}
	}
}
