package record

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestFullCoreLosesNothing has many calls recorded by a machine that has no time for them for
// seconds: packets wait in their sockets, for 800 ms at the worst, and the writer does not get
// to write. All recordings are whole, and say so.
func TestFullCoreLosesNothing(t *testing.T) {
	const (
		calls   = 40
		packets = 700
	)
	// behind is how many packets of each party wait to be read when the i-th is sent.
	behind := func(i int) int { return max(0, min((i-100)/3, 40, (400-i)/3)) }
	synctest.Test(t, func(t *testing.T) {
		r, disk := newFaultyRecorder(t, Config{Writers: 1})
		parties := make([][channels]*source, calls)
		for call := range parties {
			rec := start(t, r, Meta{ID: fmt.Sprint(call), Start: time.Now()})
			parties[call] = [channels]*source{newSource(rec, rec.Customer(), 2*call), newSource(rec, rec.Agent(), 2*call+1)}
		}
		release := func() {}
		read := 0 // packets, of each party
		for i := range packets {
			time.Sleep(20 * ms)
			switch i {
			case 150:
				release = disk.stall()
			case 350: // 4 s later
				release()
			}
			for ; read <= i-behind(i); read++ {
				for _, both := range parties {
					for _, s := range both {
						s.arrive(time.Since(s.rec.base), s.packet())
					}
				}
			}
		}
		if read != packets {
			t.Fatalf("%d packets were read", read)
		}
		for call, both := range parties {
			sum, l, right := closed(t, both[left].rec)
			for channel, heard := range [channels][]byte{l, right} {
				s, before := both[channel], len(heard)-packets*160
				if before < 0 || before > 800 {
					t.Fatalf("call %d, channel %d: %v", call, channel, duration(int64(len(heard))))
				}
				equal(t, fmt.Sprintf("call %d, %d.", call, channel), heard, silence(before), s.octets(0, packets*160))
			}
			if sum.CutTotal() != 0 || sum.Gaps() != 0 || sum.Left.Lost+sum.Right.Lost+sum.Dropped != 0 || sum.UnwrittenTotal() != 0 {
				t.Errorf("call %d says: %v cut, gaps of %v, %d and %d lost, %d dropped, %v unwritten", call,
					sum.CutTotal(), sum.Gaps(), sum.Left.Lost, sum.Right.Lost, sum.Dropped, sum.UnwrittenTotal())
			}
		}
	})
}
