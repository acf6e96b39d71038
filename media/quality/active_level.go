package quality

import (
	"math"

	"ringpace/media"
)

// ITU-T P.56, method B (section 7, the parameters of table 1).
const (
	timeConstant = 0.03 // seconds, of each of the two stages of the envelope
	hangover     = 0.2  // seconds for which a pause still counts as speech
	margin       = 15.9 // dB between the active level and the threshold of activity
	thresholds   = 15   // each twice the one below
)

// The envelope is looked at once for each block, of which it takes the mean: 800
// times a second, where P.56 asks for 694 at least.
const (
	blockFrames    = 10 // samples
	hangoverBlocks = hangover * media.ClockRate / blockFrames
)

// none is the instant of what never was.
const none = -1

// envelopeKeep is what each stage of the envelope keeps of itself from block to block:
// e to the power of -1/24.
const envelopeKeep = 0.9591894571091382

// threshold is the j-th one, full scale being 32768.
func threshold(j int) float64 { return float64(int(1) << j) }

// activeLevel measures one channel. Instants are numbers of blocks.
type activeLevel struct {
	first, second float64 // the stages of the envelope
	above         int     // thresholds that it has reached
	falls, rises  float64 // the threshold below which that is one less, and from which it is one more
	now           int64
	square        uint64 // sum over all samples; full scale counts 2^30

	// By threshold: how long it was reached, pauses shorter than the hangover and the
	// hangover itself included, as far as that is booked; since when it is, or was last.
	active [thresholds]int64
	since  [thresholds]int64
	until  [thresholds]int64
}

func newActiveLevel() activeLevel {
	a := activeLevel{rises: threshold(0)}
	for j := range thresholds {
		a.until[j] = none
	}
	return a
}

// block takes the sum of the magnitudes of a block's samples and that of their squares.
func (a *activeLevel) block(magnitudes, squares uint64) {
	a.square += squares
	a.first = envelopeKeep*a.first + (1-envelopeKeep)/blockFrames*float64(int64(magnitudes))
	a.second = envelopeKeep*a.second + (1-envelopeKeep)*a.first
	if a.second < a.falls || a.second >= a.rises {
		a.cross()
	}
	a.now++
}

// cross books that thresholds were reached or are reached no more.
func (a *activeLevel) cross() {
	for a.above < thresholds && a.second >= threshold(a.above) {
		j := a.above
		a.active[j] += a.held(j)
		a.since[j] = a.now
		a.above++
	}
	for a.above > 0 && a.second < threshold(a.above-1) {
		a.above--
		j := a.above
		a.active[j] += a.now - a.since[j]
		a.until[j] = a.now
	}
	a.falls, a.rises = 0, math.Inf(1)
	if a.above > 0 {
		a.falls = threshold(a.above - 1)
	}
	if a.above < thresholds {
		a.rises = threshold(a.above)
	}
}

// held is what the hangover adds at a threshold that is not reached.
func (a *activeLevel) held(j int) int64 {
	if a.until[j] == none {
		return 0
	}
	return min(a.now-a.until[j], hangoverBlocks)
}

// dBov is the active level: the power of all that was heard over the time for which
// there was speech, that is, for which the envelope was above a threshold 15.9 dB
// below just this level. It lies where that holds between two thresholds. Silence has
// MinLevel.
func (a *activeLevel) dBov() float64 {
	lower, lowerExcess := 0.0, math.NaN()
	for j := range thresholds {
		active := a.active[j]
		if j < a.above {
			active += a.now - a.since[j]
		} else {
			active += a.held(j)
		}
		if active == 0 {
			break
		}
		level := decibels(float64(a.square) / float64(active*blockFrames) / (1 << 30))
		excess := level - 20*math.Log10(threshold(j)/(1<<15)) - margin
		if excess <= 0 {
			if math.IsNaN(lowerExcess) {
				break // it is never so far above
			}
			share := lowerExcess / (lowerExcess - excess)
			return max(MinLevel, lower+share*(level-lower))
		}
		lower, lowerExcess = level, excess
	}
	return MinLevel
}

func decibels(power float64) float64 { return 10 * math.Log10(power) }
