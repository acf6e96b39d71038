package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func doNotCallCommand() *command {
	change := func(name, shortText, long, done string, f func(*api.Client, context.Context, string, []string) (int, error)) *command {
		return &command{
			name: name, args: "NUMBER...", least: 1, most: 10_000, short: shortText, long: long,
			setup: func(flags *pflag.FlagSet) runner {
				campaign := flags.String("campaign", "", "the list of this campaign; left out: the list for all")
				c := dial(flags)
				return func(ctx context.Context, t *terminal, args []string) error {
					return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.DoNotCallChange, error) {
						n, err := f(client, ctx, *campaign, args)
						return api.DoNotCallChange{Changed: n}, err
					}, func(r api.DoNotCallChange) error {
						_, err := fmt.Fprintf(t.out, "%s %s\n", count(r.Changed, "number"), done)
						return err
					})
				}
			},
		}
	}
	return &command{
		name: "dnc", short: "Keep the lists of numbers that are never dialed",
		long: "Numbers on a do-not-call list are never dialed, from the moment the command ends:\nthe list is looked at in one step with the start of each attempt.",
		sub: []*command{
			change("add", "Put numbers on a list", `Puts numbers on a do-not-call list. Needs role admin.

  ringpace dnc add +4930123456
  ringpace dnc add --campaign activation +4930123456 +4930123457
`, "added", (*api.Client).AddDoNotCall),
			change("remove", "Take numbers off a list", `Takes numbers off a do-not-call list. Needs role admin.

  ringpace dnc remove +4930123456
`, "removed", (*api.Client).RemoveDoNotCall),
			{
				name: "list", short: "Show a list", long: "Shows the numbers of a do-not-call list, one a line.\n\n  ringpace dnc list --campaign activation\n",
				setup: func(flags *pflag.FlagSet) runner {
					campaign := flags.String("campaign", "", "the list of this campaign; left out: the list for all")
					c := dial(flags)
					return func(ctx context.Context, t *terminal, _ []string) error {
						return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.DoNotCallList, error) {
							return client.DoNotCall(ctx, *campaign)
						},
							func(l api.DoNotCallList) error {
								for _, n := range l.Numbers {
									if _, err := fmt.Fprintln(t.out, clean(n)); err != nil {
										return err
									}
								}
								return nil
							})
					}
				},
			},
		},
	}
}
