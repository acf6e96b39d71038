package sim

import (
	"strings"
	"testing"
)

// TestMarkdown holds that the best of the tuned rivals is one that keeps the ceiling, and
// that every algorithm has its row.
func TestMarkdown(t *testing.T) {
	result := func(name string, utilisation float64, over int) Result {
		r := Result{Algorithm: name, Utilisation: utilisation, UtilisationCI: Interval{utilisation - 0.004, utilisation + 0.004}, Abandonment: 0.0281}
		r.add(over, 30)
		return r
	}
	r := Report{Scenarios: []Outcome{{Scenario: "A20", Agents: 20, Results: []Result{
		result("predictive", 0.862, 0), result("progressive", 0.5, 0), result("ratio-tuned", 0.75, 1),
		result("pi-overdial-tuned", 0.83, 2), result("strict-gate-tuned", 0.82, 0), result("mean-matching", 0.84, 0), result("oracle-calls", 0.923, 0),
	}}}}
	for _, x := range r.Scenarios[0].Results {
		all := Overall{Algorithm: x.Algorithm}
		all.add(x.DaysOver, x.Days)
		r.Overall = append(r.Overall, all)
	}
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| A20: 20 agents | `strict-gate` | 82.0 ± 0.4 | 2.81 % | 0 of 30 | **86.2 ± 0.4** | 2.81 % | 0 of 30 | 92.3 ± 0.4 |",
		"| `pi-overdial-tuned` | 83.0! | 2 of 30 |",
		"| `progressive` | 50.0 | 0 of 30 | 9.5 % |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}
