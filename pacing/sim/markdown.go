package sim

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes two tables: for each scenario the best of the tuned rivals that kept the
// ceiling on at least 95 % of days, predictive mode, and the oracles that were played; and
// the utilisation of every algorithm in all scenarios.
func (r *Report) Markdown(w io.Writer) error {
	m := &markdown{}
	oracles := []string{}
	for _, all := range r.Overall {
		if strings.HasPrefix(all.Algorithm, "oracle-") {
			oracles = append(oracles, all.Algorithm)
		}
	}
	m.row(append([]string{"scenario", "best tuned rival", "utilisation", "abandoned", "days over", "**predictive**", "abandoned", "days over"}, oracles...)...)
	m.rule(len(oracles) + 8)
	for i := range r.Scenarios {
		o := &r.Scenarios[i]
		cells := []string{fmt.Sprintf("%s: %d agents", o.Scenario, o.Agents), "", "", "", "", "", "", ""}
		if best := o.bestTuned(); best != nil {
			cells[1] = "`" + strings.TrimSuffix(best.Algorithm, tunedSuffix) + "`"
			copy(cells[2:], best.cells())
		}
		if ours := o.result("predictive"); ours != nil {
			copy(cells[5:], ours.cells())
			cells[5] = "**" + cells[5] + "**"
		}
		for _, name := range oracles {
			cells = append(cells, o.result(name).cells()[0])
		}
		m.row(cells...)
	}
	m.row()
	head := []string{"utilisation, %"}
	for _, o := range r.Scenarios {
		head = append(head, o.Scenario)
	}
	m.row(append(head, "days over", "of them at most, 95 %")...)
	m.rule(len(head) + 2)
	for i, all := range r.Overall {
		cells := []string{"`" + all.Algorithm + "`"}
		for j := range r.Scenarios {
			x := &r.Scenarios[j].Results[i]
			cell := fmt.Sprintf("%.1f", 100*x.Utilisation)
			if x.ShareOver > mostOver {
				cell += "!"
			}
			cells = append(cells, cell)
		}
		m.row(append(cells, fmt.Sprintf("%d of %d", all.DaysOver, all.Days), fmt.Sprintf("%.1f %%", 100*all.UpperOver))...)
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// mostOver is the share of days over the ceiling up to which an algorithm counts as one
// that keeps it.
const mostOver = 0.05

// bestTuned is the tuned rival with the highest utilisation among those that kept the
// ceiling; nil where there is none.
func (o *Outcome) bestTuned() *Result {
	var best *Result
	for i := range o.Results {
		x := &o.Results[i]
		if strings.HasSuffix(x.Algorithm, tunedSuffix) && x.ShareOver <= mostOver && (best == nil || x.Utilisation > best.Utilisation) {
			best = x
		}
	}
	return best
}

// result is that of an algorithm; nil where it was not played.
func (o *Outcome) result(name string) *Result {
	for i := range o.Results {
		if o.Results[i].Algorithm == name {
			return &o.Results[i]
		}
	}
	return nil
}

// cells are utilisation with half of its interval, abandonment, and days over the ceiling.
func (r *Result) cells() []string {
	u := fmt.Sprintf("%.1f", 100*r.Utilisation)
	if half := r.UtilisationCI.Half(); half.Defined() {
		u += fmt.Sprintf(" ± %.1f", 100*half)
	}
	return []string{u, fmt.Sprintf("%.2f %%", 100*r.Abandonment), fmt.Sprintf("%d of %d", r.DaysOver, r.Days)}
}

// markdown collects the rows of tables.
type markdown struct{ b strings.Builder }

func (m *markdown) row(cells ...string) {
	if len(cells) > 0 {
		m.b.WriteString("| " + strings.Join(cells, " | ") + " |")
	}
	m.b.WriteByte('\n')
}

func (m *markdown) rule(columns int) { m.b.WriteString(strings.Repeat("|---", columns) + "|\n") }
