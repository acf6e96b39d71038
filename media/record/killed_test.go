package record

import (
	"bufio"
	"bytes"
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
	// killedLinear is set where it is to make linear files.
	killedLinear = "RINGPACE_TEST_RECORD_LINEAR"
)

const (
	killedCalls = 40  // that it records
	killedAfter = 160 // packets of each
	halted      = 70  // packets after which something happens, see fate
	resumed     = 90
)

// fate is what happens in a call before the process is killed.
type fate int

const (
	fateTalking fate = iota
	fatePaused       // the recording is paused at halted
	fateResumed      // it goes on at resumed
	fateHeld         // the agent sends nothing from halted on
	fates
)

func fateOf(call int) fate { return fate(call) % fates }

// recordUntilKilled records calls in real time, and tells on its standard output how many
// packets each has had.
func recordUntilKilled(dir string) {
	cfg := Config{Dir: dir, MinFree: 1, Flush: 200 * ms, Linear: os.Getenv(killedLinear) != ""}
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
	begin := time.Now()
	for n := 0; ; n++ {
		time.Sleep(time.Until(begin.Add(time.Duration(n) * 20 * ms)))
		for k, s := range sources {
			fate, agent := fateOf(k/2), k%2 == 1
			switch {
			case n == halted && (fate == fatePaused || fate == fateResumed):
				s.rec.Pause()
			case n == resumed && fate == fateResumed:
				s.rec.Resume()
			}
			if fate != fateHeld || !agent || n < halted {
				s.arrive(time.Since(s.rec.base), s.packet())
			}
		}
		fmt.Println(n)
	}
}

// TestKilledWhileRecording kills a process that records many calls with SIGKILL: talking,
// paused, resumed, on hold. What it wrote plays up to the last second at least, and the
// next one makes it whole, so that it verifies.
func TestKilledWhileRecording(t *testing.T) { eachKind(t, testKilledWhileRecording) }

func testKilledWhileRecording(t *testing.T, as kind) {
	dir := t.TempDir()
	ctx, stop := context.WithTimeout(context.Background(), 2*patience)
	defer stop()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), killedDir+"="+dir)
	if as.linear {
		child.Env = append(child.Env, killedLinear+"=1")
	}
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
		if sent == killedAfter {
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
		name := filepath.Join(dir, filepath.FromSlash(it.Path))
		if w, err := parseWave(contents(t, name)); err != nil || w.linear != as.linear || Encrypted(name) != as.encrypted {
			t.Errorf("%s is %+v, %v", name, w, err)
		}
		l, r := split(t, name)
		if missing := time.Duration(sent)*20*ms - duration(int64(len(l))); missing > time.Second {
			t.Errorf("call %d lacks its last %v", k, missing)
		}
		for _, c := range []struct {
			name  string
			sound []byte
			salt  int
		}{{"left", l, k}, {"right", r, k + 10}} {
			name, fate := fmt.Sprintf("call %d, %s", k, c.name), fateOf(k)
			said := source{salt: c.salt}
			begin := bytes.Index(c.sound, said.octets(0, halted*160))
			if begin < 0 {
				t.Fatalf("%s: what was said at first is not in it", name)
			}
			sound := c.sound[begin+halted*160 : begin+(resumed+20)*160]
			want := said.octets(halted*160, len(sound))
			switch {
			case fate == fatePaused || fate == fateHeld && c.salt != k:
				want = silence(len(sound))
			case fate == fateResumed:
				copy(want, silence((resumed-halted)*160))
			}
			equal(t, name, sound, want)
		}
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
