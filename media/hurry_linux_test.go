//go:build amd64 || arm64

package media

import (
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// threads are the nice values of the process's threads.
func threads(t *testing.T) map[int]int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	nice := make(map[int]int)
	for _, one := range all {
		id, err := strconv.Atoi(one.Name())
		if err != nil {
			t.Fatal(err)
		}
		if inverse, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil { // it may have ended
			nice[id] = 20 - inverse
		}
	}
	return nice
}

// onThread runs f on a thread that ends with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// teller tells the thread that reads, and its nice value.
type teller chan [2]int

func (c teller) approach() uintptr { return 0 }

func (c teller) receive([]byte, netip.AddrPort, time.Time, departures) {
	nice, _ := niceness()
	c <- [2]int{unix.Gettid(), nice}
}

// TestReadingThreadHurries: the thread of a shard has a lower nice value where that is
// allowed, and no other thread has, whether it was there before or is made afterwards.
func TestReadingThreadHurries(t *testing.T) {
	usual, want := 0, 0
	onThread(func() {
		usual, _ = niceness()
		want = usual
		if least := max(usual-hurried, -20); unix.Setpriority(unix.PRIO_PROCESS, 0, least) == nil {
			want = least
		}
	})
	before := threads(t)
	s := openSocket(t, newTestPoller(t, 1), anyPort)
	c := make(teller, 1)
	s.Serve(c)
	write(t, s, s.LocalAddr(), []byte("x"))
	reader := await(t, "a datagram", c)
	if reader[1] != want {
		t.Errorf("the thread that reads has a nice value of %d, want %d", reader[1], want)
	}
	for id, nice := range threads(t) {
		if was, there := before[id]; there && id != reader[0] && nice != was {
			t.Errorf("thread %d had a nice value of %d, and has %d", id, was, nice)
		}
	}
	release := make(chan struct{})
	defer close(release)
	later := make(chan int)
	for range 8 {
		go func() {
			runtime.LockOSThread()
			nice, _ := niceness()
			later <- nice
			<-release
		}()
	}
	for range 8 {
		if nice := await(t, "a thread", later); nice != usual {
			t.Errorf("another thread has a nice value of %d, want %d", nice, usual)
		}
	}
}

// TestHurryRefused: who may not ask for more keeps what there is.
func TestHurryRefused(t *testing.T) {
	onThread(func() {
		none := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capset(&none, &make([]unix.CapUserData, 2)[0]); err != nil {
			t.Error(err)
			return
		}
		before, _ := niceness()
		want := before
		var limit unix.Rlimit // of 20 less the lowest nice value that everybody may ask for
		if err := unix.Getrlimit(unix.RLIMIT_NICE, &limit); err == nil && int(limit.Cur) >= 20-max(before-hurried, -20) {
			want = max(before-hurried, -20)
		}
		hurry()
		if nice, _ := niceness(); nice != want {
			t.Errorf("a nice value of %d, want %d", nice, want)
		}
	})
}

// TestHurryIsNotRealTime: a thread that has a policy of real time keeps its priority. One
// above that of the collector's threads would wait for them for ever.
func TestHurryIsNotRealTime(t *testing.T) {
	onThread(func() {
		// Refused to who is not root: the policy is the usual one then, and stays as well.
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
		before, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return
		}
		hurry()
		if after, err := unix.SchedGetAttr(0, 0); err != nil || after.Policy != before.Policy || after.Priority != before.Priority {
			t.Errorf("%+v, %v after %+v", after, err, before)
		}
	})
}
