package media

import (
	"math"
	"slices"
	"testing"
	"time"
)

// TestTonesByCountry holds each tone to its frequencies, at the level of ITU-T E.180, and
// to its cadence, to 10 ms.
func TestTonesByCountry(t *testing.T) {
	ringBack := func(of Tones) *Prompt { return of.RingBack }
	busy := func(of Tones) *Prompt { return of.Busy }
	congestion := func(of Tones) *Prompt { return of.Congestion }
	for _, c := range []struct {
		country string
		tone    func(Tones) *Prompt
		hz      []float64
		cadence []int // ms
	}{
		{"", ringBack, []float64{425}, []int{1000, 4000}},
		{"", busy, []float64{425}, []int{500, 500}},
		{"", congestion, []float64{425}, []int{250, 250}},
		{"ZZ", busy, []float64{425}, []int{500, 500}},
		{"DE", ringBack, []float64{425}, []int{1000, 4000}},
		{"DE", busy, []float64{425}, []int{480, 480}},
		{"DE", congestion, []float64{425}, []int{240, 240}},
		{"US", ringBack, []float64{440, 480}, []int{2000, 4000}},
		{"US", busy, []float64{480, 620}, []int{500, 500}},
		{"US", congestion, []float64{480, 620}, []int{250, 250}},
		{"GB", ringBack, []float64{400, 450}, []int{400, 200, 400, 2000}},
		{"GB", busy, []float64{400}, []int{370, 370}},
		{"GB", congestion, []float64{400}, []int{400, 350, 220, 520}},
		{"CN", ringBack, []float64{450}, []int{1000, 4000}},
		{"CN", busy, []float64{450}, []int{350, 350}},
		{"CN", congestion, []float64{450}, []int{700, 700}},
		{"AU", ringBack, []float64{413, 438}, []int{400, 200, 400, 2000}},
		{"AU", busy, []float64{425}, []int{370, 370}},
		{"ES", ringBack, []float64{425}, []int{1500, 3000}},
		{"ES", congestion, []float64{425}, []int{200, 200, 200, 200, 200, 600}},
		{"SE", ringBack, []float64{425}, []int{1000, 5000}},
		{"SE", congestion, []float64{425}, []int{250, 750}},
		{"BR", congestion, []float64{425}, []int{250, 250, 750, 250}},
		{"HK", ringBack, []float64{440, 480}, []int{400, 200, 400, 3000}},
		{"FR", ringBack, []float64{440}, []int{1500, 3500}},
		{"FR", busy, []float64{440}, []int{500, 500}},
		{"TH", ringBack, []float64{420}, []int{1000, 5000}},
		{"TH", congestion, []float64{400}, []int{300, 300}},
		{"IE", busy, []float64{425}, []int{500, 500}},
	} {
		p := c.tone(TonesOf(c.country))
		if got := cadenceOf(p); !near(got, c.cadence, 10) {
			t.Errorf("%s: it sounds and rests for %v ms, want %v", c.country, got, c.cadence)
			continue
		}
		on := p.alaw[100 : c.cadence[0]*ClockRate/1000-100]
		on = on[:len(on)/80*80]
		for _, hz := range c.hz {
			tone, _ := measure(on, PCMA, hz)
			want := -10 - 10*math.Log10(float64(len(c.hz)))
			if level := 20*math.Log10(tone) + fullScale; math.Abs(level-want) > 1 {
				t.Errorf("%s: %v Hz at %.1f dBm0, want %.1f", c.country, hz, level, want)
			}
		}
	}
	if known := ToneCountries(); !slices.IsSorted(known) || !slices.Contains(known, "US") || slices.Contains(known, "") {
		t.Errorf("countries %v", known)
	}
	for _, country := range ToneCountries() {
		if of := TonesOf(country); min(of.RingBack.Duration(), of.Busy.Duration(), of.Congestion.Duration()) < 300*time.Millisecond {
			t.Errorf("%s: %v, %v, %v", country, of.RingBack.Duration(), of.Busy.Duration(), of.Congestion.Duration())
		}
	}
}

// cadenceOf is for how many milliseconds, in whole tens, a tone sounds and rests in turn.
func cadenceOf(p *Prompt) []int {
	const window = ClockRate / 100
	var spans []int
	sounded := false
	for at := 0; at < len(p.alaw); at += window {
		w := p.alaw[at:min(at+window, len(p.alaw))]
		sounds := PCMA.Energy(w) > uint64(500*500*len(w))
		if len(spans) == 0 || sounds != sounded {
			spans = append(spans, 0)
		}
		spans[len(spans)-1] += 10
		sounded = sounds
	}
	return spans
}

func near(got, want []int, by int) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] < want[i]-by || got[i] > want[i]+by {
			return false
		}
	}
	return true
}
