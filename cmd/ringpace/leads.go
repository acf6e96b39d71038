package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func leadsCommand() *command {
	return &command{
		name: "leads", short: "Bring lists of people in, take them out, count them",
		long: "A lead is one person of a campaign's lists.",
		sub:  []*command{importCommand(), exportCommand(), leadsStatusCommand()},
	}
}

func exportCommand() *command {
	return &command{
		name: "export", short: "Write all leads of a campaign as CSV",
		long: `Writes every lead of a campaign with its state and attempts as CSV, to standard
output or to a file; the file appears only when it is whole. Needs role admin.

  ringpace leads export --campaign activation --output activation.csv
`,
		setup: func(flags *pflag.FlagSet) runner {
			campaign := flags.String("campaign", "", "the campaign (required)")
			output := flags.String("output", "", "the file to write; standard output where it is left out")
			c := dial(flags)
			return func(ctx context.Context, t *terminal, _ []string) error {
				if *campaign == "" {
					return usage("leads export needs --campaign")
				}
				client, err := c.client(t)
				if err != nil {
					return err
				}
				defer client.Close()
				ctx, stop := interruptible(ctx)
				defer stop()
				if *output == "" {
					return client.ExportLeads(ctx, *campaign, t.out)
				}
				return writeWhole(*output, func(w io.Writer) error { return client.ExportLeads(ctx, *campaign, w) })
			}
		},
	}
}

// writeWhole makes a file appear under its name only once it is complete. Lists of
// people are for their owner's eyes only.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func leadsStatusCommand() *command {
	return &command{
		name: "status", short: "Count the leads of a campaign, or show one",
		long: `Counts the leads of a campaign by state or, with --lead, shows one of them. Why it is
not dialed says ringpace explain.

  ringpace leads status --campaign activation
  ringpace leads status --campaign activation --lead 4711
`,
		setup: func(flags *pflag.FlagSet) runner {
			campaign := flags.String("campaign", "", "the campaign (required)")
			id := flags.String("lead", "", "the lead to show, by its id")
			c := dial(flags)
			return func(ctx context.Context, t *terminal, _ []string) error {
				if *campaign == "" {
					return usage("leads status needs --campaign")
				}
				if *id != "" {
					return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.LeadStatus, error) {
						return client.Lead(ctx, *campaign, *id)
					},
						func(l api.LeadStatus) error { return renderLead(t.out, l) })
				}
				return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.LeadCounts, error) {
					return client.LeadCounts(ctx, *campaign)
				},
					func(n api.LeadCounts) error { return renderCounts(t.out, n) })
			}
		},
	}
}

func renderCounts(w io.Writer, n api.LeadCounts) error {
	rows := [][]string{{"STATE", "LEADS"}}
	for _, state := range slices.Sorted(maps.Keys(n.States)) {
		rows = append(rows, []string{state, fmt.Sprint(n.States[state])})
	}
	return grid(w, append(rows, []string{"total", fmt.Sprint(n.Total)}))
}

func renderLead(w io.Writer, l api.LeadStatus) error {
	rows := [][]string{
		{"lead", l.ID}, {"campaign", l.Campaign}, {"list", l.List}, {"state", l.State},
	}
	for _, n := range l.Numbers {
		rows = append(rows, []string{"number", n})
	}
	rows = append(rows, [][]string{
		{"priority", fmt.Sprint(l.Priority)},
		{"attempts", fmt.Sprint(l.Attempts)},
		{"last try", local(l.LastTry)},
		{"next try", local(l.NextTry)},
		{"deadline", local(l.Deadline)},
		{"time zone", l.TimeZone},
	}...)
	for _, k := range slices.Sorted(maps.Keys(l.Fields)) {
		rows = append(rows, []string{k, l.Fields[k]})
	}
	return grid(w, rows)
}
