package media

import (
	"math"
	"testing"
	"time"
)

// TestRating holds the E-model against ITU-T G.107: its default rating of 93.2 and
// equations 7-17 to 7-29 and B-4 reckoned by hand.
func TestRating(t *testing.T) {
	cases := []struct {
		name   string
		i      impairments
		r, mos float64
	}{
		{"nothing impaired", impairments{}, 93.2, 4.41},
		{"1 % of random loss", impairments{loss: .01}, 93.2 - 95/26.1, 4.34},
		{"5 % of random loss", impairments{loss: .05}, 93.2 - 95*5/30.1, 3.94},
		{"5 % in bursts", impairments{loss: .05, burst: 2}, 93.2 - 95*5/27.6, 3.87},
		{"a burst shorter than chance", impairments{loss: .05, burst: .5}, 93.2 - 95*5/30.1, 3.94},
		{"all lost", impairments{loss: 1}, 93.2 - 95*100/125.1, 1.16},
		{"150 ms", impairments{delay: 150 * time.Millisecond}, 89.5, 4.32},
		{"400 ms", impairments{delay: 400 * time.Millisecond}, 62.3, 3.22},
		{"a loss below none", impairments{loss: -1, delay: -time.Second}, 93.2, 4.41},
	}
	for _, c := range cases {
		if q := c.i.rate(); math.Abs(q.R-c.r) > .6 || math.Abs(q.MOS-c.mos) > .03 {
			t.Errorf("%s: R %.2f, MOS %.2f; want %.2f, %.2f", c.name, q.R, q.MOS, c.r, c.mos)
		}
	}
	for r, mos := range map[float64]float64{-1: 1, 0: 1, 3: 1, 50: 2.58, 60: 3.10, 70: 3.60, 80: 4.02, 90: 4.34, 100: 4.5} {
		if got := opinion(r); math.Abs(got-mos) > .005 {
			t.Errorf("opinion of R = %v is %.3f, want %.2f", r, got, mos)
		}
	}
}

// TestQualityOfSession: both directions of a session are rated by their own figures.
func TestQualityOfSession(t *testing.T) {
	var s SessionStats
	if _, ok := s.Heard(); ok {
		t.Error("a stream that never came is rated")
	}
	if _, ok := s.HeardByRemote(); ok {
		t.Error("a stream that nobody reported on is rated")
	}
	s = SessionStats{Sent: 1000, Received: 980, Lost: 20, Bursts: 20, Reported: true, RemoteLost: 100}
	random, _ := s.Heard()
	far, _ := s.HeardByRemote()
	s.Bursts = 2
	bursts, _ := s.Heard()
	s.Bursts, s.RoundTrip, s.Jitter = 20, 400*time.Millisecond, 40*time.Millisecond
	late, _ := s.Heard()
	if random.MOS < 4.1 || random.MOS > 4.3 || far.MOS > 3.6 || bursts.MOS >= random.MOS || late.MOS >= random.MOS-.3 {
		t.Errorf("random loss %.2f, in bursts %.2f, with delay %.2f, at the far side %.2f", random.MOS, bursts.MOS, late.MOS, far.MOS)
	}
}

// TestBursts: runs of loss are counted, and the figures of a part of the time are those
// of that part alone.
func TestBursts(t *testing.T) {
	s, _ := bareSession(t, bareEngine(), "8 101")
	now := time.Now()
	send := func(sequences ...uint16) {
		for _, n := range sequences {
			deliver(t, s, speech(n, uint32(n)*160, 1), now.Add(time.Duration(n)*clockPeriod))
		}
	}
	send(1, 2, 6)
	before := s.Stats()
	if before.Lost != 3 || before.Bursts != 1 {
		t.Errorf("lost %d in %d runs, want 3 in 1", before.Lost, before.Bursts)
	}
	send(7, 9, 12, 13)
	if now := s.Stats().Since(before); now.Received != 4 || now.Lost != 3 || now.Bursts != 2 {
		t.Errorf("of the second part %+v, want 4 received, 3 lost in 2 runs", now)
	}
	send(4) // late
	if now := s.Stats().Since(s.Stats()); now.Received+now.Lost+now.Bursts+now.Late != 0 {
		t.Errorf("of no time %+v", now)
	}
}
