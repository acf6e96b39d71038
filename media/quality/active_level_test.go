package quality

import (
	"bytes"
	"math"
	"testing"

	"ringpace/media"
)

// The digital reference sequences of G.711 (tables 5 and 6) decode to a sine of 1 kHz
// at 0 dBm0.
func TestReferenceSequencesHaveZeroDBm0(t *testing.T) {
	for c, sequence := range map[media.Codec][]byte{
		media.PCMA: {0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4},
		media.PCMU: {0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E},
	} {
		m := NewMeter(c)
		for _, b := range bytes.Repeat(sequence, 2*media.ClockRate/len(sequence)) {
			m.Add([]byte{b, c.Silence()})
		}
		f := m.Figures(0)
		if level := DBm0(f.Left.Active, c); math.Abs(level) > 0.1 {
			t.Errorf("%v: %.2f dBm0, %.2f dBov", c, level, f.Left.Active)
		}
		if f.Right.Active != MinLevel || f.Right.Talk != 0 {
			t.Errorf("%v: silence has %+v", c, f.Right)
		}
	}
}

func TestSinesHaveTheirLevel(t *testing.T) {
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		for dBov := -42.0; dBov <= -4; dBov += 2 {
			f := measure(c, sine(1004, dBov, 3), sine(700, dBov-5, 3))
			if math.Abs(f.Left.Active-dBov) > 0.2 || math.Abs(f.Right.Active-dBov+5) > 0.2 {
				t.Errorf("%v at %v and %v dBov: %.2f and %.2f", c, dBov, dBov-5, f.Left.Active, f.Right.Active)
			}
		}
	}
}

// Pauses take nothing from the active level, as they do from the mean; only the
// hangover of 0.2 s, and the envelope's decay, count as speech.
func TestPausesDoNotLowerTheActiveLevel(t *testing.T) {
	spurt := sine(1004, -20, 4)
	f := measure(media.PCMA, spurt.then(quiet(10), spurt, quiet(10)), nil)
	if expected := -20 + decibels(8/(8+2*(hangover+0.1))); math.Abs(f.Left.Active-expected) > 0.15 {
		t.Errorf("%.2f dBov, want %.2f", f.Left.Active, expected)
	}
}

// The meter looks at blocks of 1.25 ms; the recommendation's algorithm, taken literally,
// at every sample.
func TestBlocksMeasureLikeSamples(t *testing.T) {
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		for seed := range uint64(2) {
			for _, dBov := range []float64{-15, -30, -45} {
				speech := babble(dBov, 8, seed)
				for i, x := range noise(dBov-35, 8) {
					speech[i] += x
				}
				measured, literal := measure(c, speech, nil).Left.Active, literalActiveLevel(c, speech.encode(c))
				if math.Abs(measured-literal) > 0.1 {
					t.Errorf("%v, mean %v dBov, seed %d: %.2f dBov, by samples %.2f", c, dBov, seed, measured, literal)
				}
			}
		}
	}
}

// literalActiveLevel is P.56, section 7.3, sample by sample, and by halving of the
// interval between two thresholds.
func literalActiveLevel(c media.Codec, octets []byte) float64 {
	const hang = hangover * media.ClockRate
	keep := math.Exp(-1 / (timeConstant * media.ClockRate))
	var square, p, q float64
	var active, pause [thresholds]float64
	for j := range pause {
		pause[j] = hang
	}
	for _, b := range octets {
		x := float64(c.Decode(b)) / (1 << 15)
		square += x * x
		p = keep*p + (1-keep)*math.Abs(x)
		q = keep*q + (1-keep)*p
		for j := range thresholds {
			switch {
			case q >= math.Exp2(float64(j-thresholds)):
				active[j]++
				pause[j] = 0
			case pause[j] < hang:
				active[j]++
				pause[j]++
			}
		}
	}
	level := func(j int) float64 { return 10 * math.Log10(square/active[j]) }
	limit := func(j int) float64 { return 20 * math.Log10(math.Exp2(float64(j-thresholds))) }
	for j := 1; j < thresholds; j++ {
		if level(j)-limit(j) > margin {
			continue
		}
		lowLevel, lowLimit, highLevel, highLimit := level(j-1), limit(j-1), level(j), limit(j)
		for range 50 {
			l, k := (lowLevel+highLevel)/2, (lowLimit+highLimit)/2
			if l-k > margin {
				lowLevel, lowLimit = l, k
			} else {
				highLevel, highLimit = l, k
			}
		}
		return highLevel
	}
	return MinLevel
}
