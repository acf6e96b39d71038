package pacing

import "math"

// crowd is, for each second ahead, the distribution of how many of a set of independent
// people want an agent by then: answers that have come, and agents who are busy still,
// each with its own probability (a Poisson-binomial distribution). It answers one
// question: how likely are they at least as many as there are agents.
//
// Up to exactCrowd of people and agents the distribution is exact, cut off at the number of
// agents; above, it is normal with a correction for its skewness (Cornish and Fisher, 1938).
type crowd struct {
	places int // agents that there are
	exact  bool
	added  int              // that may have come
	share  [steps][]float64 // share[k][n]: exactly n of them, for n < places
	least  [steps]int       // fewer than so many are out of the question
	mean   row
	spread row // variance
	third  row // third central moment
}

const (
	exactCrowd = 120
	negligible = 1e-12
)

// reset makes the crowd empty. n is how many are about to be added.
func (c *crowd) reset(places, n int) {
	c.places, c.exact = max(places, 0), n+places <= exactCrowd && places <= exactCrowd/2
	c.added = 0
	c.mean, c.spread, c.third = row{}, row{}, row{}
	if !c.exact {
		return
	}
	for k := range c.share {
		places = c.places
		if cap(c.share[k]) < places {
			c.share[k] = make([]float64, places)
		}
		c.share[k] = c.share[k][:places]
		clear(c.share[k])
		c.least[k] = 0
		if places > 0 {
			c.share[k][0] = 1
		}
	}
}

// add adds one who wants an agent within k+1 seconds with probability p[k].
func (c *crowd) add(p *row) {
	c.added++
	if c.exact {
		if c.places <= 0 {
			return
		}
		for k, x := range p {
			if x <= 0 {
				continue
			}
			s := c.share[k][:min(c.added+1, c.places)]
			below, some := 0.0, s[c.least[k]:]
			for n, at := range some {
				some[n] = at + x*(below-at)
				below = at
			}
			for n := c.least[k]; n < len(s) && s[n] < negligible; n++ {
				s[n] = 0
				c.least[k]++
			}
		}
		return
	}
	for k, x := range p {
		v := x * (1 - x)
		c.mean[k] += x
		c.spread[k] += v
		c.third[k] += v * (1 - 2*x)
	}
}

// addBetween adds one whose probabilities lie between a and b, so far from a as part says. What
// add does to rows that exist is done here as they come about: it is most of the time of
// decisions on large floors.
func (c *crowd) addBetween(a, b *row, part float64) {
	if c.exact {
		var p row
		p.between(a, b, part)
		c.add(&p)
		return
	}
	c.added++
	for k, x := range a {
		x += part * (b[k] - x)
		v := x * (1 - x)
		c.mean[k] += x
		c.spread[k] += v
		c.third[k] += v * (1 - 2*x)
	}
}

// remove takes one out who was added. It reports false, and leaves the crowd in pieces,
// where it cannot.
func (c *crowd) remove(p *row) bool {
	c.added--
	if c.exact {
		for k, x := range p {
			if x > 0.5 {
				return false // to divide by what is less would magnify errors
			}
			below := 0.0
			for n := c.least[k]; n < c.places; n++ {
				below = max(c.share[k][n]-x*below, 0) / (1 - x)
				c.share[k][n] = below
			}
		}
		return true
	}
	for k, x := range p {
		v := x * (1 - x)
		c.mean[k] -= x
		c.spread[k] -= v
		c.third[k] -= v * (1 - 2*x)
	}
	return true
}

// copy makes the crowd the same as another.
func (c *crowd) copy(of *crowd) {
	c.places, c.exact, c.added = of.places, of.exact, of.added
	c.mean, c.spread, c.third = of.mean, of.spread, of.third
	if c.exact {
		for k := range c.share {
			c.share[k] = append(c.share[k][:0], of.share[k]...)
			c.least[k] = of.least[k]
		}
	}
}

// full fills risk[k] with the probability that all places are taken k+1 seconds ahead.
func (c *crowd) full(risk *row) {
	for k := range risk {
		switch {
		case c.places <= 0:
			risk[k] = 1
		case c.added < c.places:
			risk[k] = 0
		case c.exact:
			free := 0.0
			for _, x := range c.share[k][c.least[k]:] {
				free += x
			}
			risk[k] = max(0, 1-free)
		default:
			risk[k] = tail(float64(c.places)-0.5, c.mean[k], c.spread[k], c.third[k])
		}
	}
}

// tail is the probability that a sum of independent Bernoulli variables exceeds x, by the
// refined normal approximation (Volkova, 1996).
func tail(x, mean, variance, third float64) float64 {
	if variance < 1e-12 {
		if mean > x {
			return 1
		}
		return 0
	}
	off := x - mean
	if beyond := bellEnd + 0.1; off*off > beyond*beyond*variance { // so it mostly is, and no root need be drawn to see it
		if off < 0 {
			return 1
		}
		return 0
	}
	sd := math.Sqrt(variance)
	z := off / sd
	at := (z + bellEnd) * bellSteps
	switch {
	case at < 0:
		return 1
	case at >= bellSize-1:
		return 0
	}
	i := int(at)
	u := at - float64(i)
	a, b := &bell[i], &bell[i+1]
	above, bend := a.above+u*(b.above-a.above), a.bend+u*(b.bend-a.bend)
	return min(max(above-third/(variance*sd)/6*bend, 0), 1)
}

// The bell curve is tabled: decisions on large floors work out thousands of tails.
const (
	bellEnd   = 8   // beyond which nothing is
	bellSteps = 128 // by unit: what lies between is interpolated, to some 2e-6
	bellSize  = 2*bellEnd*bellSteps + 1
)

// bell is, by z, the standard normal variable's tail above it, and (1 - z^2) times its density.
var bell = func() (t [bellSize]struct{ above, bend float64 }) {
	for i := range t {
		z := float64(i)/bellSteps - bellEnd
		t[i].above = 0.5 * math.Erfc(z/math.Sqrt2)
		t[i].bend = (1 - z*z) * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	}
	return t
}()
