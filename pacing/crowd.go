package pacing

import "math"

// crowd is, for each second ahead, the distribution of how many of a set of independent
// people want an agent by then: answers that have come, and agents who are busy still,
// each with its own probability (a Poisson-binomial distribution). It answers one
// question: how likely are they at least as many as there are agents.
//
// Up to exactCrowd of them the distribution is exact, cut off at the number of agents;
// above, it is normal with a correction for its skewness (Cornish and Fisher, 1938).
type crowd struct {
	places int // agents that there are
	exact  bool
	added  int              // that may have come
	share  [steps][]float64 // share[k][n]: exactly n of them, for n < places
	mean   row
	spread row // variance
	third  row // third central moment
}

const exactCrowd = 60

// reset makes the crowd empty. n is how many are about to be added.
func (c *crowd) reset(places, n int) {
	c.places, c.exact = max(places, 0), n+places <= 2*exactCrowd && places <= exactCrowd
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
			below := 0.0
			for n, at := range s {
				s[n] = at + x*(below-at)
				below = at
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

// remove takes one out who was added. It reports false where it cannot.
func (c *crowd) remove(p *row) bool {
	if c.exact {
		return false // to divide by 1-p would magnify errors
	}
	c.added--
	for k, x := range p {
		v := x * (1 - x)
		c.mean[k] -= x
		c.spread[k] -= v
		c.third[k] -= v * (1 - 2*x)
	}
	return true
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
			for _, x := range c.share[k] {
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
	sd := math.Sqrt(variance)
	z := (x - mean) / sd
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	below := 0.5*math.Erfc(-z/math.Sqrt2) + third/(sd*sd*sd)/6*(1-z*z)*density
	return min(max(1-below, 0), 1)
}
