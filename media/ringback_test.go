package media

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestRingBackByCountry(t *testing.T) {
	for _, c := range []struct {
		country  string
		hz       []float64
		cycle    time.Duration
		from, to int // samples in which it sounds
		rest     int // a sample at which it rests
	}{
		{"", []float64{425}, 5 * time.Second, 0, 8000, 9000},
		{"DE", []float64{425}, 5 * time.Second, 0, 8000, 9000},
		{"US", []float64{440, 480}, 6 * time.Second, 0, 16000, 20000},
		{"GB", []float64{400, 450}, 3 * time.Second, 4800, 8000, 3600},
		{"CN", []float64{450}, 5 * time.Second, 0, 8000, 9000},
		{"AU", []float64{413, 438}, 3 * time.Second, 4800, 8000, 3600},
		{"ES", []float64{425}, 4500 * time.Millisecond, 0, 12000, 14000},
		{"SE", []float64{425}, 6 * time.Second, 0, 8000, 9000},
		{"HK", []float64{440, 480}, 4 * time.Second, 4800, 8000, 3600},
		{"FR", []float64{440}, 5 * time.Second, 0, 12000, 14000},
	} {
		p := RingBack(c.country)
		if p.Duration() != c.cycle {
			t.Errorf("%s: one ring lasts %v, want %v", c.country, p.Duration(), c.cycle)
		}
		on := p.alaw[c.from+100 : c.to-100]
		for _, hz := range c.hz {
			tone, _ := measure(on, PCMA, hz)
			want := -10 - 10*math.Log10(float64(len(c.hz)))
			if level := 20*math.Log10(tone) + fullScale; math.Abs(level-want) > 1 {
				t.Errorf("%s: %v Hz at %.1f dBm0, want %.1f", c.country, hz, level, want)
			}
		}
		if loud := PCMA.Energy(p.alaw[c.rest : c.rest+400]); loud > 400*100 {
			t.Errorf("%s: it sounds where it should rest", c.country)
		}
	}
	if known := RingBackCountries(); !slices.IsSorted(known) || !slices.Contains(known, "US") || slices.Contains(known, "") {
		t.Errorf("countries %v", known)
	}
}
