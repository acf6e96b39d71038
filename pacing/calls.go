package pacing

import "math"

const (
	ageBins  = 64 // intervals of one second by which calls' ages are told apart; the last has no end
	lookout  = 34 // seconds ahead that a decision looks
	maxCurve = ageBins + lookout

	callPrior    = 20.0   // calls that the prior is worth
	callHalfLife = 3000.0 // calls that have ended after which what was learned counts half
)

// callTable is what a campaign has learned of its calls: by age, two competing hazards,
// that a person answers and that the call ends otherwise (busy, failed, a machine where
// those are detected, given up). How long calls were at risk grows as they age, not when
// they end: those that fail early would otherwise be all that a new campaign knows of.
//
// level follows changes of the list's quality within some tens of calls: it is how many
// people answer for each that the hazards expect. Its posterior is a gamma distribution.
type callTable struct {
	Exposure [ageBins]float64 `json:"exposure"` // seconds that calls were at risk
	Answers  [ageBins]float64 `json:"answers"`
	Others   [ageBins]float64 `json:"others"`
	Level    level            `json:"level"`
}

// observe counts the seconds from age a to age b of one call.
func (t *callTable) observe(a, b float64) {
	for k := int(a); a < b; k++ {
		end := b
		if k < ageBins-1 {
			end = min(b, float64(k+1))
		}
		i := min(k, ageBins-1)
		t.Exposure[i] += end - a
		t.Level.expect(t.answer(i) * (end - a))
		a = end
	}
}

// answered and ended count how a call of that age left the table.
func (t *callTable) answered(age float64) {
	t.Answers[min(int(age), ageBins-1)]++
	t.Level.answered()
	t.forget()
}

func (t *callTable) ended(age float64) {
	t.Others[min(int(age), ageBins-1)]++
	t.forget()
}

var callForget = math.Exp2(-1 / callHalfLife)

func (t *callTable) forget() {
	for i := range t.Exposure {
		t.Exposure[i] *= callForget
		t.Answers[i] *= callForget
		t.Others[i] *= callForget
	}
}

// answer and other are the hazards of interval i, per second. Before anything is known,
// one call in five is answered, most of them after 5 to 20 s.
func (t *callTable) answer(i int) float64 {
	h, n := priorCall(i)
	return (t.Answers[i] + n*h) / (t.Exposure[i] + n)
}

func (t *callTable) other(i int) float64 {
	_, n := priorCall(i)
	return (t.Others[i] + n*0.04) / (t.Exposure[i] + n)
}

// priorCall is the answers per second that the prior expects in interval i, and the
// seconds at risk that it is worth.
func priorCall(i int) (hazard, seconds float64) {
	n := callPrior * math.Exp(-float64(i)/20)
	switch {
	case i < 2:
		return 0.002, n
	case i < 25:
		return 0.014, n
	}
	return 0.004, n
}

// curve is how calls fare whose answers come so many times as often as the table says.
type curve struct {
	alive    [maxCurve + 1]float64 // share that is still there at an age, in seconds
	answered [maxCurve + 1]float64 // share that a person has answered by then
}

// fill computes the curve for a factor on the hazard of an answer.
func (t *callTable) fill(c *curve, factor float64) {
	c.alive[0], c.answered[0] = 1, 0
	for i := range maxCurve {
		k := min(i, ageBins-1)
		a, o := t.answer(k)*factor, t.other(k)
		stays := math.Exp(-(a + o))
		c.alive[i+1] = c.alive[i] * stays
		c.answered[i+1] = c.answered[i] + c.alive[i]*(1-stays)*a/(a+o)
	}
}

// within fills p[k] with the probability that a call of that age is answered within k+1
// seconds.
func (c *curve) within(p *[lookout]float64, age float64) {
	age = min(age, ageBins-1)
	i := int(age)
	f := age - float64(i)
	alive := c.alive[i] + f*(c.alive[i+1]-c.alive[i])
	if alive <= 1e-12 {
		*p = [lookout]float64{}
		return
	}
	from := c.answered[i] + f*(c.answered[i+1]-c.answered[i])
	for k := range p {
		j := i + k + 1
		p[k] = (c.answered[j] + f*(c.answered[j+1]-c.answered[j]) - from) / alive
	}
}

const (
	levelPrior    = 6.0
	levelHalfLife = 120.0 // expected answers after which what was learned counts half
)

// level is how many people answer for each that is expected.
type level struct {
	Answered float64 `json:"answered"`
	Expected float64 `json:"expected"`
}

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
