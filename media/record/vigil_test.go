package record

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// alarmed holds what the recorder's alarm says now; empty: there is none.
func alarmed(t *testing.T, when string, r *Recorder, want string) {
	t.Helper()
	trouble := r.Trouble()
	if r.Full() != (want != "") || !strings.Contains(trouble, want) || want == "" && trouble != "" {
		t.Errorf("%s: alarm %v, %q; want %q", when, r.Full(), trouble, want)
	}
}

// TestWriteThatHangs: a disk that neither takes nor refuses what it is given raises the
// alarm, and nothing is lost of the call when it goes on in time.
func TestWriteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, disk := newFaultyRecorder(t, Config{Flush: 10 * ms, Writers: 1})
		rec := start(t, r, Meta{})
		s := newSource(rec, rec.Customer(), 1)
		at := s.talk(0, 50)
		time.Sleep(time.Second)
		release := disk.stall()
		s.talk(at, 50)
		time.Sleep(stallLimit - time.Second)
		alarmed(t, "after less than the limit", r, "")
		time.Sleep(time.Second + 2*vigilInterval)
		alarmed(t, "after more", r, "hangs since")
		await(t, "a nudge", r.Changed())
		release()
		time.Sleep(2 * vigilInterval)
		alarmed(t, "when it goes on", r, "")
		await(t, "a nudge", r.Changed())
		sum, l, _ := closed(t, rec)
		equal(t, "left", l, s.octets(0, 16_000))
		if len(sum.Unwritten) > 0 {
			t.Errorf("lacks %v", sum.Unwritten)
		}
	})
}

// TestSealThatHangs is the same where only the end of a call meets with it.
func TestSealThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, disk := newFaultyRecorder(t, Config{Flush: MaxFlush})
		release := disk.stall()
		rec := start(t, r, Meta{})
		s := newSource(rec, rec.Customer(), 1)
		s.talk(0, 50)
		over := make(chan error)
		go func() {
			_, err := rec.Close()
			over <- err
		}()
		time.Sleep(sealLimit - time.Second)
		alarmed(t, "after less than the limit", r, "")
		time.Sleep(time.Second + 2*vigilInterval)
		alarmed(t, "after more", r, "hangs since")
		release()
		if err := <-over; err != nil {
			t.Error(err)
		}
		time.Sleep(2 * vigilInterval)
		alarmed(t, "when it goes on", r, "")
	})
}

// TestLookThatHangs is the same where nobody writes.
func TestLookThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t.TempDir(), 1, slog.New(slog.DiscardHandler))
		gate := make(chan struct{})
		d.room = func(dir string) (int64, error) {
			<-gate
			return room(dir)
		}
		r := &Recorder{cfg: Config{Dir: d.dir}, log: d.log, pool: newChunkPool(1), disk: d, stop: make(chan struct{})}
		r.running.Go(d.run)
		r.running.Go((&vigil{recorder: r, stints: []*stint{&d.looking}}).run)
		time.Sleep(diskInterval + stallLimit - time.Second)
		alarmed(t, "after less than the limit", r, "")
		time.Sleep(time.Second + 2*vigilInterval)
		alarmed(t, "after more", r, "hangs since")
		close(gate)
		time.Sleep(2 * vigilInterval)
		alarmed(t, "when it goes on", r, "")
		close(d.stop)
		close(r.stop)
		r.running.Wait()
	})
}

// TestMemoryRunsOut: the alarm is raised while half of the memory is left, and calls are
// not added again before most of it is.
func TestMemoryRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRecorder(t, Config{Memory: 100 * (chunkData + chunkEntries*40)})
		var taken []*chunk
		use := func(n int) {
			for len(taken) < n {
				taken = append(taken, r.pool.get())
			}
			for len(taken) > n {
				r.pool.put(taken[len(taken)-1])
				taken = taken[:len(taken)-1]
			}
			time.Sleep(2 * vigilInterval)
		}
		for range 40 { // they have a chunk each, which waits for nothing
			start(t, r, Meta{})
		}
		const half = 30 // of the other 60
		use(half)
		alarmed(t, "with half of it", r, "")
		use(half + 2)
		alarmed(t, "with more", r, "too slow")
		use(half - 2)
		alarmed(t, "with less again", r, "too slow")
		use(half/2 - 2)
		alarmed(t, "with a quarter", r, "")
		use(half)
		alarmed(t, "with half of it again", r, "")
		use(0)
	})
}
