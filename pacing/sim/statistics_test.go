package sim

import (
	"encoding/json"
	"math"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 5e-5 }

// The expected values are worked out by hand, with t = 2.77645 for 4 degrees of freedom;
// where none of n was seen the bound is 1 - 0.05^(1/n).
func TestStatistics(t *testing.T) {
	xs := []float64{4.1, 5.2, 3.9, 6.0, 5.1}
	m, ci := mean(xs)
	if !near(m, 4.86) || !near(ci.Low, 3.78972) || !near(ci.High, 5.93028) {
		t.Errorf("mean %v %v", m, ci)
	}
	ys := []float64{3.9, 5.3, 3.1, 5.2, 4.9}
	d, ci, p := paired(xs, ys)
	if !near(d, 0.38) || !near(ci.Low, -0.11976) || !near(ci.High, 0.87976) || !near(p, 0.10236) {
		t.Errorf("paired %v %v %v", d, ci, p)
	}
	if d, _, p := paired(xs, xs); d != 0 || p != 1 {
		t.Errorf("no difference: %v %v", d, p)
	}
	if _, _, p := paired([]float64{2, 3}, []float64{1, 2}); p != 0 {
		t.Errorf("always the same difference: %v", p)
	}
	for _, c := range []struct {
		k, n  int
		bound float64
	}{{0, 299, 0.00997}, {0, 10, 0.25887}, {1, 200, 0.02349}, {3, 30, 0.23860}, {5, 5, 1}} {
		if got := upperBound(c.k, c.n); !near(got, c.bound) {
			t.Errorf("%d of %d: at most %v, want %v", c.k, c.n, got, c.bound)
		}
	}
	corrected := holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.5})
	for i, want := range []float64{0.04, 0.09, math.NaN(), 0.09, 0.5} {
		if got := corrected[i]; !near(got, want) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("holm: %v", corrected)
		}
	}
	if q := quantile(0.9, []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}); q != 9 {
		t.Errorf("quantile %v", q)
	}
}

func TestUndefinedIsNull(t *testing.T) {
	_, ci := mean([]float64{1})
	got, err := json.Marshal([]any{ci, Figure(quantile(0.9, nil)), Figure(math.Inf(1)), Interval{0.5, 1}, Figure(2)})
	if want := `[null,null,null,[0.5,1],2]`; string(got) != want || err != nil {
		t.Errorf("%s %v", got, err)
	}
}
