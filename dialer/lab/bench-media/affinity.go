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

// How the processes of a run ask to be scheduled, so that others on the machine disturb
// them little. A system that refuses it (to others than root) is measured as it is.
var (
	// urgent is the generator's: a low priority of real time is above all that have none.
	urgent = unix.SchedAttr{Policy: unix.SCHED_RR, Priority: 1}
	// favoured is that of what is measured, whose threads are to share the core with each
	// other as they do in production. There is room below for threads that hurry.
	favoured = unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: -10}
)

// pinned calls start, which starts a process; the process runs on that core alone, and
// is scheduled like that.
func pinned(core int, like unix.SchedAttr, start func() error) error {
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
	_ = unix.SchedSetAttr(0, &like, 0)
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
