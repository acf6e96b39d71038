package sim

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is that of every interval and bound of the simulator.
const confidence = 0.95

// Figure is a number that may be undefined, NaN, as a mean of nothing is; JSON has null
// for that.
type Figure float64

// Defined says whether there is a number.
func (f Figure) Defined() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// MarshalJSON implements json.Marshaler.
func (f Figure) MarshalJSON() ([]byte, error) {
	if !f.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// Interval is a 95 % confidence interval; NaN on both sides where there is none, as of
// one day. JSON has [low, high], or null.
type Interval struct{ Low, High float64 }

// Half is half of its width.
func (i Interval) Half() Figure { return Figure((i.High - i.Low) / 2) }

// MarshalJSON implements json.Marshaler.
func (i Interval) MarshalJSON() ([]byte, error) {
	if !i.Half().Defined() {
		return []byte("null"), nil
	}
	return json.Marshal([2]float64{i.Low, i.High})
}

// mean is the mean of xs with its interval by Student's t distribution.
func mean(xs []float64) (float64, Interval) {
	n := float64(len(xs))
	if n < 2 {
		return stat.Mean(xs, nil), Interval{math.NaN(), math.NaN()}
	}
	m, sd := stat.MeanStdDev(xs, nil)
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile((1 + confidence) / 2)
	half := t * stat.StdErr(sd, n)
	return m, Interval{m - half, m + half}
}

// paired is the mean of xs - ys, of the same days each, with its interval, and the
// probability of one as far from 0 if there were no difference (the paired t test, of
// both sides).
func paired(xs, ys []float64) (difference float64, ci Interval, p float64) {
	d := make([]float64, len(xs))
	for i := range xs {
		d[i] = xs[i] - ys[i]
	}
	difference, ci = mean(d)
	n := float64(len(d))
	switch se := stat.StdErr(stat.StdDev(d, nil), n); {
	case n < 2:
		p = math.NaN()
	case se == 0 && difference == 0:
		p = 1
	case se == 0:
		p = 0
	default:
		p = 2 * distuv.StudentsT{Sigma: 1, Nu: n - 1}.CDF(-math.Abs(difference/se))
	}
	return difference, ci, p
}

// holm corrects the probabilities of several tests for their number (Holm, A simple
// sequentially rejective multiple test procedure, 1979). What is NaN is no test.
func holm(ps []float64) []float64 {
	order := make([]int, 0, len(ps))
	corrected := slices.Clone(ps)
	for i, p := range ps {
		if !math.IsNaN(p) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, ps[i]*float64(len(order)-rank)))
		corrected[i] = least
	}
	return corrected
}

// upperBound is the one-sided 95 % upper bound of a share of which k of n were seen
// (Clopper and Pearson, 1934): 1 % takes 299 days without a single one.
func upperBound(k, n int) float64 {
	if k >= n {
		return 1
	}
	return distuv.Beta{Alpha: float64(k) + 1, Beta: float64(n - k)}.Quantile(confidence)
}

// quantile is the least of xs that at least a share p of them do not exceed; NaN of
// nothing. It sorts xs.
func quantile(p float64, xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	slices.Sort(xs)
	return stat.Quantile(p, stat.Empirical, xs, nil)
}
