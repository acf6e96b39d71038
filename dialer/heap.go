package dialer

import (
	"os"
	"runtime/debug"
)

// gcPercent is how far the heap may grow before it is collected, in percent of what
// lives. That is some ten MB with hundreds of calls up, and each call leaves 25 kB
// behind: at Go's 100 the collector runs each second, and takes a fifth of the time.
const gcPercent = 400

// TuneHeap sets the garbage collector for a daemon, unless the environment says
// otherwise (GOGC).
func TuneHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
