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

// survival is how likely handling lasts longer than so many whole seconds. Where the
// table ends its last hazard goes on, so that older calls are taken for the oldest here.
type survival [handlingLongest + 1]float64

const handlingLongest = 1800 + 2*lookout

// fill computes the survival from what was learned.
func (v *survival) fill(t *handlingTable) {
	alive := 1.0
	for i := range handlingBins {
		stays := math.Exp(-t.hazard(i))
		for x := int(handlingEdges[i]); x <= handlingLongest && float64(x) < handlingEnd(i); x++ {
			v[x] = alive
			alive = max(alive*stays, 1e-200)
		}
	}
}

// at interpolates.
func (v *survival) at(x float64) float64 {
	i := int(x)
	return v[i] + (x-float64(i))*(v[i+1]-v[i])
}

// busy fills r with the probability that an agent who has been busy for so long is still
// so when the person who answers then has waited for all their patience. It may be
// negative, where an agent's telephone has to ring.
func (v *survival) busy(r *row, age, patience float64) {
	age = min(age, handlingLongest-2*lookout)
	now := v.at(age)
	for k, s := range ahead {
		r[k] = v.at(min(age+max(float64(s)+patience, 0), handlingLongest-1)) / now
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
