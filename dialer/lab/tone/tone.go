package tone

import (
	"math"
	"time"
)

// Sine makes a sine of hz at level dBFS (0 is the full scale's sine, -13 a
// usual line level), rate samples per second, for the given time.
func Sine(rate int, hz, level float64, length time.Duration) []int16 {
	amplitude := math.MaxInt16 * math.Pow(10, level/20)
	samples := make([]int16, int(length*time.Duration(rate)/time.Second))
	for i := range samples {
		samples[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return samples
}

// Reading is what a stretch of audio sounds like.
type Reading struct {
	Hz    float64 // the strongest frequency, to the nearest 5 Hz; 0 for digital silence
	Level float64 // of that frequency alone in dBFS; -Inf for digital silence
	Share float64 // of all power that this frequency holds: near 1 for a clean tone
}

// The band of a telephone line that Dominant searches, and its grid.
const (
	lowest  = 100.0
	highest = 3800.0
	grid    = 5.0
)

// Dominant finds the strongest frequency between 100 and 3800 Hz. It looks at
// windows of 200 ms (whose resolution is the 5 Hz of the grid) and averages
// their powers, so that a tone which a lost packet broke in two is still found.
func Dominant(samples []int16, rate int) Reading {
	window := rate / 5
	if len(samples) < window {
		window = len(samples)
	}
	total := power(samples[:len(samples)-len(samples)%max(window, 1)])
	if window == 0 || total == 0 {
		return Reading{Level: math.Inf(-1)}
	}
	var best Reading
	var strongest float64
	for hz := lowest; hz <= highest; hz += grid {
		var sum float64
		windows := 0
		for at := 0; at+window <= len(samples); at += window {
			sum += goertzel(samples[at:at+window], rate, hz)
			windows++
		}
		if mean := sum / float64(windows); mean > strongest {
			strongest = mean
			best = Reading{Hz: hz, Level: level(mean), Share: min(mean/total, 1)}
		}
	}
	return best
}

// Span is a stretch of a sound, counted from its first sample.
type Span struct{ From, To time.Duration }

// Length is the time that the span covers.
func (s Span) Length() time.Duration { return s.To - s.From }

// step and look are how far apart, and how long, the windows are in which Spans
// searches. 20 ms tell telephone tones apart that lie 50 Hz or more asunder.
const (
	step = 5 * time.Millisecond
	look = 20 * time.Millisecond
)

// Spans finds where a tone of hz sounds: louder than -50 dBFS and holding more
// than half of the power. Breaks shorter than join are bridged. The ends are
// right to about 10 ms.
func Spans(samples []int16, rate int, hz float64, join time.Duration) []Span {
	const audible = -50.0
	width := int(look * time.Duration(rate) / time.Second)
	stride := int(step * time.Duration(rate) / time.Second)
	var spans []Span
	for at := 0; at+width <= len(samples); at += stride {
		window := samples[at : at+width]
		heard := goertzel(window, rate, hz)
		if level(heard) < audible || heard < power(window)/2 {
			continue
		}
		// A window is half full where the tone begins or ends: its middle is the edge.
		middle := time.Duration(at+width/2) * time.Second / time.Duration(rate)
		from, to := middle-step/2, middle+step/2
		if last := len(spans) - 1; last >= 0 && from-spans[last].To < join+step {
			spans[last].To = to
		} else {
			spans = append(spans, Span{from, to})
		}
	}
	return spans
}

// goertzel is the mean power of the component at hz, in squared sample units
// (Goertzel, 1958: one bin of a discrete Fourier transform, for any frequency).
func goertzel(samples []int16, rate int, hz float64) float64 {
	coefficient := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var last, before float64
	for _, sample := range samples {
		last, before = float64(sample)+coefficient*last-before, last
	}
	n := float64(len(samples))
	return 2 * (last*last + before*before - coefficient*last*before) / (n * n)
}

// power is the mean square of the samples.
func power(samples []int16) float64 {
	var sum float64
	for _, sample := range samples {
		sum += float64(sample) * float64(sample)
	}
	return sum / float64(max(len(samples), 1))
}

// level is a mean power in dB below that of a full-scale sine.
func level(power float64) float64 {
	const fullScale = math.MaxInt16 * math.MaxInt16 / 2
	return 10 * math.Log10(power/fullScale)
}
