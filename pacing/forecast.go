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

// fare is how a call will fare: by when it is answered, and how likely it then has an agent
// whom nobody else can have, even if they wait.
type fare struct{ answered, held row }

// Factors on the hazards of answers are told apart by eighths of an octave, from 1/32
// to 32.
const (
	factorSteps  = 8
	factorOctave = 5
	factors      = 2*factorOctave*factorSteps + 1
)

// forecast says how calls will fare. It is made of the two stages' hazards; its rows are made when they are first wanted.
type forecast struct {
	dialing, ringing hazards
	held             *[lookout]float64 // how likely an agent is still busy with who answered so many seconds ago
	fates            [factors]*fate
	courses          [2][factors]*course // by whether they ring
}

// course says how the calls of one stage fare whose answers come so many times as often as usual, by whole seconds of age.
type course struct {
	of      *forecast
	ringing bool
	factor  int
	fares   [stageBins + 1]*fare // made when they are first wanted

	// Of the crowd that is being gathered: how many calls each fare stands for. A call between
	// two of them counts in parts for both. So the answers to thousands of calls are the sum of
	// some dozens of rows.
	calls [stageBins + 1]float64
}

// aged is a fare of a course.
type aged struct {
	course *course
	whole  int // seconds of age
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
	held     [lookout + 1]float64             // share that has an agent
}

func factorAt(n int) float64 { return math.Exp2(float64(n)/factorSteps - factorOctave) }

// ringingFate is how calls fare whose answers come so many times as often as usual.
func (f *forecast) ringingFate(n int) *fate {
	if f.fates[n] != nil {
		return f.fates[n]
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
	for s := range lookout + 1 {
		c.held[s] = c.holds(f.held, 0, s)
	}
	f.fates[n] = c
	return c
}

// holds is the share of calls that are answered in the s seconds after i, and have an agent
// at the end of these.
func (c *fate) holds(held *[lookout]float64, i, s int) (sum float64) {
	for l := range s {
		sum += (c.answered[i+l+1] - c.answered[i+l]) * held[s-1-l]
	}
	return sum
}

// ringingAt is the row of calls that have rung for i seconds.
func (f *forecast) ringingAt(n, i int) *fare {
	c, r := f.ringingFate(n), &fare{}
	if c.alive[i] > 1e-12 {
		for k, s := range ahead {
			r.answered[k] = (c.answered[i+s] - c.answered[i]) / c.alive[i]
			r.held[k] = c.holds(f.held, i, s) / c.alive[i]
		}
	}
	return r
}

// dialingAt is the row of calls that were sent i seconds ago, and have not rung.
func (f *forecast) dialingAt(n, i int) *fare {
	c, r, by := f.ringingFate(n), &fare{}, factorAt(n)
	alive, answered, next := 1.0, 0.0, 0
	var rang, direct [lookout]float64 // began to ring in that second, or were answered without
	for s := range lookout {
		j := min(i+s, stageBins-1)
		a, g, e := f.dialing.answer[j]*by, f.dialing.ring[j], f.dialing.end[j]
		stays := math.Exp(-(a + g + e))
		gone := alive * (1 - stays) / (a + g + e)
		rang[s], direct[s] = gone*g, gone*a
		answered += direct[s]
		alive *= stays
		if s+1 != ahead[next] {
			continue
		}
		all, held := answered, 0.0
		for l := range s + 1 { // in the middle of that second, on average
			all += rang[l] * (c.answered[s-l] + c.answered[s-l+1]) / 2
			held += rang[l]*(c.held[s-l]+c.held[s-l+1])/2 + direct[l]*f.held[s-l]
		}
		r.answered[next], r.held[next] = all, held
		next++
	}
	return r
}

// course is that of calls whose answer comes 2^octaves times as often as usual.
func (f *forecast) course(ringing bool, octaves float64) *course {
	n, stage := int(min(max((octaves+factorOctave)*factorSteps, 0), factors-1)+0.5), 0
	if ringing {
		stage = 1
	}
	c := f.courses[stage][n]
	if c == nil {
		c = &course{of: f, ringing: ringing, factor: n}
		f.courses[stage][n] = c
	}
	return c
}

// at is how calls fare of so many whole seconds of age.
func (c *course) at(whole int) *fare {
	switch {
	case c.fares[whole] != nil:
	case c.ringing:
		c.fares[whole] = c.of.ringingAt(c.factor, whole)
	default:
		c.fares[whole] = c.of.dialingAt(c.factor, whole)
	}
	return c.fares[whole]
}

// tabled is an age as the tables know it: whole seconds, and the part of one beside.
func tabled(age float64) (whole int, part float64) {
	age = min(age, stageBins-1)
	whole = int(age)
	return whole, age - float64(whole)
}

// between fills r with what lies between a and b, so far from a as part says.
func (r *row) between(a, b *row, part float64) {
	for k, x := range a {
		r[k] = x + part*(b[k]-x)
	}
}
