package record

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media"
)

// heldUp records a customer of whose n packets the i-th comes so much later than it was
// sent, but never before the one before; those that are left out never come. It is written
// each 400 ms, as the packets come.
func heldUp(t *testing.T, as kind, n int, late func(i int) time.Duration, lost func(i int) bool) (s *source, sum Summary, heard []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // no time passes, so that the writer keeps away
		rec := start(t, newTestRecorder(t, as.of(Config{Flush: MaxFlush})), Meta{Start: time.Now().Add(-time.Second)})
		synctest.Wait() // its first turn may be at once
		s = newSource(rec, rec.Customer(), 1)
		var space workspace
		at, written := time.Duration(0), time.Duration(0)
		for i := range n {
			p := s.packet()
			if lost != nil && lost(i) {
				continue
			}
			at = max(at, time.Duration(i)*20*ms+late(i))
			s.arrive(at, p)
			if at-written >= 400*ms {
				written = at
				if err := rec.flush(&space, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		sum, heard, _ = closed(t, rec)
	})
	return s, sum, heard
}

// TestHeldUpForLongIsKept: packets that a machine without time for them reads late, and for
// long, are in the recording as they were said, once some come in time again.
func TestHeldUpForLongIsKept(t *testing.T) {
	for _, as := range []kind{kinds[0], kinds[len(kinds)-1]} { // the simplest, and all at once
		t.Run(as.name, func(t *testing.T) {
			t.Parallel()
			testHeldUpForLongIsKept(t, as)
		})
	}
}

func testHeldUpForLongIsKept(t *testing.T, as kind) {
	for _, c := range []struct {
		name string
		late func(i int) time.Duration
	}{
		{"by 300 ms for 2 s", func(i int) time.Duration {
			if i >= 100 && i < 200 {
				return 300 * ms
			}
			return 0
		}},
		{"by 300 ms for 2 s, three times", func(i int) time.Duration {
			if i%200 >= 100 && i < 600 {
				return 300 * ms
			}
			return 0
		}},
		{"by 150 ms for 12 s, which looks as if clocks drifted", func(i int) time.Duration {
			if i >= 250 && i < 850 {
				return 150 * ms
			}
			return 0
		}},
		{"by more and more, up to 1.5 s, and in time at once", func(i int) time.Duration {
			if i >= 100 && i < 600 {
				return time.Duration(i-100) * 3 * ms
			}
			return 0
		}},
		{"by more and more, up to 900 ms, and less and less", func(i int) time.Duration {
			return max(0, 900*ms-time.Duration(max(i-400, 400-i))*3*ms)
		}},
		{"by 250 ms from the first on, for 2 s", func(i int) time.Duration {
			if i < 100 {
				return 250 * ms
			}
			return 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const packets = 1200
			s, sum, heard := heldUp(t, as, packets, c.late, nil)
			if at := bytes.Index(heard, s.octets(0, packets*160)); at < 0 {
				t.Errorf("what was said is not in one piece in the %v of the recording", sum.Duration)
			}
			if sum.CutTotal() != 0 || sum.Gaps() != 0 || sum.Left.Lost != 0 {
				t.Errorf("%v are cut, gaps of %v, %d lost", sum.CutTotal(), sum.Gaps(), sum.Left.Lost)
			}
		})
	}
}

// TestGapAmidWhatWasHeldUp: what is missing among packets that were held up is told where
// it is in the end.
func TestGapAmidWhatWasHeldUp(t *testing.T) {
	late := func(i int) time.Duration {
		if i >= 100 && i < 200 {
			return 300 * ms
		}
		return 0
	}
	s, sum, heard := heldUp(t, kinds[0], 400, late, func(i int) bool { return i == 50 || i == 150 || i == 250 })
	for _, lost := range []int{50, 150, 250} {
		copy(heard[8000+lost*160:], s.octets(lost*160, 160)) // over silence
		if at := time.Second + time.Duration(lost)*20*ms; !bytes.Contains(heard, s.octets(0, (lost+1)*160)) || sum.Left.Lost != 3 ||
			len(sum.Left.Gaps) != 3 || sum.Left.Gaps[(lost-50)/100] != (Span{at, 20 * ms}) {
			t.Errorf("packet %d: %d are lost, gaps %v", lost, sum.Left.Lost, sum.Left.Gaps)
		}
	}
	equal(t, "left", heard[8000:8000+400*160], s.octets(0, 400*160))
}

// TestPacketsWithoutAPlaceAreTold: where a packet's place is taken, it is told that it is not
// in the recording, in the summary and by a mark.
func TestPacketsWithoutAPlaceAreTold(t *testing.T) { eachKind(t, testPacketsWithoutAPlaceAreTold) }

func testPacketsWithoutAPlaceAreTold(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 100)
	s.next.Timestamp -= 1 << 20 // another clock, and sooner than the packets before were through
	s.talk(1600*ms, 50)
	sum, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 16_000), s.octets(16_000+3200, 8000-3200))
	if len(sum.Left.Cut) != 1 || sum.Left.Cut[0] != (Span{1600 * ms, 400 * ms}) || sum.CutTotal() != 400*ms || len(sum.Right.Cut) != 0 {
		t.Errorf("cut: %v, %v", sum.Left.Cut, sum.CutTotal())
	}
	told := false
	for _, m := range marksOf(t, contents(t, rec.recorder.nameOf(sum.Path))) {
		told = told || m == found{"the customer said more: it came when its place was taken", 12_800, 3200}
	}
	if !told {
		t.Error("no mark tells of it")
	}
}

// TestMoveOnATimeline: what is moved leaves silence, in the file and in the window, and the
// other channel as it is.
func TestMoveOnATimeline(t *testing.T) { eachKind(t, testMoveOnATimeline) }

func testMoveOnATimeline(t *testing.T, as kind) {
	const all, hole = 8000, 400
	for _, from := range []int{1000, 5700, 6200, 7500} { // the window begins at 6000
		l, f := newTimeline(as)
		l.put(right, 0, ramp(7, all), all, media.PCMA)
		l.put(left, 0, ramp(0, from-hole), from-hole, media.PCMA)
		l.put(left, int64(from), ramp(from, all-from), all-from, media.PCMA)
		flush(t, l)
		if l.base != all-holdFrames {
			t.Fatalf("the window begins at %d", l.base)
		}
		if !l.move(left, int64(from), all, hole) {
			t.Fatalf("from %d: not moved", from)
		}
		flush(t, l)
		equal(t, "left", f.channel(t, left), ramp(0, from-hole), ramp(from, all-from), silence(hole))
		equal(t, "right", f.channel(t, right), ramp(7, all))
	}
}

// TestMoveThatCannotBe: what cannot be moved stays.
func TestMoveThatCannotBe(t *testing.T) {
	l, f := newTimeline(kinds[0])
	l.put(left, 0, ramp(0, 8000), 8000, media.PCMA)
	flush(t, l)
	f.failed = errors.New("input/output error")
	if l.move(left, 1000, 8000, 100) {
		t.Error("moved in a file that cannot be written")
	}
	f.failed = nil
	if l.move(left, 50, 8000, 100) || l.move(left, 1000, 8001, 100) {
		t.Error("moved beyond an end")
	}
	l.lost = l.lost.with(span{950, 20})
	if l.move(left, 1000, 8000, 100) {
		t.Error("moved over what could not be written")
	}
	if !l.move(left, 1100, 8000, 100) {
		t.Error("not moved")
	}
}
