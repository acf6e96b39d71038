package main

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

func leaveCommand() *command {
	return agentVerb("leave", "Announce a break or the end of the shift", `Announces a break, or the end of the shift where no reason is given: it begins at that
time, or after the call and its wrap-up that is up then. Shortly before, pacing dials
ahead for the other agents only, so that nobody answers for whom this one is gone.
--at is a time of day, RFC 3339, a date and time of day here, or a while from now.

  ringpace agent leave 1001 --at 12:30 --reason lunch
  ringpace agent leave 1001 --at 20m --reason break
  ringpace agent leave 1001 --at 17:00
  ringpace agent leave 1001 --stay
`, func(flags *pflag.FlagSet) func() (agentAction, error) {
		when := flags.String("at", "", "when it begins")
		reason := flags.String("reason", "", "why, of a break; without it the shift ends")
		stay := flags.Bool("stay", false, "take back what was announced")
		return func() (agentAction, error) {
			if *stay == (*when != "") {
				return nil, usage("agent leave needs --at or --stay")
			}
			at, err := parseTime("--at", *when, time.Now())
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				if *stay {
					return client.Stay(ctx, id)
				}
				return client.Leave(ctx, id, api.Leave{At: at, Reason: *reason})
			}, nil
		}
	})
}
