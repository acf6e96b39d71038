package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func registrationsCommand() *command {
	return &command{
		name: "registrations", short: "Show the telephones that are registered here",
		long: `Shows the telephones of agents with peer: registrar, at whatever node of the same
Redis: where each sends from, what it calls itself, for how long it is registered.

  ringpace registrations
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			return func(ctx context.Context, t *terminal, _ []string) error {
				return show(ctx, t, c,
					func(ctx context.Context, client *api.Client) ([]api.Registration, error) {
						return client.Registrations(ctx)
					},
					func(list []api.Registration) error {
						if len(list) == 0 {
							_, err := fmt.Fprintln(t.out, "No telephone is registered.")
							return err
						}
						return renderRegistrations(t.out, list, time.Now())
					})
			}
		},
	}
}

func renderRegistrations(w io.Writer, list []api.Registration, now time.Time) error {
	rows := [][]string{{"EXTENSION", "NODE", "FROM", "OVER", "FOR", "TELEPHONE", ""}}
	for _, r := range list {
		var remarks []string
		if r.Disconnected {
			remarks = append(remarks, "connection gone")
		}
		if r.Silent {
			remarks = append(remarks, "does not answer")
		}
		rows = append(rows, []string{r.User, r.Node, r.Source, r.Transport, short(r.Expires.Sub(now)), r.UserAgent, strings.Join(remarks, ", ")})
	}
	return grid(w, rows)
}
