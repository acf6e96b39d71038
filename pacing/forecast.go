package pacing

import "math"

// ahead is the seconds ahead that a decision looks at.
var ahead = [steps]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34}

const (
	steps   = 22
	lookout = 34 // the last of them
)

// row is a probability for each of those seconds, such as that a call is answered by then.
type row [steps]float64

// Factors on the hazards of answers are told apart by half octaves, from 1/32 to 32; what
// lies between is interpolated.
const (
	factorSteps  = 2
	factorOctave = 5
	factors      = 2*factorOctave*factorSteps + 1
)

// forecast says how calls will fare. It is made of the two stages' hazards; its rows are made when they are first wanted.
type forecast struct {
	dialing, ringing     hazards
	fate                 [factors]*fate
	dialingRow, ringsRow [factors][stageBins + 1]*row
}

// hazards are those of a stage, by interval.
type hazards struct{ answer, ring, end [stageBins]float64 }

// take takes what was learned of a stage, on top of what was known before.
func (h *hazards) take(s *stage, prior *hazards, odds float64, seconds *[stageBins]float64) {
	for i, w := range seconds {
		h.answer[i] = (s.Answered[i] + w*prior.answer[i]*odds) / (s.Chances[i] + w)
		h.ring[i] = (s.Rang[i] + w*prior.ring[i]) / (s.Exposure[i] + w)
		h.end[i] = (s.Over[i] + w*prior.end[i]) / (s.Exposure[i] + w)
	}
}

// fate is how ringing calls fare by the time that they have rung.
type fate struct {
	alive    [stageBins + lookout + 1]float64 // share that rings still
	answered [stageBins + lookout + 1]float64 // share that has been answered
}

func factorAt(n int) float64 { return math.Exp2(float64(n)/factorSteps - factorOctave) }

// ringingFate is how calls fare whose answers come so many times as often as usual.
func (f *forecast) ringingFate(n int) *fate {
	if f.fate[n] != nil {
		return f.fate[n]
	}
	c, by := &fate{}, factorAt(n)
	c.alive[0] = 1
	for i := range len(c.alive) - 1 {
		k := min(i, stageBins-1)
		a, e := f.ringing.answer[k]*by, f.ringing.end[k]
		stays := math.Exp(-(a + e))
		c.alive[i+1] = c.alive[i] * stays
		c.answered[i+1] = c.answered[i] + c.alive[i]*(1-stays)*a/(a+e)
	}
	f.fate[n] = c
	return c
}

// ringingAt is the row of calls that have rung for i seconds.
func (f *forecast) ringingAt(n, i int) *row {
	if r := f.ringsRow[n][i]; r != nil {
		return r
	}
	c, r := f.ringingFate(n), &row{}
	if c.alive[i] > 1e-12 {
		for k, s := range ahead {
			r[k] = (c.answered[i+s] - c.answered[i]) / c.alive[i]
		}
	}
	f.ringsRow[n][i] = r
	return r
}

// dialingAt is the row of calls that were sent i seconds ago, and have not rung.
func (f *forecast) dialingAt(n, i int) *row {
	if r := f.dialingRow[n][i]; r != nil {
		return r
	}
	c, r, by := f.ringingFate(n), &row{}, factorAt(n)
	alive, answered, next := 1.0, 0.0, 0
	var rang [lookout]float64 // began to ring in that second
	for s := range lookout {
		j := min(i+s, stageBins-1)
		a, g, e := f.dialing.answer[j]*by, f.dialing.ring[j], f.dialing.end[j]
		stays := math.Exp(-(a + g + e))
		gone := alive * (1 - stays) / (a + g + e)
		answered += gone * a
		rang[s] = gone * g
		alive *= stays
		if s+1 != ahead[next] {
			continue
		}
		r[next] = answered
		for l := range s + 1 { // in the middle of that second, on average
			r[next] += rang[l] * (c.answered[s-l] + c.answered[s-l+1]) / 2
		}
		next++
	}
	f.dialingRow[n][i] = r
	return r
}

// of fills p with the probability that a call is answered by each second ahead, whose
// answer comes 2^octaves times as often as usual.
func (f *forecast) of(p *row, ringing bool, age, octaves float64) {
	at := f.dialingAt
	if ringing {
		at = f.ringingAt
	}
	x := min(max((octaves+factorOctave)*factorSteps, 0), factors-1-1e-9)
	n := int(x)
	u := x - float64(n)
	age = min(age, stageBins-1)
	i := int(age)
	v := age - float64(i)
	a, b, c, d := at(n, i), at(n, i+1), at(n+1, i), at(n+1, i+1)
	wa, wb, wc, wd := (1-u)*(1-v), (1-u)*v, u*(1-v), u*v
	for k := range p {
		p[k] = wa*a[k] + wb*b[k] + wc*c[k] + wd*d[k]
	}
}
