package record

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media"
)

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func TestStalledDiskDelaysNobodyAndLosesNothing(t *testing.T) {
	eachKind(t, testStalledDiskDelaysNobodyAndLosesNothing)
}

func testStalledDiskDelaysNobodyAndLosesNothing(t *testing.T, as kind) {
	r, disk := newFaultyRecorder(t, as.of(Config{Flush: 10 * ms, Writers: 1}))
	release := disk.stall()
	rec, other := start(t, r, Meta{ID: "a"}), start(t, r, Meta{ID: "b"})
	customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
	first := newSource(other, other.Customer(), 3)
	await(t, "the writer to run into the stall", disk.writes)
	// Ten seconds of two calls come in while the writer is stuck: were a tap to
	// wait for it, this test would never get to release.
	customer.talk(0, 500)
	agent.talk(0, 500)
	first.talk(0, 500)
	release()
	_, l, right := closed(t, rec)
	equal(t, "left", l, customer.octets(0, 80_000))
	equal(t, "right", right, agent.octets(0, 80_000))
	_, l, _ = closed(t, other)
	equal(t, "left", l, first.octets(0, 80_000))
}

func TestStallBeyondMemoryIsCounted(t *testing.T) {
	r, disk := newFaultyRecorder(t, Config{Flush: 10 * ms, Writers: 1, Memory: 1})
	release := disk.stall()
	rec := start(t, r, Meta{})
	s := newSource(rec, rec.Customer(), 1)
	await(t, "the writer to run into the stall", disk.writes)
	s.talk(0, 16*chunkEntries+500)
	release()
	sum, _, _ := closed(t, rec)
	if sum.Dropped < 400 || sum.Left.Received+sum.Dropped != 16*chunkEntries+500 {
		t.Errorf("%d received, %d dropped", sum.Left.Received, sum.Dropped)
	}
}

func TestFullDiskRaisesTheAlarmAndCallsGoOn(t *testing.T) {
	eachKind(t, testFullDiskRaisesTheAlarmAndCallsGoOn)
}

func testFullDiskRaisesTheAlarmAndCallsGoOn(t *testing.T, as kind) {
	r, disk := newFaultyRecorder(t, as.of(Config{Flush: 10 * ms, Writers: 1}))
	rec := start(t, r, Meta{})
	s := newSource(rec, rec.Customer(), 1)
	at := s.talk(0, 50)
	await(t, "a write", disk.writes)
	disk.fail(syscall.ENOSPC)
	awaitAlarm(t, r)
	answered := start(t, r, Meta{ID: "x"}) // it was ringing
	a := newSource(answered, answered.Customer(), 2)
	a.talk(0, 50)
	at = s.talk(at, 50)
	disk.fail(nil)
	awaitAllClear(t, r)
	s.talk(at, 50)
	_, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 24_000))
	_, l, _ = closed(t, answered)
	equal(t, "left", l, a.octets(0, 8000))
}

// TestTooLittleRoom: what is left of the disk when nothing more is dialed is for the calls
// that are answered nevertheless.
func TestTooLittleRoom(t *testing.T) {
	r := newTestRecorder(t, Config{MinFree: 1 << 60})
	if !r.Full() || r.Trouble() == "" {
		t.Error("no alarm")
	}
	rec := start(t, r, Meta{ID: "x"})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 50)
	sum, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 8000))
	if !sum.Complete || sum.Chain.N == 0 {
		t.Errorf("%+v", sum)
	}
}

func TestDirectoryLostDuringACall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rec")
	r := newTestRecorder(t, Config{Dir: dir, Flush: 10 * ms})
	// A file in its place, so that nothing can be made below it. The recorder, which looks
	// from time to time, may make the directory anew in between.
	for deadline := time.Now().Add(patience); ; {
		err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	rec := start(t, r, Meta{})
	awaitAlarm(t, r)
	newSource(rec, rec.Customer(), 1).talk(0, 10)
	if _, err := rec.Close(); err == nil {
		t.Error("a recording without a file closes without an error")
	}
}

// TestEveryInstantPlays copies the file again and again while it is written, as if
// the process were killed at that instant: each copy must play.
func TestEveryInstantPlays(t *testing.T) { eachKind(t, testEveryInstantPlays) }

