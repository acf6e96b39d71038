package sim

import (
	"encoding/csv"
	"fmt"
	"io"
)

// CSV writes a line for each scenario and algorithm, under a line with the columns' names.
// A cell is empty where there is no figure.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	row := []string{
		"scenario", "agents", "hours", "ceiling", "seeds", "first_seed", "algorithm",
		"utilisation", "utilisation_low", "utilisation_high",
		"abandonment", "abandonment_low", "abandonment_high", "abandonment_p95", "abandonment_max",
		"days", "days_over_ceiling_count", "days_over_ceiling", "days_over_ceiling_upper95",
		"wait_s", "wait_p90_s", "talk_min_per_h", "conversations_per_h", "dials_per_conversation",
		"reference", "versus_utilisation", "versus_low", "versus_high", "p", "p_holm",
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for _, o := range r.Scenarios {
		for _, x := range o.Results {
			row = row[:0]
			put := func(values ...any) {
				for _, v := range values {
					switch v := v.(type) {
					case Interval:
						row = append(row, cell(Figure(v.Low)), cell(Figure(v.High)))
					case float64:
						row = append(row, cell(Figure(v)))
					case Figure:
						row = append(row, cell(v))
					default:
						row = append(row, fmt.Sprint(v))
					}
				}
			}
			put(o.Scenario, o.Agents, o.Hours, o.Ceiling, o.Seeds, o.FirstSeed, x.Algorithm,
				x.Utilisation, x.UtilisationCI, x.Abandonment, x.AbandonmentCI, x.AbandonmentP95, x.AbandonmentMax,
				x.Days, x.DaysOver, x.ShareOver, x.UpperOver,
				x.WaitS, x.WaitP90S, x.Talk, x.Conversations, x.Dials)
			if v := x.Versus; v != nil {
				put(v.Reference, v.Utilisation, v.CI, v.P, v.PHolm)
			} else {
				put("", "", "", "", "", "")
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func cell(f Figure) string {
	if !f.Defined() {
		return ""
	}
	return fmt.Sprintf("%.6g", float64(f))
}
