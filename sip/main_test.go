package sip

import (
	"flag"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	sipgo "github.com/emiago/sipgo/sip"
)

// TestMain shortens the protocol's timers, which belong to the process: T1 is
// 100 ms instead of 500, so that 64*T1 is 6.4 s.
func TestMain(m *testing.M) {
	sipgo.SetTimers(100*time.Millisecond, 800*time.Millisecond, time.Second)
	flag.Parse()
	_ = flag.Set("test.parallel", "16") // the tests wait for timers, they do not compute
	code := m.Run()
	if code == 0 && os.Getenv(controlled) == "" {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}
