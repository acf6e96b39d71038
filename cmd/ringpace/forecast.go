package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
	"ringpace/pacing/workload"
)

func forecastCommand() *command {
	return &command{
		name: "forecast", args: "CAMPAIGN", least: 1, most: 1,
		short: "Say how long a campaign's list takes with so many agents",
		long: `Says by hour how many calls, contacts and finished leads are to be expected until
the list is done, and when that is, with intervals that hold with a probability of 90 %:
from the leads that are left, their calling hours and retry rules, and what the campaign
has learned of answers and talks; before it starts, from what is usual.

  ringpace forecast welcome
  ringpace forecast welcome --agents 12 --shift "mon-fri 09:00-17:00"
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			var q api.ForecastQuery
			flags.IntVar(&q.Agents, "agents", 0, "so many agents (default: who is logged in, or else all of the campaign)")
			flags.StringVar(&q.Shift, "shift", "", "when they work, such as \"mon-fri 09:00-17:00\" (default: in calling hours)")
			return func(ctx context.Context, t *terminal, args []string) error {
				return show(ctx, t, c,
					func(ctx context.Context, client *api.Client) (api.Forecast, error) {
						return client.Forecast(ctx, args[0], q)
					},
					func(f api.Forecast) error { return renderForecast(t.out, f) })
			}
		},
	}
}

func renderForecast(w io.Writer, f api.Forecast) error {
	fmt.Fprintf(w, "%s: %s left, %s; %s\n", clean(f.Campaign), count(f.Leads, "lead"), count(f.Agents, "agent"), done(f.Done))
	basis := fmt.Sprintf("%d calls so far", f.Calls)
	if f.Calls == 0 {
		basis = "what is usual, for there was no call yet"
	}
	fmt.Fprintf(w, "%s %% of calls are answered by a person, who takes %.0f s of an agent, by %s.\n", percent(f.AnswerShare, 1), f.HandlingS, basis)
	if f.Sampled < f.Leads {
		fmt.Fprintf(w, "%d of the leads, picked at random, stand for all.\n", f.Sampled)
	}
	if f.Barred > 0 {
		fmt.Fprintf(w, "%s more are barred by a rule.\n", count(f.Barred, "lead"))
	}
	if len(f.Hours) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	between := func(e workload.Estimate) string { return fmt.Sprintf("%.0f (%.0f-%.0f)", e.Mean, e.Low, e.High) }
	rows := [][]string{{"FROM", "CALLS", "CONTACTS", "FINISHED", "LEFT", "UTILISATION %"}}
	for _, h := range f.Hours {
		u := h.Utilisation
		rows = append(rows, []string{
			h.At.Format("Mon 2006-01-02 15:04"), between(h.Calls), between(h.Contacts), between(h.Finished), between(h.Left),
			between(workload.Estimate{Mean: 100 * u.Mean, Low: 100 * u.Low, High: 100 * u.High}),
		})
	}
	if err := grid(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nIn brackets is what holds with a probability of 90 %. Hours in which nothing is likely to be done are left out.")
	return err
}

// done says when the list is.
func done(t workload.Instant) string {
	at := func(x time.Time) string {
		if x.IsZero() {
			return "later than in 60 days"
		}
		return x.Format("Mon 2006-01-02 15:04")
	}
	if t.Median.IsZero() {
		return "it is not done within 60 days"
	}
	return fmt.Sprintf("done at %s (%s to %s)", at(t.Median), at(t.Low), at(t.High))
}