func testEveryInstantPlays(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: ms}))
	rec := start(t, r, Meta{ID: "k"})
	s := newSource(rec, rec.Customer(), 1)
	talking, taken := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(talking)
		at := time.Duration(0)
		for range 2000 {
			at = s.talk(at, 5)
			rec.Pause()
			at = s.talk(at, 1)
			rec.Resume()
		}
		select {
		case <-taken: // a copy, amid the call
		case <-time.After(patience):
		}
		if _, err := rec.Close(); err != nil {
			t.Error(err)
		}
	}()
	name := r.nameOf(r.pathOf(rec.meta, 1))
	copied := filepath.Join(t.TempDir(), filepath.Base(name))
	played := 0
	for {
		select {
		case <-talking:
			if played == 0 {
				t.Error("no copy was taken in time")
			}
			return
		default:
		}
		b, err := os.ReadFile(name)
		if err != nil || len(b) == 0 {
			continue // the instant before its first header
		}
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if !headed(t, copied) {
			continue
		}
		b = contents(t, copied)
		w, err := parseWave(b)
		if err != nil {
			t.Fatal(err)
		}
		if end := w.dataAt + w.frames*w.frame(); end > int64(len(b)) {
			t.Fatalf("the header promises %d octets, the file has %d", end, len(b))
		}
		if played++; played == 1 {
			close(taken)
		}
		sum, err := Find(filepath.Dir(copied), "k")
		if err != nil {
			t.Fatal(err)
		}
		if l, _ := split(t, copied); duration(int64(len(l))) != sum.Duration {
			t.Fatalf("repaired to %d samples, told as %v", len(l), sum.Duration)
		}
	}
}

func TestCrashCostsNoMoreThanTheLastFlush(t *testing.T) {
	eachKind(t, testCrashCostsNoMoreThanTheLastFlush)
}

func testCrashCostsNoMoreThanTheLastFlush(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{Flush: 10 * ms}))
	rec := start(t, r, Meta{ID: "c"})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 100)
	name := r.nameOf(r.pathOf(rec.meta, 1))
	deadline := time.Now().Add(patience)
	for { // the writer's next turn writes all that has come
		if _, err := os.Stat(name); err == nil && headed(t, name) {
			if w, err := parseWave(contents(t, name)); err == nil && w.frames == 16_000 {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("what came was not written")
		}
		await(t, "a tick", time.After(ms))
	}
	crashed := t.TempDir()
	b, _ := os.ReadFile(name)
	want := 2020 * ms
	if as.linear {
		want = 2010 * ms
	}
	if as.encrypted { // the process dies while it writes the last header
		b, want = b[:len(b)-7], 2000*ms
	} else { // the process dies after an append and before the header that counts it
		b = append(b, s.octets(0, 321)...)
	}
	copied := filepath.Join(crashed, filepath.Base(name))
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := Find(crashed, "c")
	if err != nil {
		t.Fatal(err)
	}
	if sum.Complete || len(sum.SHA256) != 64 || sum.Duration != want || sum.Path != filepath.Base(name) || !sum.Start.Equal(rec.base.Truncate(ms)) {
		t.Errorf("found %+v", sum)
	}
	l, _ := split(t, copied)
	equal(t, "left", l[:16_000], s.octets(0, 16_000))
	if _, err := Find(crashed, "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Find of what is not there: %v", err)
	}
}

// TestCrashCostsASecondAtMost looks at a file after each packet of an agent who is joined
// anew again and again, at every phase of the writer's turns: what a process that is killed
// there would leave lacks no more than a second.
func TestCrashCostsASecondAtMost(t *testing.T) {
	for name, every := range map[string]time.Duration{"default": 0, "longest": MaxFlush} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newTestRecorder(t, Config{Flush: every})
				rec := start(t, r, Meta{ID: "c", Start: time.Now()})
				path := r.nameOf(r.pathOf(rec.meta, 1))
				var s *source
				for i := range 1100 {
					if i%47 == 0 { // 940 ms
						s = newSource(rec, rec.Agent(), i)
					}
					s.arrive(time.Since(rec.base), s.packet())
					time.Sleep(20 * ms)
					synctest.Wait()
					frames := int64(0)
					if b, err := os.ReadFile(path); err == nil {
						w, err := parseWave(b)
						if err != nil {
							t.Fatal(err)
						}
						frames = w.frames
					}
					if missing := time.Since(rec.base) - duration(frames); missing > time.Second {
						t.Fatalf("%v after the beginning the last %v are missing", time.Since(rec.base), missing)
					}
				}
			})
		})
	}
}

