package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cores are the processors of a run: what is measured has one for itself, generator
// and sink share the other.
type cores struct{ measured, generator int }

// choose takes the first two cores that this process may use.
func choose() (cores, error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return cores{}, err
	}
	var two []int
	for core := 0; len(two) < 2 && core < 8*len(may)*8; core++ {
		if may.IsSet(core) {
			two = append(two, core)
		}
	}
	if len(two) < 2 {
		return cores{}, errors.New("this needs two cores: one for what is measured, one for the generator")
	}
	return cores{two[0], two[1]}, nil
}

// urgent is how the processes of a run ask to be scheduled, so that others on the
// machine do not disturb them: a low priority of real time is above all that have
// none. A system that refuses it (to others than root) is measured as it is.
var urgent = unix.SchedAttr{Policy: unix.SCHED_RR, Priority: 1}

// pinned calls start, which starts a process; the process runs on that core alone.
func pinned(core int, start func() error) error {
	// Affinity and policy are a thread's, and a new process has those of the
	// thread that made it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("cannot keep to core %d: %w", core, err)
	}
	was, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err
	}
	asked := urgent
	_ = unix.SchedSetAttr(0, &asked, 0)
	err = errors.Join(start(), unix.SchedSetAttr(0, was, 0))
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// manyFiles lets this process, and those that it starts, open as many sockets as
// may be.
func manyFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// ticksPerSecond is the unit of /proc's times, the same on every Linux.
const ticksPerSecond = 100

// cpuOf is the time, user and system, that all threads of a process have used.
func cpuOf(pid int) (time.Duration, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, which may hold anything, stands in brackets before the third field.
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * (time.Second / ticksPerSecond), nil
}
