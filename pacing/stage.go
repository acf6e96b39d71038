package pacing

import "math"

const (
	stageBins = 64 // intervals of one second by which times in a stage are told apart; the last has no end

	stagePrior    = 20.0   // calls that the prior of a stage is worth
	listPrior     = 30.0   // seconds at risk in each interval that all calls are worth for those of one list
	stageHalfLife = 3000.0 // calls that have left a stage after which what was learned counts half
)

// stage is what a campaign has learned of calls in one state: by the time that they have
// been in it, the hazards, in events per second, of what ends it. How long calls were at
// risk grows while they wait, not when they end: those that fail early would otherwise be
// all that a new campaign knows of.
type stage struct {
	Exposure [stageBins]float64 `json:"exposure"` // seconds that calls were at risk
	Chances  [stageBins]float64 `json:"chances"`  // the same, each weighed by the odds of its lead
	Answered [stageBins]float64 `json:"answered"` // calls that a person answered
	Rang     [stageBins]float64 `json:"rang"`     // calls that began to ring
	Over     [stageBins]float64 `json:"over"`     // calls that ended otherwise: busy, failed, a known machine, given up
}

// exit is how a call leaves a stage.
type exit uint8

const (
	toAnswer exit = iota
	toRinging
	toEnd
)

// spend counts the seconds from a to b that a call with those odds spent in the stage.
func (s *stage) spend(a, b, odds float64) {
	for k := int(a); a < b; k++ {
		end := b
		if k < stageBins-1 {
			end = min(b, float64(k+1))
		}
		i := min(k, stageBins-1)
		s.Exposure[i] += end - a
		s.Chances[i] += (end - a) * odds
		a = end
	}
}

// answers is how many answers the hazards expect from a to b of a call with even odds.
func (h *hazards) answers(a, b float64) (sum float64) {
	for k := int(a); a < b; k++ {
		end := b
		if k < stageBins-1 {
			end = min(b, float64(k+1))
		}
		sum += h.answer[min(k, stageBins-1)] * (end - a)
		a = end
	}
	return sum
}

var stageForget = math.Exp2(-1 / stageHalfLife)

// leave counts a call that leaves the stage at that age.
func (s *stage) leave(age float64, how exit) {
	i := min(int(age), stageBins-1)
	switch how {
	case toAnswer:
		s.Answered[i]++
	case toRinging:
		s.Rang[i]++
	default:
		s.Over[i]++
	}
	for i := range s.Exposure {
		s.Exposure[i] *= stageForget
		s.Chances[i] *= stageForget
		s.Answered[i] *= stageForget
		s.Rang[i] *= stageForget
		s.Over[i] *= stageForget
	}
}

// flat is the same hazards at every age.
func flat(answer, ring, end float64) (h hazards) {
	for i := range stageBins {
		h.answer[i], h.ring[i], h.end[i] = answer, ring, end
	}
	return h
}

// Before anything is known one call in five is answered, most of them within 20 s.
var (
	dialingPrior = flat(0.004, 0.25, 0.05)
	ringingPrior = flat(0.014, 0, 0.04)
)

// priorSeconds is the time at risk that the prior is worth in each interval, and listSeconds
// what all calls are worth for those of one list.
var priorSeconds, listSeconds = func() (w, l [stageBins]float64) {
	for i := range w {
		w[i] = stagePrior * math.Exp(-float64(i)/20)
		l[i] = listPrior
	}
	return w, l
}()
