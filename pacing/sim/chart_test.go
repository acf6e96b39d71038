package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		ticks     []float64
		digits    int
	}{
		{0, 3.6, []float64{0, 1, 2, 3, 4}, 0},
		{0, 18, []float64{0, 5, 10, 15, 20}, 0},
		{49, 93, []float64{40, 50, 60, 70, 80, 90, 100}, 0},
		{0, 0.07, []float64{0, 0.02, 0.04, 0.06, 0.08}, 2},
		{70, 70, []float64{70, 70.2, 70.4, 70.6, 70.8, 71}, 1},
	} {
		var a axis
		a.round(c.low, c.high)
		if d := cmp.Diff(c.ticks, a.ticks, cmpopts.EquateApprox(0, 1e-9)); d != "" || a.digits != c.digits {
			t.Errorf("%v to %v: %d digits\n%s", c.low, c.high, a.digits, d)
		}
	}
	a := axis{low: 1, high: 100, start: 50, span: 200, log: true}
	if x := a.at(10); math.Abs(x-150) > 1e-9 {
		t.Errorf("10 of 1 to 100 is at %v", x)
	}
}

// The line of an algorithm goes by the number of agents, in whatever order they were asked for.
func TestChartOfSweep(t *testing.T) {
	r := Report{Overall: []Overall{{Algorithm: "x"}}}
	for _, n := range []int{50, 2, 10} {
		r.Scenarios = append(r.Scenarios, Outcome{Scenario: "A20", Agents: n, Ceiling: 0.03, Results: []Result{{Utilisation: float64(n) / 100}}})
	}
	var b strings.Builder
	if err := r.Chart(&b); err != nil {
		t.Fatal(err)
	}
	_, points, _ := strings.Cut(b.String(), `<polyline points="`)
	points, _, _ = strings.Cut(points, `"`)
	var xs []float64
	for _, p := range strings.Fields(points) {
		var x, y float64
		if _, err := fmt.Sscanf(p, "%f,%f", &x, &y); err != nil {
			t.Fatal(err)
		}
		xs = append(xs, x)
	}
	if len(xs) != 3 || !slices.IsSorted(xs) || r.Scenarios[0].Agents != 50 {
		t.Errorf("%v", xs)
	}
}

// One day has no intervals, and a name may hold anything.
func TestChartOfLittle(t *testing.T) {
	_, ci := mean([]float64{0.5})
	r := Report{
		Scenarios: []Outcome{{Scenario: "<&>", Agents: 1, Ceiling: 0.03, Results: []Result{{Algorithm: "x", Utilisation: 0.5, UtilisationCI: ci, AbandonmentCI: ci}}}},
		Overall:   []Overall{{Algorithm: "x"}},
	}
	var b strings.Builder
	if err := r.Chart(&b); err != nil || strings.Contains(b.String(), "NaN") || !strings.Contains(b.String(), "&lt;&amp;&gt;: 1 agent<") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
