package pacing

import "math"

// handlingEdges are the ages, in seconds, at which the table of handling times begins a
// new interval: finer where most calls end.
var handlingEdges = [...]float64{
	0, 2, 4, 6, 8, 11, 14, 18, 22, 27, 33, 40, 48, 57, 68, 80, 95, 112, 132, 155,
	182, 215, 255, 300, 360, 450, 600, 900, 1500,
}

const (
	handlingBins     = len(handlingEdges)
	handlingPrior    = 0.5 // events that the prior is worth, in each interval
	handlingMean     = 90.0
	handlingHalfLife = 2000.0 // calls handled after which what was learned counts half
)

// handlingTable is what a campaign has learned of how long its agents are busy with one
// call: the hazard that they are done, by the time since they got it. Talk and wrap-up
// are one time.
type handlingTable struct {
	Exposure [handlingBins]float64 `json:"exposure"` // seconds that agents were busy
	Done     [handlingBins]float64 `json:"done"`
}

func handlingBin(t float64) int {
	lo, hi := 0, handlingBins
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; handlingEdges[mid] <= t {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

func handlingEnd(i int) float64 {
	if i+1 < handlingBins {
		return handlingEdges[i+1]
	}
	return math.Inf(1)
}

// observe counts the seconds from a to b of one agent's being busy.
func (t *handlingTable) observe(a, b float64) {
	for i := handlingBin(a); a < b; i++ {
		end := min(b, handlingEnd(i))
		t.Exposure[i] += end - a
		a = end
	}
}

var handlingForget = math.Exp2(-1 / handlingHalfLife)

// done counts an agent who was busy for so long.
func (t *handlingTable) done(age float64) {
	t.Done[handlingBin(age)]++
	for i := range t.Done {
		t.Exposure[i] *= handlingForget
		t.Done[i] *= handlingForget
	}
}

func (t *handlingTable) hazard(i int) float64 {
	return (t.Done[i] + handlingPrior) / (t.Exposure[i] + handlingPrior*handlingMean)
}

// done fills p[k] with the probability that an agent who has been busy for so long is
// still so after k+1 seconds and the patience of the person who waits.
func (t *handlingTable) busy(p *row, age, patience float64) {
	i := handlingBin(age)
	h, end := t.hazard(i), handlingEnd(i)
	cumulated, at := 0.0, age
	for k := range p {
		to := age + float64(k+1) + patience
		for to > end {
			cumulated += h * (end - at)
			at = end
			i++
			h, end = t.hazard(i), handlingEnd(i)
		}
		cumulated += h * (to - at)
		at = to
		p[k] = math.Exp(-cumulated)
	}
}

// mean is the expected handling time in seconds.
func (t *handlingTable) mean() float64 {
	alive, sum := 1.0, 0.0
	for i := range handlingBins {
		h := t.hazard(i)
		width := handlingEnd(i) - handlingEdges[i]
		stays := math.Exp(-h * width)
		sum += alive * (1 - stays) / h
		alive *= stays
	}
	return sum
}
