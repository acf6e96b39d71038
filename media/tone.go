package media

import (
	"math"
	"time"
)

// fullScale is the level of a full-scale sine in dBm0 (G.711: 3.14 for A-law, 3.17
// for mu-law).
const fullScale = 3.14

// toneRamp softens the edges of a tone, which would click.
const toneRamp = 5 * time.Millisecond

// PromptTone makes a prompt of tones: all of freqs, in Hz, at once, each at level, in
// dBm0 (-10 is usual for call progress tones), sounding by the cadence: on, off, on, …
// Looped, it is a ring-back or busy tone: PromptTone([]float64{425}, -10, time.Second,
// 4*time.Second).
func PromptTone(freqs []float64, level float64, cadence ...time.Duration) *Prompt {
	return newPrompt(toneSamples(freqs, level, cadence...))
}

// toneSamples makes the samples of PromptTone, full scale 1.
func toneSamples(freqs []float64, level float64, cadence ...time.Duration) []float32 {
	amplitude := math.Pow(10, (level-fullScale)/20)
	ramp := int(toneRamp.Seconds() * ClockRate)
	var out []float32
	for i, d := range cadence {
		n := int(d.Seconds()*ClockRate + 0.5)
		if i%2 == 1 {
			out = append(out, make([]float32, n)...)
			continue
		}
		for k := range n {
			sum := 0.0
			for _, f := range freqs {
				sum += math.Sin(2 * math.Pi * f * float64(k) / ClockRate)
			}
			edge := min(1, float64(min(k, n-1-k))/float64(ramp))
			out = append(out, float32(amplitude*edge*sum))
		}
	}
	return out
}
