package record

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringpace/media/record/chain"
)

const (
	// killedDir is the environment variable that makes a process of the test's program one
	// that records until it is killed.
	killedDir = "RINGPACE_TEST_RECORD_UNTIL_KILLED"
	// killedFor is the recipient that it encrypts to, if any.
	killedFor = "RINGPACE_TEST_RECORD_FOR"
)

// killedCalls is how many calls it records.
const killedCalls = 3

// recordUntilKilled records calls in real time, and tells on its standard output how many
// packets each has had.
func recordUntilKilled(dir string) {
	cfg := Config{Dir: dir, MinFree: 1, Flush: 200 * ms}
	if recipient := os.Getenv(killedFor); recipient != "" {
		cfg.EncryptTo = []string{recipient}
	}
	r, err := New(cfg)
	if err != nil {
		panic(err)
	}
	ended, err := r.Start(Meta{ID: "ended"})
	if err != nil {
		panic(err)
	}
	newSource(ended, ended.Customer(), 1).talk(0, 10)
	if _, err := ended.Close(); err != nil {
		panic(err)
	}
	var sources []*source
	for k := range killedCalls {
		rec, err := r.Start(Meta{ID: fmt.Sprint("call", k), Start: time.Now()})
		if err != nil {
			panic(err)
		}
		sources = append(sources, newSource(rec, rec.Customer(), k), newSource(rec, rec.Agent(), k+10))
	}
	ticker := time.NewTicker(20 * ms)
	for n := 0; ; n++ {
		for _, s := range sources {
			s.arrive(time.Since(s.rec.base), s.packet())
		}
		fmt.Println(n)
		<-ticker.C
	}
}

// TestKilledWhileRecording kills a process that records with SIGKILL. What it wrote plays
// up to the last second at least, and the next one makes it whole, so that it verifies.
func TestKilledWhileRecording(t *testing.T) { eachKind(t, testKilledWhileRecording) }

func testKilledWhileRecording(t *testing.T, as kind) {
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(context.Background(), 2*patience)
	defer stop()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), killedDir+"="+dir)
	for _, recipient := range as.of(Config{}).EncryptTo {
		child.Env = append(child.Env, killedFor+"="+recipient)
	}
	child.Stderr = t.Output()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if sent, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if sent == 120 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v", err)
	}
	before, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil || before.Kept != 1 || len(before.Findings) != killedCalls || before.Findings[0].Kind != chain.CutOff {
		t.Errorf("before a restart: %+v, %v", before, err)
	}

	newTestRecorder(t, as.of(Config{Dir: dir}))
	x, err := chain.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for k := range killedCalls {
		it, ok := x.ID(fmt.Sprint("call", k))
		if !ok || it.Kind != chain.Salvaged {
			t.Fatalf("call %d is in the chain as %+v", k, it)
		}
		l, r := split(t, filepath.Join(dir, filepath.FromSlash(it.Path)))
		if missing := time.Duration(sent)*20*ms - duration(int64(len(l))); missing > time.Second {
			t.Errorf("call %d lacks its last %v", k, missing)
		}
		holdsRun(t, "left", l, k)
		holdsRun(t, "right", r, k+10)
		sum, err := Find(dir, it.ID) // looking again changes nothing
		if err != nil || sum.SHA256 != it.SHA256 {
			t.Errorf("found %+v, %v; the chain has %s", sum, err, it.SHA256)
		}
	}
	after, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil || !after.OK() || after.Kept != 1+killedCalls {
		t.Errorf("after a restart: %+v, %v", after, err)
	}
}

// holdsRun holds that a second of the channel is what a source said, without a break.
func holdsRun(t *testing.T, name string, channel []byte, salt int) {
	t.Helper()
	s := source{salt: salt}
	want := s.octets(1600, 8000)
	if !strings.Contains(string(channel), string(want)) {
		t.Errorf("%s: what the source said is not in it", name)
	}
}
