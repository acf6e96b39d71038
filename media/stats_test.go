package media

import (
	"math"
	"testing"
	"time"
)

func TestReception(t *testing.T) {
	type packet struct {
		sequence  uint16
		timestamp uint32
		ms        float64 // arrival
		ssrc      uint32
	}
	regular := func(from uint16, n int) (out []packet) {
		for i := range n {
			out = append(out, packet{from + uint16(i), uint32(i) * 160, float64(i) * 20, 1})
		}
		return out
	}
	cases := []struct {
		name           string
		packets        []packet
		received, lost uint64
		late           uint64
		jitter         float64 // ms
	}{
		{"regular, over the wrap", regular(65530, 20), 20, 0, 0, 0},
		{"loss", append(regular(65530, 5), regular(65530, 20)[10:]...), 15, 5, 0, 0},
		{"reordered", []packet{{1, 0, 0, 1}, {3, 320, 40, 1}, {2, 160, 41, 1}, {4, 480, 60, 1}}, 4, 0, 1, 2.4},
		{"before the first", []packet{{5, 160, 0, 1}, {4, 0, 1, 1}, {6, 320, 20, 1}}, 3, 0, 1, 2.5},
		{"twice", []packet{{1, 0, 0, 1}, {1, 0, 0, 1}, {3, 320, 40, 1}}, 3, 0, 1, 0},
		{"another source", append(append(regular(1, 4), packet{9, 960, 120, 1}), packet{30000, 7, 100, 2}), 6, 4, 0, 0},
		{"a restart of the sequence", append(regular(100, 5), packet{20000, 800, 100, 1}, packet{20001, 960, 120, 1}), 6, 0, 1, 0},
		{"one number astray", append(regular(100, 5), packet{20000, 800, 100, 1}, packet{105, 800, 100, 1}), 6, 0, 1, 0},
		{"a replay from far back", append(regular(1, 200), append(regular(50, 2), packet{201, 32000, 4000, 1})...), 201, 0, 2, 0},
		{"a replay amid packets", append(regular(1, 200), packet{50, 7840, 4000, 1}, packet{201, 32000, 4000, 1}, packet{51, 8000, 4020, 1}, packet{202, 32160, 4020, 1}), 202, 0, 2, 0},
		{"a restart of all numbers from one that was before", append(regular(1, 200), regular(1, 30)...), 206, 0, 24, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r reception
			for _, p := range c.packets {
				r.update(header{sequence: p.sequence, timestamp: p.timestamp, ssrc: p.ssrc},
					time.Duration(p.ms*float64(time.Millisecond)), true)
			}
			if r.received != c.received || r.lost() != c.lost || r.late != c.late {
				t.Errorf("received %d, lost %d, late %d; want %d, %d, %d", r.received, r.lost(), r.late, c.received, c.lost, c.late)
			}
			if got := samples(r.jitter).Seconds() * 1000; math.Abs(got-c.jitter) > 0.3 {
				t.Errorf("jitter %.2f ms, want %.2f", got, c.jitter)
			}
		})
	}
}

// TestJitterConverges: packets that are alternately in time and 8 ms late have
// a mean difference of 8 ms, which is what RFC 3550 calls their jitter.
func TestJitterConverges(t *testing.T) {
	var r reception
	for i := range 500 {
		at := time.Duration(i)*20*time.Millisecond + time.Duration(i%2)*8*time.Millisecond
		r.update(header{sequence: uint16(i), timestamp: uint32(i) * 160}, at, true)
	}
	if got := samples(r.jitter); (got - 8*time.Millisecond).Abs() > 50*time.Microsecond {
		t.Errorf("jitter %v, want 8 ms", got)
	}
}

func TestFractionLost(t *testing.T) {
	var r reception
	for i := range 100 {
		if i%4 != 3 {
			r.update(header{sequence: uint16(i)}, 0, false)
		}
	}
	r.update(header{sequence: 100}, 0, false)
	if got := r.fractionLost(); got < 61 || got > 64 {
		t.Errorf("a quarter lost is %d/256", got)
	}
	if got := r.fractionLost(); got != 0 {
		t.Errorf("nothing lost since is %d/256", got)
	}
}
