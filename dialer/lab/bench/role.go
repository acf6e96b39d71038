package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"ringpace/dialer/lab/roles"
)

// order is what a role is told to do.
type order struct {
	Calls, Rate int           // a caller: that many calls, at so many a second
	Tick        time.Duration // how often those that are due are begun
	Hold        time.Duration // of each, from answer to BYE
	Memory      bool          // give all memory back that can be
}

// answer is what a role says when it has obeyed.
type answer struct {
	CPU  time.Duration // of a caller: in this order; of a registrar: since its start
	RSS  float64       // resident memory, MB (1e6 bytes)
	Live float64       // of live objects, MB
	Run  int           // goroutines
	Took time.Duration // from the first INVITE to the last

	Calls, Failed int
	Why           reasons

	Contacts int
	Requests uint64
}

// Rate is the calls a second that were begun.
func (a answer) Rate() float64 { return float64(a.Calls) / max(a.Took.Seconds(), 1e-9) }

// perCall is the CPU time of a call, in ms.
func (a answer) perCall() float64 { return a.CPU.Seconds() * 1000 / float64(max(a.Calls, 1)) }

// reasons counts failures by what was said of them.
type reasons map[string]int

func (r reasons) text() string {
	var b strings.Builder
	for why, n := range r {
		fmt.Fprintf(&b, " [%d × %s]", n, why)
	}
	return b.String()
}

// role is a process of ours that is measured.
type role struct {
	addr    string
	process *roles.Process
}

// startRole starts this program again as a role that listens on a free port.
func startRole(ctx context.Context, name string, arguments ...string) (*role, error) {
	process, err := roles.Start(ctx, name, arguments...)
	if err != nil {
		return nil, err
	}
	r := &role{addr: process.Addr, process: process}
	if _, err := r.order(order{}); err != nil { // it listens when it answers
		return nil, errors.Join(err, r.end())
	}
	return r, nil
}

// order has one order carried out.
func (r *role) order(o order) (a answer, err error) {
	err = r.process.Order(o, &a)
	return a, err
}

// end lets the role end.
func (r *role) end() error { return r.process.End() }

// obey carries out orders from standard input to its end.
func obey(do func(order) answer) error {
	return roles.Obey(func(o order) (answer, error) {
		a := do(o)
		if o.Memory {
			debug.FreeOSMemory()
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		a.RSS, a.Live, a.Run = resident(), float64(memory.HeapAlloc)/1e6, runtime.NumGoroutine()
		return a, nil
	})
}

// resident is the memory that this process holds, in MB; NaN when the system
// does not say.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return math.NaN()
	}
	for line := range strings.Lines(string(status)) {
		var kB float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kB); n == 1 {
			return kB * 1024 / 1e6
		}
	}
	return math.NaN()
}
