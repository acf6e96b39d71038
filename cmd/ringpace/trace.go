package main

import (
	"context"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func traceCommand() *command {
	return &command{
		name: "trace", args: "ID", least: 1, most: 1, short: "Show the SIP messages of a call as a ladder",
		long: `Shows what was on the wire between the carrier, Ringpace and the agent during a call,
in order, with every retransmission, as long as the messages are kept (trace in the
configuration). ID is the attempt's id, as in the call detail record, or a Call-ID.
Passwords and keys are masked.

  ringpace trace 01K7RJ2V3XQ8M5T0N9C4A6B1DE
  ringpace trace 01K7RJ2V3XQ8M5T0N9C4A6B1DE --messages
`,
		setup: func(flags *pflag.FlagSet) runner {
			messages := flags.Bool("messages", false, "each message in full")
			width := flags.Int("width", 0, "of the lines, in characters (default the terminal's)")
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				if *width < 0 {
					return usage("--width %d: lines are longer than that", *width)
				}
				return show(ctx, t, c,
					func(ctx context.Context, client *api.Client) (*api.Trace, error) { return client.Trace(ctx, args[0]) },
					func(l *api.Trace) error {
						if *width == 0 {
							*width = t.width()
						}
						return l.Render(t.out, *width, *messages)
					})
			}
		},
	}
}
