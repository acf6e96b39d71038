package pacing

import "math"

const (
	stageBins = 64 // intervals of one second by which times in a stage are told apart; the last has no end

	stagePrior    = 20.0   // calls that the prior of a stage is worth
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

// spend counts the seconds from a to b that a call with those odds spent in the stage. It
// returns how many answers were to be expected in them.
func (s *stage) spend(prior *stagePriors, a, b, odds float64) (expected float64) {
	for k := int(a); a < b; k++ {
		end := b
		if k < stageBins-1 {
			end = min(b, float64(k+1))
		}
		i := min(k, stageBins-1)
		s.Exposure[i] += end - a
		s.Chances[i] += (end - a) * odds
		expected += s.answer(prior, i) * (end - a) * odds
		a = end
	}
	return expected
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

// stagePriors are the hazards, per second, that are assumed before anything is known.
type stagePriors struct{ answer, ring, end float64 }

// Before anything is known one call in five is answered, most of them within 20 s.
var (
	dialingPrior = stagePriors{answer: 0.004, ring: 0.25, end: 0.05}
	ringingPrior = stagePriors{answer: 0.014, end: 0.04}
)

// weights are the seconds that the prior is worth in each interval.
var weights = func() (w [stageBins]float64) {
	for i := range w {
		w[i] = stagePrior * math.Exp(-float64(i)/20)
	}
	return w
}()

// answer, ring and end are hazards of interval i, of calls with even odds.
func (s *stage) answer(p *stagePriors, i int) float64 {
	return (s.Answered[i] + weights[i]*p.answer) / (s.Chances[i] + weights[i])
}

func (s *stage) ring(p *stagePriors, i int) float64 {
	return (s.Rang[i] + weights[i]*p.ring) / (s.Exposure[i] + weights[i])
}

func (s *stage) end(p *stagePriors, i int) float64 {
	return (s.Over[i] + weights[i]*p.end) / (s.Exposure[i] + weights[i])
}
