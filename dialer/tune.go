package dialer

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent is how far the heap may grow before it is collected, in percent of what
// lives. That is some ten MB with hundreds of calls up, and each call leaves 25 kB
// behind: at Go's 100 the collector runs each second, and takes a fifth of the time.
const gcPercent = 400

// minProcs is how many goroutines may run at once at least, however few processors there
// are. A goroutine that the disk holds up counts as one that runs until Go notices, up to
// 20 ms later. With few processors three can be held up at the same moment: the writer of
// recordings, the sealer, and the look at the disk's room. The fourth is for the calls.
const minProcs = 4

// TuneRuntime sets Go's scheduler and garbage collector for a daemon, unless the
// environment says otherwise (GOMAXPROCS, GOGC).
func TuneRuntime() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < minProcs {
		runtime.GOMAXPROCS(minProcs)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
