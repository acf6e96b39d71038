package quality

import (
	"math"
	"math/rand/v2"

	"ringpace/media"
)

// pcm is linear audio of 8 kHz, full scale 1.
type pcm []float64

// sine is seconds of a sine whose power is dBov.
func sine(hz, dBov, seconds float64) pcm {
	out := make(pcm, int(seconds*media.ClockRate))
	amplitude := math.Sqrt2 * math.Pow(10, dBov/20)
	for i := range out {
		out[i] = amplitude * math.Sin(2*math.Pi*hz*float64(i)/media.ClockRate)
	}
	return out
}

func quiet(seconds float64) pcm { return make(pcm, int(seconds*media.ClockRate)) }

// noise is seconds of white noise whose power is dBov.
func noise(dBov, seconds float64) pcm {
	random := rand.New(rand.NewPCG(1, 2))
	out := make(pcm, int(seconds*media.ClockRate))
	for i := range out {
		out[i] = math.Pow(10, dBov/20) * random.NormFloat64()
	}
	return out
}

// babble is like speech as far as levels go: syllables of noise under a swelling
// envelope, of different loudness, with pauses of different lengths.
func babble(dBov, seconds float64, seed uint64) pcm {
	random := rand.New(rand.NewPCG(seed, 3))
	var out pcm
	for len(out) < int(seconds*media.ClockRate) {
		for range 2 + random.IntN(8) { // syllables of a phrase
			n := 800 + random.IntN(1600)
			loud := math.Pow(10, -random.Float64()*12/20)
			for i := range n {
				out = append(out, loud*math.Sin(math.Pi*float64(i)/float64(n))*random.NormFloat64())
			}
			out = append(out, make(pcm, random.IntN(800))...)
		}
		out = append(out, make(pcm, random.IntN(10000))...)
	}
	out = out[:int(seconds*media.ClockRate)]
	sum := 0.0
	for _, x := range out {
		sum += x * x
	}
	scale := math.Pow(10, dBov/20) / math.Sqrt(sum/float64(len(out)))
	for i := range out {
		out[i] *= scale
	}
	return out
}

func (p pcm) then(q ...pcm) pcm {
	out := append(pcm(nil), p...)
	for _, x := range q {
		out = append(out, x...)
	}
	return out
}

func (p pcm) encode(c media.Codec) []byte {
	out := make([]byte, len(p))
	for i, x := range p {
		out[i] = c.Encode(int16(max(-32768, min(32767, math.RoundToEven(32768*x)))))
	}
	return out
}

// frames puts two channels together; the shorter one gets silence.
func frames(c media.Codec, l, r pcm) []byte {
	n := max(len(l), len(r))
	a, b := append(l[:len(l):len(l)], make(pcm, n-len(l))...).encode(c), append(r[:len(r):len(r)], make(pcm, n-len(r))...).encode(c)
	out := make([]byte, 0, channels*n)
	for i := range n {
		out = append(out, a[i], b[i])
	}
	return out
}

func measure(c media.Codec, l, r pcm) Figures {
	m := NewMeter(c)
	m.Add(frames(c, l, r))
	return m.Figures(0)
}
