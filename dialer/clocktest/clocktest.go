// Package clocktest has times be read from a clock that was set afterwards.
package clocktest

import (
	"testing"
	"time"
	"unsafe"
)

// SetForward is t, a reading of time.Now or near one, as it had been read before the clock
// was set forward by so many whole seconds, or back: by the clock on the wall it is that much
// earlier, by the one that never steps it is the same. There is no way to that but into
// time.Time.
func SetForward(t *testing.T, at time.Time, by time.Duration) time.Time {
	t.Helper()
	const seconds = 30 // the nanoseconds lie in as many bits below
	before := at
	*(*uint64)(unsafe.Pointer(&before)) -= uint64(by/time.Second) << seconds
	if at.Sub(before) != 0 || at.Round(0).Sub(before.Round(0)) != by {
		t.Fatalf("%v and %v are no readings of a clock that was set", before, at)
	}
	return before
}
