package dialer_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
)

// BenchmarkCallsUp has a daemon process hold 200 bridged and recorded calls against
// the lab, and reports what they cost it: resident memory, CPU time for each packet
// that it relays, and the 99th percentile of answer to first agent packet.
//
//	go test -run '^$' -bench CallsUp -benchtime 1x ./dialer
func BenchmarkCallsUp(b *testing.B) {
	const calls, span = 200, 10 * time.Second
	p := plan{
		Agents: calls, Redis: peers.Redis(b).URL(), AgentSet: "wrap_up: 0s",
		Campaign: "max_in_flight: 20", RingTimeout: 30 * time.Second,
	}
	h := &house{t: b, dir: b.TempDir(), log: &logBuffer{}}
	h.openLab(p)
	p.NoCalls, p.NoLogin = true, true
	h.configure(p)
	h.start(p)
	h.load(0, calls)
	h.quit()
	p.NoCalls, p.NoLogin = false, false
	h.rewrite(p)
	child := h.spawn()
	answered := func() int {
		up := 0
		for _, c := range h.carrier.Calls() {
			if c.Ended.IsZero() && !c.Heard.FirstSound.IsZero() {
				up++
			}
		}
		return up
	}
	b.Cleanup(func() {
		if b.Failed() {
			log, _ := os.ReadFile(filepath.Join(h.dir, "daemon.log"))
			b.Logf("%d conversations; the daemon said:\n%s", answered(), log)
		}
	})
	h.await("200 conversations", func() bool { return answered() == calls })
	for b.Loop() {
		before := cpuTime(b, child.Process.Pid)
		ctx, cancel := context.WithTimeout(b.Context(), span)
		<-ctx.Done()
		cancel()
		spent := cpuTime(b, child.Process.Pid) - before
		packets := 2 * calls * int(span/(20*time.Millisecond))
		b.ReportMetric(float64(spent.Microseconds())/float64(packets), "cpu-µs/packet")
		b.ReportMetric(residentMB(b, child.Process.Pid), "MB-resident")
	}
	b.ReportMetric(float64(h.carrier.Report().SoundAfter.P99.Microseconds())/1000, "ms-answer-to-sound-p99")
	if n := answered(); n != calls {
		b.Errorf("%d of %d conversations are left", n, calls)
	}
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	_ = child.Wait()
}

// residentMB is a process's resident memory (proc(5), VmRSS).
func residentMB(t testing.TB, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// cpuTime is what a process has used of all processors (proc(5), stat: utime and
// stime, in hundredths of a second on Linux).
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	var ticks int64
	for _, s := range f[11:13] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
