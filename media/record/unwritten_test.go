package record

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media/record/chain"
)

// lacking holds that a recording tells of one stretch that it lacks, everywhere: in the
// summary, in the file's marks, in the chain and among the recorder's figures. It returns
// the stretch.
func lacking(t *testing.T, rec *Recording, sum Summary) Span {
	t.Helper()
	r := rec.recorder
	if len(sum.Unwritten) != 1 {
		t.Fatalf("lacks %v, want one stretch", sum.Unwritten)
	}
	lacks := sum.Unwritten[0]
	want := found{"could not be written: the disk failed", sampleCount(lacks.At), sampleCount(lacks.Length)}
	marks := marksOf(t, contents(t, r.nameOf(sum.Path)))
	if !slices.Contains(marks, want) {
		t.Errorf("no mark %v among %v", want, marks)
	}
	for _, m := range marks {
		if strings.HasPrefix(m.label, "nothing came") {
			t.Errorf("a party is blamed for it: %v", m)
		}
	}
	x, err := chain.Load(r.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if it, _ := x.ID(sum.ID); it.Kind != chain.Kept || it.Why != whyLacking(lacks.Length) || it.Why == "" {
		t.Errorf("in the chain: %+v", it)
	}
	if got := r.Stats().Unwritten; got != lacks.Length {
		t.Errorf("%v counted, want %v", got, lacks.Length)
	}
	verified(t, r.cfg.Dir)
	return lacks
}

// TestDiskFailsForLongerThanMemoryLasts: what had to be given up in the midst of a call is
// told, and nothing else is missing.
func TestDiskFailsForLongerThanMemoryLasts(t *testing.T) {
	eachKind(t, testDiskFailsForLongerThanMemoryLasts)
}

func testDiskFailsForLongerThanMemoryLasts(t *testing.T, as kind) {
	synctest.Test(t, func(t *testing.T) {
		r, disk := newFaultyRecorder(t, as.of(Config{Writers: 1}))
		rec := start(t, r, Meta{ID: "u", Start: time.Now()})
		customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
		at := time.Duration(0)
		talk := func(seconds int) {
			for range seconds {
				customer.talk(at, 50)
				at = agent.talk(at, 50)
				time.Sleep(time.Second)
			}
		}
		talk(4)
		disk.fail(syscall.ENOSPC)
		talk(40)
		awaitAlarm(t, r)
		disk.fail(nil)
		talk(4)
		sum, l, right := closed(t, rec)
		if sum.Duration < 47*time.Second || sum.Dropped != 0 || sum.Gaps() != 0 {
			t.Errorf("%+v", sum)
		}
		lacks := lacking(t, rec, sum)
		if lacks.At < 3*time.Second || lacks.At > 4*time.Second || lacks.Length < 20*time.Second || lacks.At+lacks.Length > 44*time.Second {
			t.Errorf("lacks %v", lacks)
		}
		from, to := sampleCount(lacks.At), sampleCount(lacks.At+lacks.Length)
		for name, c := range map[string]struct {
			got  []byte
			said *source
		}{"left": {l, customer}, "right": {right, agent}} {
			said := c.said.octets(0, len(c.got))
			equal(t, name, c.got, said[:from], silence(int(to-from)), said[to:])
		}
	})
}

// hog takes all memory that is free, until it is given back.
func hog(p *chunkPool) (giveBack func()) {
	var all []*chunk
	for c := p.get(); c != nil; c = p.get() {
		all = append(all, c)
	}
	return func() {
		for _, c := range all {
			p.put(c)
		}
	}
}

// TestNoRoomInMemoryIsTold: packets for which there was no room are told of as what they
// are, whatever came before and after them.
func TestNoRoomInMemoryIsTold(t *testing.T) {
	const dropped, whole = 100, chunkEntries
	for _, c := range []struct {
		name          string
		answered      bool // the recording knows when the call was
		before, after int  // packets that are recorded
	}{
		{"in the midst", true, whole, 50},
		{"to the end", true, whole, 0},
		{"the beginning", true, 0, 50},
		{"all", true, 0, 0},
		{"all of a call that was answered nobody knows when", false, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // nothing is written while the test runs
				r := newTestRecorder(t, Config{Flush: MaxFlush, Memory: 1})
				m := Meta{ID: "m"}
				if c.answered {
					m.Start = time.Now()
				}
				giveBack := func() {}
				if c.before == 0 {
					giveBack = hog(r.pool)
				}
				rec := start(t, r, m)
				synctest.Wait() // its first turn may be at once
				s := newSource(rec, rec.Customer(), 1)
				at := s.talk(0, c.before)
				if c.before > 0 {
					giveBack = hog(r.pool)
				}
				at = s.talk(at, dropped)
				giveBack()
				s.talk(at, c.after)
				sum, l, right := closed(t, rec)
				if sum.Dropped != dropped || r.Stats().Dropped != dropped {
					t.Errorf("%d packets dropped, %d in all, want %d", sum.Dropped, r.Stats().Dropped, dropped)
				}
				lacks := lacking(t, rec, sum)
				want := Span{time.Duration(c.before) * 20 * ms, dropped * 20 * ms}
				if lacks != want {
					t.Errorf("lacks %v, want %v", lacks, want)
				}
				said := s.octets(0, s.made)
				from, to := sampleCount(want.At), sampleCount(want.At+want.Length)
				equal(t, "left", l, said[:from], silence(int(to-from)), said[to:])
				equal(t, "right", right, silence(s.made))
			})
		})
	}
}
