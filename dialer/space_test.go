package dialer

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestSpace holds that a disk with too little room is told of until there is more, and that
// one which hangs is told of meanwhile, holds nobody up, and not the end either.
func TestSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Int64
		var hangs atomic.Pointer[chan struct{}]
		s := newSpace(t.TempDir())
		s.dirs = []string{"/journal", "/records"}
		s.free = func(dir string) (int64, error) {
			if dir == "/journal" {
				return 1 << 40, nil
			}
			if c := hangs.Load(); c != nil {
				<-*c
			}
			return free.Load(), nil
		}
		if why := s.trouble(); why != "" {
			t.Errorf("at the start: %s", why)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); s.run(ctx) }()
		after := func(long time.Duration, want string) {
			t.Helper()
			time.Sleep(long)
			synctest.Wait()
			if why := s.trouble(); !strings.Contains(why, want) || want == "" && why != "" {
				t.Errorf("trouble is %q, want %q", why, want)
			}
		}
		after(spaceInterval, "the disk of /records has less than 32 MiB left")
		free.Store(leastSpace)
		after(spaceInterval, "")
		stuck := make(chan struct{})
		hangs.Store(&stuck)
		after(spaceInterval, "")
		after(spaceLimit+time.Second, "the disk of /records, for records, hangs since")
		hangs.Store(nil)
		close(stuck)
		after(0, "")
		free.Store(0)
		after(spaceInterval, "less than 32 MiB")

		stuck = make(chan struct{})
		hangs.Store(&stuck)
		after(spaceInterval, "less than 32 MiB")
		cancel()
		<-over
		close(stuck)
	})
}
