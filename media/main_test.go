package media

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets as many goroutines run at once as the most shards of a test need beside the
// test, as daemons do.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 4))
	goleak.VerifyTestMain(m)
}
