package sim

import "math"

// Distribution is of a time in seconds: the sum of what is set of Lognormal, Uniform and
// Constant; or, with Mix, one of several.
type Distribution struct {
	Lognormal *Lognormal `yaml:"lognormal,omitempty"`
	Uniform   *Range     `yaml:"uniform,omitempty"`
	Constant  float64    `yaml:"constant,omitempty" unit:"s"`
	Mix       []Part     `yaml:"mix,omitempty"`
}

// Lognormal has the median Median, in seconds, and Sigma is the standard deviation of its
// logarithm.
type Lognormal struct {
	Median float64 `yaml:"median" unit:"s"`
	Sigma  float64 `yaml:"sigma"`
}

// Range is from Low to High.
type Range struct {
	Low  float64 `yaml:"low" unit:"s"`
	High float64 `yaml:"high" unit:"s"`
}

// Part is a distribution that applies in a share of cases.
type Part struct {
	Share float64 `yaml:"share" unit:"share"`
	Distribution
}

// draw draws from it.
func (d *Distribution) draw(r *draw) float64 {
	if len(d.Mix) > 0 {
		u := r.uniform()
		for i := range d.Mix {
			if u -= d.Mix[i].Share; u < 0 || i == len(d.Mix)-1 {
				return d.Mix[i].draw(r)
			}
		}
	}
	x := d.Constant
	if d.Lognormal != nil {
		x += d.Lognormal.Median * math.Exp(d.Lognormal.Sigma*r.normal())
	}
	if d.Uniform != nil {
		x += d.Uniform.Low + (d.Uniform.High-d.Uniform.Low)*r.uniform()
	}
	return x
}

// mean is its expectation.
func (d *Distribution) mean() float64 {
	if len(d.Mix) > 0 {
		sum := 0.0
		for i := range d.Mix {
			sum += d.Mix[i].Share * d.Mix[i].mean()
		}
		return sum
	}
	x := d.Constant
	if d.Lognormal != nil {
		x += d.Lognormal.Median * math.Exp(d.Lognormal.Sigma*d.Lognormal.Sigma/2)
	}
	if d.Uniform != nil {
		x += (d.Uniform.Low + d.Uniform.High) / 2
	}
	return x
}
