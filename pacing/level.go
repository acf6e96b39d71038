package pacing

import "math"

const (
	levelPrior    = 6.0
	levelHalfLife = 120.0 // expected answers after which what was learned counts half
)

// level follows changes of a list's quality within some tens of calls: it is how many
// people answer for each that is expected. Its posterior is a gamma distribution.
type level struct {
	Answered float64 `json:"answered"`
	Expected float64 `json:"expected"`
}

// expect counts answers that were to be expected in some time, answered one that came.
func (l *level) expect(n float64) {
	f := math.Exp2(-n / levelHalfLife)
	l.Answered *= f
	l.Expected = l.Expected*f + n
}

func (l *level) answered() { l.Answered++ }

// mean is the level, and cv its coefficient of variation.
func (l *level) mean() (mean, cv float64) {
	shape := l.Answered + levelPrior
	return shape / (l.Expected + levelPrior), 1 / math.Sqrt(shape)
}

// points are levels that stand for the whole posterior, with their weights: one where it
// is narrow, else three (the roots of the third Hermite polynomial).
func (l *level) points() (levels, weights []float64) {
	mean, cv := l.mean()
	if cv <= 0.13 {
		return []float64{mean}, []float64{1}
	}
	d := math.Sqrt(3) * cv
	return []float64{mean * max(1-d, 0.05), mean, mean * (1 + d)}, []float64{1. / 6, 2. / 3, 1. / 6}
}
