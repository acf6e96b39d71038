package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func bansCommand() *command {
	return &command{
		name: "bans", short: "Show, lift and make bans of addresses that send SIP",
		long: "Sources that scan, guess passwords or send too much are banned for a while: their\nmessages are dropped unread. Trunks and peers never are. A ban holds on one node.",
		sub: []*command{
			{
				name: "list", short: "Show who is banned",
				long: "Shows who is banned now, the latest first, for what and until when.\n\n  ringpace bans list\n",
				setup: func(flags *pflag.FlagSet) runner {
					c := dial(flags)
					return func(ctx context.Context, t *terminal, _ []string) error {
						return show(ctx, t, c,
							func(ctx context.Context, client *api.Client) ([]api.Ban, error) { return client.Bans(ctx) },
							func(bans []api.Ban) error {
								if len(bans) == 0 {
									_, err := fmt.Fprintln(t.out, "Nobody is banned.")
									return err
								}
								return grid(t.out, banRows(bans))
							})
					}
				},
			},
			{
				name: "lift", args: "ADDRESS", least: 1, most: 1, short: "Let an address be heard again",
				long: "Lifts a ban, and forgets what led to it. Needs role admin.\n\n  ringpace bans lift 198.51.100.7\n",
				setup: func(flags *pflag.FlagSet) runner {
					c := dial(flags)
					return func(ctx context.Context, t *terminal, args []string) error {
						return show(ctx, t, c,
							func(ctx context.Context, client *api.Client) (struct{}, error) {
								return struct{}{}, client.LiftBan(ctx, args[0])
							},
							func(struct{}) error {
								_, err := fmt.Fprintf(t.out, "%s is heard again\n", clean(args[0]))
								return err
							})
					}
				},
			},
			{
				name: "add", args: "ADDRESS", least: 1, most: 1, short: "Ban an address",
				long: "Bans an address: an IPv4 address, or the IPv6 network of 64 bits that it is in. Networks\nare denied for good by sip.defence.deny. Needs role admin.\n\n  ringpace bans add 198.51.100.7 --for 24h\n",
				setup: func(flags *pflag.FlagSet) runner {
					length := flags.Duration("for", time.Hour, "how long")
					c := dial(flags)
					return func(ctx context.Context, t *terminal, args []string) error {
						if *length <= 0 {
							return usage("--for %s: a ban lasts more than nothing", *length)
						}
						return show(ctx, t, c,
							func(ctx context.Context, client *api.Client) (api.Ban, error) {
								return client.Ban(ctx, args[0], *length)
							},
							func(b api.Ban) error {
								_, err := fmt.Fprintf(t.out, "%s is not heard until %s\n", clean(b.Source), local(b.Until))
								return err
							})
					}
				},
			},
		},
	}
}

func banRows(bans []api.Ban) [][]string {
	rows := [][]string{{"SOURCE", "FOR", "SINCE", "UNTIL", "TIMES", "DROPPED"}}
	for _, b := range bans {
		rows = append(rows, []string{
			clean(b.Source), clean(b.Reason), local(b.Since), local(b.Until), fmt.Sprint(b.Times), fmt.Sprint(b.Drops),
		})
	}
	return rows
}
