package record

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestBurstsMoveNothing has the packets of many calls come as a busy machine reads them:
// those of 100 ms at once, or 40 to 200 ms late, in order. Each recording has all that was
// said in one piece, whenever it is written meanwhile.
func TestBurstsMoveNothing(t *testing.T) {
	const packets, calls = 300, 10 // more than a window in which drift is judged
	for name, arrival := range map[string]func(i int) time.Duration{
		"100 ms at once": func(i int) time.Duration { return time.Duration(i/5+1) * 100 * ms },
		"40 to 200 ms late": func(i int) time.Duration {
			return time.Duration(i)*20*ms + 40*ms + time.Duration(i*37%160)*ms
		},
	} {
		synctest.Test(t, func(t *testing.T) { // no time passes, so that the writer keeps away
			r := newTestRecorder(t, Config{Flush: MaxFlush})
			for call := range calls {
				rec := start(t, r, Meta{ID: fmt.Sprint(call)})
				synctest.Wait() // its first turn may be at once
				parties := [channels]*source{newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)}
				var space workspace
				at := time.Duration(0)
				for i := range packets {
					at = max(at, arrival(i))
					for _, p := range parties {
						p.arrive(at, p.packet())
					}
					if i%50 == 5*call { // at another place of each
						if err := rec.flush(&space, at); err != nil {
							t.Fatal(err)
						}
					}
				}
				sum, l, right := closed(t, rec)
				for channel, heard := range [channels][]byte{l, right} {
					said := parties[channel].octets(0, packets*160)
					rest := bytes.Replace(heard, said, nil, 1)
					if len(rest) != len(heard)-len(said) || !bytes.Equal(rest, silence(len(rest))) {
						t.Errorf("%s: call %d, channel %d: not what was said in one piece", name, call, channel)
					}
				}
				if sum.Gaps() != 0 || sum.Dropped != 0 || sum.Left.Lost+sum.Right.Lost != 0 {
					t.Errorf("%s: call %d: %+v", name, call, sum)
				}
			}
		})
	}
}
