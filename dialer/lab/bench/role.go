package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
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
	command *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

// startRole starts this program again as a role that listens on a free port.
func startRole(ctx context.Context, name string, arguments ...string) (*role, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &role{addr: addr}
	r.command = exec.CommandContext(ctx, self, append([]string{"-role", name, "-listen", addr}, arguments...)...)
	r.command.Stderr = os.Stderr
	if r.orders, err = r.command.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := r.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.answers = json.NewDecoder(bufio.NewReader(answers))
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	_, err = r.order(order{}) // it listens when it answers
	if err != nil {
		return nil, errors.Join(err, r.end())
	}
	return r, nil
}

// order has one order carried out.
func (r *role) order(o order) (a answer, err error) {
	if err := json.NewEncoder(r.orders).Encode(o); err != nil {
		return a, fmt.Errorf("the process is gone: %w", err)
	}
	if err := r.answers.Decode(&a); err != nil {
		return a, fmt.Errorf("the process does not answer: %w", err)
	}
	return a, nil
}

// end closes the role's orders, upon which it ends.
func (r *role) end() error {
	_ = r.orders.Close()
	return r.command.Wait()
}

// obey carries out orders from standard input to its end.
func obey(do func(order) answer) error {
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a := do(o)
		if o.Memory {
			debug.FreeOSMemory()
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		a.RSS, a.Live, a.Run = resident(), float64(memory.HeapAlloc)/1e6, runtime.NumGoroutine()
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// cpu is the time that this process has used, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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

// freePort is an address on loopback that nobody listens on.
func freePort() (string, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return c.LocalAddr().String(), c.Close()
}

// round keeps so many places.
func round(f float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(f*p) / p
}
