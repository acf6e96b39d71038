package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

func explainCommand() *command {
	return &command{
		name: "explain", args: "CAMPAIGN", least: 1, most: 1,
		short: "Say why a campaign dials as it does, or why a lead is not dialed",
		long: `Says why a campaign dials so many calls now and which limit binds: agents, the
trunk, the hours, the list, the configuration. With --lead, says what stands
against dialing that lead, until when, and what its attempts so far came to.

  ringpace explain activation
  ringpace explain activation --lead 4711
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			id := flags.String("lead", "", "the lead to explain, by its id")
			return func(ctx context.Context, t *terminal, args []string) error {
				if *id != "" {
					return show(ctx, t, c,
						func(ctx context.Context, client *api.Client) (api.LeadExplanation, error) {
							return client.ExplainLead(ctx, args[0], *id)
						},
						func(e api.LeadExplanation) error { return renderLeadExplanation(t.out, e) })
				}
				return show(ctx, t, c,
					func(ctx context.Context, client *api.Client) (api.Explanation, error) {
						return client.Explain(ctx, args[0])
					},
					func(e api.Explanation) error { return renderExplanation(t.out, e) })
			}
		},
	}
}

func renderExplanation(w io.Writer, e api.Explanation) error {
	fmt.Fprintf(w, "%s: %s\n", clean(e.Campaign), clean(e.Summary))
	if e.Limit != "" {
		fmt.Fprintf(w, "The limit that binds: %s\n", clean(e.Limit))
	}
	if len(e.Facts) > 0 {
		fmt.Fprintln(w)
		if err := grid(w, factRows(e.Facts)); err != nil {
			return err
		}
	}
	if e.Decision == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", decided(e.Decision))
	return err
}

func renderLeadExplanation(w io.Writer, e api.LeadExplanation) error {
	fmt.Fprintf(w, "%s, lead %s, %s: %s\n", clean(e.Campaign), clean(e.LeadID), clean(e.State), clean(e.Summary))
	if !e.NextTry.IsZero() {
		fmt.Fprintf(w, "Not before %s\n", local(e.NextTry))
	}
	if len(e.Facts) > 0 {
		fmt.Fprintln(w)
		if err := grid(w, factRows(e.Facts)); err != nil {
			return err
		}
	}
	if len(e.History) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return grid(w, historyRows(e.History))
}

func historyRows(records []cdr.Record) [][]string {
	rows := [][]string{{"ATTEMPT", "WHEN", "NUMBER", "OUTCOME", "SIP", "AGENT", "DISPOSITION", "RECORDING"}}
	for _, r := range records {
		answer := ""
		if r.SIPStatus != 0 {
			answer = fmt.Sprintf("%d %s", r.SIPStatus, r.SIPReason)
		}
		rows = append(rows, []string{fmt.Sprint(r.Ordinal), local(r.Marks.Invite), r.Number, string(r.Outcome), answer, r.Agent, r.Disposition, heard(r.Recording)})
	}
	return rows
}

// heard is what a recording sounds like, in a line.
func heard(r *cdr.Recording) string {
	if r == nil || r.Quality == nil {
		return ""
	}
	percent := func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
	party := func(v cdr.Voice) string {
		if v.ActiveDBm0 == nil {
			return "not heard"
		}
		said := fmt.Sprintf("%.1f dBm0, talks %s", *v.ActiveDBm0, percent(v.Talk))
		if v.FirstWordMS != nil {
			said += fmt.Sprintf(" from %.1f s", float64(*v.FirstWordMS)/1000)
		}
		if v.Clipped >= 0.001 {
			said += fmt.Sprintf(", %.1f %% clipped", 100*v.Clipped)
		}
		return said
	}
	return fmt.Sprintf("customer %s; agent %s; silence %s, both %s",
		party(r.Quality.Left), party(r.Quality.Right), percent(r.Quality.Silence), percent(r.Quality.TalkOver))
}
