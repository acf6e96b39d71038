package pacing

import "math"

// levelSpans are of the memories of a level.
var levelSpans = [...]struct {
	halfLife float64 // expected answers after which what was learned counts half
	prior    float64 // answers that a level of 1 is worth
}{{40, 6}, {150, 6}, {2, 1}}

const (
	scoreHalfLife = 200.0 // expected answers after which how well a memory has foretold counts half
	furthest      = 6.5   // that a memory's score lies behind the best one's: the next change may prove it right
)

// level follows changes of a list's quality: it is how many people answer for each that is
// expected. A short memory follows a change within some tens of answers, and a long one is
// surer as long as nothing changes; the shortest sees a jump for what it is. Each counts as
// well as it has foretold of late (Bayesian model averaging), and never so little that it
// could not come to count soon (as in Herbster and Warmuth's fixed share, 1998).
type level struct {
	Memories [len(levelSpans)]levelMemory `json:"memories"`

	pending float64 // answers that were expected since the last one came, not counted yet
}

// levelMemory is a gamma distribution, and the logarithm of how likely what came was by it.
type levelMemory struct {
	Answered float64 `json:"answered"`
	Expected float64 `json:"expected"`
	Score    float64 `json:"score"`
}

// mean is the level by a memory of that prior.
func (m *levelMemory) mean(prior float64) float64 { return (m.Answered + prior) / (m.Expected + prior) }

// expect counts answers that were to be expected in some time, answered one that came.
func (l *level) expect(n float64) { l.pending += n }

func (l *level) answered() {
	l.settle()
	for i := range l.Memories {
		m := &l.Memories[i]
		m.Score += math.Log(m.mean(levelSpans[i].prior))
		m.Answered++
	}
	l.rank()
}

// rank keeps every memory's score within reach of the best one's. It returns that.
func (l *level) rank() (best float64) {
	best = math.Inf(-1)
	for i := range l.Memories {
		best = max(best, l.Memories[i].Score)
	}
	for i := range l.Memories {
		l.Memories[i].Score = max(l.Memories[i].Score, best-furthest)
	}
	return best
}

// settle counts what is pending.
func (l *level) settle() {
	n := l.pending
	if n <= 0 {
		return
	}
	l.pending = 0
	for i := range l.Memories {
		m := &l.Memories[i]
		m.Score = (m.Score - m.mean(levelSpans[i].prior)*n) * math.Exp2(-n/scoreHalfLife)
		f := math.Exp2(-n / levelSpans[i].halfLife)
		m.Answered *= f
		m.Expected = m.Expected*f + n
	}
}

// mean is the level, and cv its coefficient of variation.
func (l *level) mean() (mean, cv float64) {
	l.settle()
	best := l.rank()
	var sum, square, weights float64
	for i := range l.Memories {
		m := &l.Memories[i]
		prior := levelSpans[i].prior
		w, at := math.Exp(m.Score-best), m.mean(prior)
		sum += w * at
		square += w * at * at * (1 + 1/(m.Answered+prior))
		weights += w
	}
	mean = sum / weights
	return mean, math.Sqrt(max(square/weights/(mean*mean)-1, 0))
}

// mostPoints is by how many levels a posterior is stood for at most.
const mostPoints = 3

// points are levels that stand for the whole posterior, with their weights: one where it
// is narrow, else three (the roots of the third Hermite polynomial).
func (l *level) points() (levels, weights [mostPoints]float64, n int) {
	mean, cv := l.mean()
	if cv <= 0.13 {
		return [mostPoints]float64{mean}, [mostPoints]float64{1}, 1
	}
	d := math.Sqrt(3) * cv
	return [mostPoints]float64{mean * max(1-d, 0.05), mean, mean * (1 + d)}, [mostPoints]float64{1. / 6, 2. / 3, 1. / 6}, 3
}
