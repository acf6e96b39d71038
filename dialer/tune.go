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

// procs is how many goroutines may run at once on so many processors. The one that reads
// calls' packets on each of them (package media) counts as running almost always. So does
// for up to 20 ms what the disk holds up, until Go notices: at the same moment that can be
// the writer of recordings, the sealer, and the look at the disk's room. None of these is
// to wait for another, nor the rest for them.
func procs(processors int) int { return processors + max(processors, 3) }

// TuneRuntime sets Go's scheduler and garbage collector for a daemon, unless the
// environment says otherwise (GOMAXPROCS, GOGC).
func TuneRuntime() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(procs(runtime.GOMAXPROCS(0)))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
