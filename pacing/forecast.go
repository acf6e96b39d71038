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
	spare            []fare              // to be made, without an allocation for each
}

// course says how the calls of one stage fare whose answers come so many times as often as usual, by whole seconds of age.
type course struct {
	of      *forecast
	ringing bool
	factor  int
	fares   [stageBins + 1]*fare // made when they are first wanted

	leavings *[stageBins]leaving // what they are made of, where calls do not ring

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
	later    [lookout]float64                 // share that has been after so many seconds and a half
	held     [lookout]float64                 // share that has an agent after so many seconds and a half
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
	last := 0.0
	for s := range lookout {
		now := c.holds(f.held, s+1)
		c.later[s], c.held[s] = (c.answered[s]+c.answered[s+1])/2, (last+now)/2
		last = now
	}
	f.fates[n] = c
	return c
}

// holds is the share of calls that are answered in the s seconds after they began to ring,
// and have an agent at the end of these.
func (c *fate) holds(held *[lookout]float64, s int) (sum float64) {
	for l := range s {
		sum += (c.answered[l+1] - c.answered[l]) * held[s-1-l]
	}
	return sum
}

// firstAfter is the first of the seconds ahead that is after each second.
var firstAfter = func() (first [lookout]int) {
	for k := len(ahead) - 1; k >= 0; k-- {
		for l := range ahead[k] {
			first[l] = k
		}
	}
	return first
}()

// fillRinging fills r with how calls fare that have rung for i seconds. Second by second it adds what comes
// of those who answer then to all rows ahead: these sums do not wait for one another, as
// the terms of each would.
func (c *fate) fillRinging(r *fare, held *[lookout]float64, i int) {
	if c.alive[i] <= 1e-12 {
		return
	}
	for l, k := range firstAfter {
		answer := c.answered[i+l+1] - c.answered[i+l]
		for ; k < steps; k++ {
			r.held[k] += answer * held[ahead[k]-1-l]
		}
	}
	for k, s := range ahead {
		r.answered[k] = (c.answered[i+s] - c.answered[i]) / c.alive[i]
		r.held[k] /= c.alive[i]
	}
}

// leaving is what ends the stage of calls that have not rung, in each of its seconds.
type leaving struct {
	stays         float64 // share that is in it still at the end
	answer, rings float64 // hazards
	all           float64 // of these and of other ends
}

// leavings are made once for all ages: those of one second are the next of the second before.
func (f *forecast) leavings(n int) *[stageBins]leaving {
	by, all := factorAt(n), &[stageBins]leaving{}
	for j := range all {
		a, g, e := f.dialing.answer[j]*by, f.dialing.ring[j], f.dialing.end[j]
		all[j] = leaving{math.Exp(-(a + g + e)), a, g, a + g + e}
	}
	return all
}

// fillDialing fills r with how calls fare that were sent i seconds ago, and have not rung.
func (c *fate) fillDialing(r *fare, held *[lookout]float64, by *[stageBins]leaving, i int) {
	alive, answered, next := 1.0, 0.0, 0
	var rang, direct [lookout]float64 // began to ring in that second, or were answered without
	for s := range lookout {
		l := &by[min(i+s, stageBins-1)]
		gone := alive * (1 - l.stays) / l.all
		rang[s], direct[s] = gone*l.rings, gone*l.answer
		answered += direct[s]
		alive *= l.stays
		if s+1 == ahead[next] {
			r.answered[next] = answered
			next++
		}
	}
	for l, k := range firstAfter { // in the middle of that second, on average
		for ; k < steps; k++ {
			s := ahead[k] - 1 - l
			r.answered[k] += rang[l] * c.later[s]
			r.held[k] += rang[l]*c.held[s] + direct[l]*held[s]
		}
	}
}

// stageAt is where what is kept of a stage lies.
func stageAt(ringing bool) int {
	if ringing {
		return 1
	}
	return 0
}

// course is that of calls whose answer comes 2^octaves times as often as usual.
func (f *forecast) course(ringing bool, octaves float64) *course {
	n, stage := int(min(max((octaves+factorOctave)*factorSteps, 0), factors-1)+0.5), stageAt(ringing)
	c := f.courses[stage][n]
	if c == nil {
		c = &course{of: f, ringing: ringing, factor: n}
		f.courses[stage][n] = c
	}
	return c
}

// at is how calls fare of so many whole seconds of age.
func (c *course) at(whole int) *fare {
	if c.fares[whole] == nil {
		c.fares[whole] = c.make(whole)
	}
	return c.fares[whole]
}

func (c *course) make(whole int) *fare {
	f := c.of
	if len(f.spare) == 0 {
		f.spare = make([]fare, 16)
	}
	r := &f.spare[0]
	f.spare = f.spare[1:]
	fate := f.ringingFate(c.factor)
	if c.ringing {
		fate.fillRinging(r, f.held, whole)
		return r
	}
	if c.leavings == nil {
		c.leavings = f.leavings(c.factor)
	}
	fate.fillDialing(r, f.held, c.leavings, whole)
	return r
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
