package media

import "math"

// The filter of the resampler: a windowed sinc with a stop band of about 80 dB.
const (
	resampleZeros = 24  // zero crossings on each side
	resampleBeta  = 8.0 // of the Kaiser window
	resampleBand  = 0.95
)

// resample converts samples from one rate to another, in Hz, by band-limited
// interpolation: every output sample is the sum of the input around it, weighted by
// a windowed sinc whose cut-off lies below half of the lower rate, so that nothing
// folds back into the band.
func resample(in []float32, from, to int) []float32 {
	if from == to || len(in) == 0 {
		return in
	}
	// Output sample i lies at input position i*from/to. Its fraction repeats after
	// to/gcd samples: one set of weights, a phase, for each.
	divisor := gcd(from, to)
	up, down := to/divisor, from/divisor
	cutoff := resampleBand * min(1, float64(to)/float64(from)) // of half the input rate
	half := int(math.Ceil(resampleZeros / cutoff))
	phases := make([][]float64, up)
	out := make([]float32, (len(in)*up+down-1)/down)
	for i := range out {
		position := i * down
		center, phase := position/up, position%up
		if phases[phase] == nil {
			phases[phase] = sincWeights(float64(phase)/float64(up), cutoff, half)
		}
		sum := 0.0
		for k, weight := range phases[phase] {
			if j := center - half + 1 + k; j >= 0 && j < len(in) {
				sum += weight * float64(in[j])
			}
		}
		out[i] = float32(sum)
	}
	return out
}

// sincWeights gives the weights of 2*half input samples around a point that lies
// fraction after the middle one, for a gain of one.
func sincWeights(fraction, cutoff float64, half int) []float64 {
	weights := make([]float64, 2*half)
	total := 0.0
	for k := range weights {
		x := float64(k-half+1) - fraction
		w := kaiser(x / float64(half))
		if angle := math.Pi * cutoff * x; angle != 0 {
			w *= math.Sin(angle) / angle
		}
		weights[k] = w
		total += w
	}
	for k := range weights {
		weights[k] /= total
	}
	return weights
}

// kaiser is the Kaiser window at x, which is within -1 to 1 across it.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel(resampleBeta*math.Sqrt(1-x*x)) / bessel(resampleBeta)
}

// bessel is the modified Bessel function of the first kind and order zero.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