func TestDiscard(t *testing.T) { eachKind(t, testDiscard) }

func testDiscard(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{}))
	rec := start(t, r, Meta{})
	newSource(rec, rec.Customer(), 1).talk(0, 10)
	if err := rec.Discard("no agent came"); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(r.cfg.Dir, rec.meta.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Discard: %v, want ErrNotFound", err)
	}
	if made := r.pool.made.Load(); made != int64(len(r.pool.free)) {
		t.Errorf("%d chunks were made and %d came back", made, len(r.pool.free))
	}
}

func TestSameIDTwice(t *testing.T) { eachKind(t, testSameIDTwice) }

func testSameIDTwice(t *testing.T, as kind) {
	r := newTestRecorder(t, Config{Pattern: "{id}.wav"})
	a, b := start(t, r, Meta{ID: "same"}), start(t, r, Meta{ID: "same"})
	first, _, _ := closed(t, a)
	second, _, _ := closed(t, b)
	if first.Path == second.Path {
		t.Errorf("both are %s", first.Path)
	}
}

func TestCloseOfTheRecorderCompletesWhatIsOpen(t *testing.T) {
	eachKind(t, testCloseOfTheRecorderCompletesWhatIsOpen)
}

func testCloseOfTheRecorderCompletesWhatIsOpen(t *testing.T, as kind) {
	r := newTestRecorder(t, as.of(Config{}))
	rec := start(t, r, Meta{ID: "o"})
	newSource(rec, rec.Customer(), 1).talk(0, 10)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err := Find(r.cfg.Dir, "o")
	if err != nil || !sum.Complete || sum.Duration != 200*ms {
		t.Errorf("found %+v, %v", sum, err)
	}
	if again, err := rec.Close(); err != nil || again.SHA256 != sum.SHA256 {
		t.Errorf("closed again: %+v, %v; found SHA-256 %s", again, err, sum.SHA256)
	}
	if _, err := r.Start(Meta{ID: "p"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Start after Close: %v", err)
	}
}

// TestTapAllocatesNothing covers the packet path with a writer that keeps up.
func TestTapAllocatesNothing(t *testing.T) {
	r := newTestRecorder(t, Config{Flush: MaxFlush})
	rec := start(t, r, Meta{})
	s := newSource(rec, rec.Customer(), 1)
	p := s.packet()
	p.Arrival = time.Now()
	rec.writer.mu.Lock() // the writer keeps away, which allocates when it makes the file
	defer rec.writer.mu.Unlock()
	if n := testing.AllocsPerRun(chunkEntries-4, func() { s.tap.Tap(&p) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// BenchmarkRecord is the whole cost of recording a packet: the tap, its share of
// placing, and the write.
func BenchmarkRecord(b *testing.B) {
	r, err := New(Config{Dir: b.TempDir(), MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	rec, err := r.Start(Meta{ID: "b", Codec: media.PCMA})
	if err != nil {
		b.Fatal(err)
	}
	tap, space := rec.Customer(), workspace{}
	p := media.Packet{Codec: media.PCMA, Payload: make([]byte, 160), Arrival: rec.base}
	b.ReportAllocs()
	for i := range b.N {
		tap.Tap(&p)
		p.Sequence++
		p.Timestamp += 160
		p.Arrival = p.Arrival.Add(20 * time.Millisecond)
		if i%50 == 49 { // as at a flush each half second with both channels
			rec.writer.mu.Lock() // the writer keeps away
			if err := rec.flush(&space, time.Hour); err != nil {
				b.Fatal(err)
			}
			rec.writer.mu.Unlock()
		}
	}
}

// TestEndCutsWhatCameLater holds that packets which arrive after the end of the call
// are no part of the recording, also those that were on their way to the disk when
// the end was told.
func TestEndCutsWhatCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes, so that the writer keeps away
		rec := start(t, newTestRecorder(t, Config{}), Meta{ID: "a", Start: time.Now()})
		synctest.Wait() // its first turn may be at once
		s := newSource(rec, rec.Customer(), 1)
		at := s.talk(20*ms, 20)
		rec.End(rec.base.Add(200 * ms))
		s.talk(at, 1)
		sum, l, _ := closed(t, rec)
		if sum.Left.Received != 10 {
			t.Errorf("%d packets of a call of 200 ms", sum.Left.Received)
		}
		equal(t, "left", l, silence(160), s.octets(0, 1600))
	})
}
