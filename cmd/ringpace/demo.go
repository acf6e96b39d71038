package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"ringpace/dialer/demo"
)

func demoCommand() *command {
	return &command{
		name: "demo", short: "See a whole call floor work, with nothing but this binary",
		long: `Runs the real daemon in this process with a store in memory, against a carrier and
agents' softphones that are in this process too and speak real SIP and RTP over
loopback. The carrier demands registration and checks the caller ID; its customers
answer, are busy, do not answer, or cannot be reached, by shares that the summary
shows beside what was measured. Nothing leaves this machine.

The recordings and call detail records stay in the directory that the summary names.
Interrupt it once, and no new call is made; twice, and it ends.

  ringpace demo
  ringpace demo --mode predictive
  ringpace demo --leads 50 --agents 3 --mode progressive
  ringpace demo --leads 5 --agents 2 --trace
  ringpace demo --leads 200 --agents 10 --talk 3s --mode power --json
`,
		setup: func(flags *pflag.FlagSet) runner {
			o := demo.Default()
			flags.IntVar(&o.Leads, "leads", o.Leads, "people on the list")
			flags.IntVar(&o.Agents, "agents", o.Agents, "agents")
			flags.DurationVar(&o.Talk, "talk", o.Talk, "mean length of a conversation")
			flags.StringVar(&o.Mode, "mode", o.Mode, "pacing: predictive, power, progressive or preview")
			flags.Float64Var(&o.Ratio, "ratio", o.Ratio, "lines for each free agent, in mode power")
			flags.Uint64Var(&o.Seed, "seed", o.Seed, "of all that people do; the same seed, the same people")
			flags.StringVar(&o.Dir, "dir", "", "where recordings and records go (default a new temporary directory)")
			flags.BoolVar(&o.Trace, "trace", false, "show the SIP messages of one call at the end")
			flags.BoolVar(&o.Linger, "linger", false, "keep the daemon up at the end, for ringpace trace, status and the API")
			flags.BoolVar(&o.JSON, "json", false, "one JSON object at the end, and nothing else")
			return func(ctx context.Context, t *terminal, _ []string) error {
				o.Out, o.Interactive, o.Width = t.out, t.fancier && !o.JSON, t.width()
				ctx, stop := interruptible(ctx)
				defer stop()
				context.AfterFunc(ctx, stop) // so that a second signal ends the process
				err := demo.Run(ctx, o)
				if errors.Is(err, demo.ErrOptions) {
					return usage("%v", err)
				}
				return err
			}
		},
	}
}
