package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

func campaignCommand() *command {
	change := func(name, shortText, long string, f func(*api.Client, context.Context, string) (api.CampaignStatus, error)) *command {
		return &command{
			name: name, args: "CAMPAIGN", least: 1, most: 1, short: shortText, long: long,
			setup: func(flags *pflag.FlagSet) runner {
				c := dial(flags)
				return func(ctx context.Context, t *terminal, args []string) error {
					return show(ctx, t, c,
						func(ctx context.Context, client *api.Client) (api.CampaignStatus, error) {
							return f(client, ctx, args[0])
						},
						func(s api.CampaignStatus) error { return grid(t.out, campaignRows([]api.CampaignStatus{s})) })
				}
			},
		}
	}
	return &command{
		name: "campaign", short: "Start and stop campaigns, and see how they do",
		long: "A campaign dials its leads for the agents who work for it. It is set up in the\nconfiguration and started and stopped here.",
		sub: []*command{
			change("start", "Let a campaign dial", `Lets a campaign dial, as soon as it has leads, agents, a usable trunk, and its hours
allow it. It stays started over restarts of the daemon. If nothing happens then,
ringpace explain says why.

  ringpace campaign start activation
`, (*api.Client).StartCampaign),
			change("stop", "Stop dialing", `Stops dialing at once; calls that are up go on and end by themselves.

  ringpace campaign stop activation
`, (*api.Client).StopCampaign),
			campaignStatusCommand(),
		},
	}
}

func campaignStatusCommand() *command {
	return &command{
		name: "status", args: "[CAMPAIGN]", most: 1, short: "Show how campaigns do",
		long: `Shows one line for each campaign or, for one of them, all its figures: leads by
state, agents by state, today's dials and what came of them, and the latest pacing
decision with the limit that bound it.

  ringpace campaign status
  ringpace campaign status activation
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				if len(args) == 0 {
					return show(ctx, t, c, func(ctx context.Context, client *api.Client) ([]api.CampaignStatus, error) {
						return client.Campaigns(ctx)
					},
						func(all []api.CampaignStatus) error { return grid(t.out, campaignRows(all)) })
				}
				return show(ctx, t, c,
					func(ctx context.Context, client *api.Client) (api.CampaignStatus, error) {
						return client.Campaign(ctx, args[0])
					},
					func(s api.CampaignStatus) error { return renderCampaign(t.out, s) })
			}
		},
	}
}

func campaignRows(campaigns []api.CampaignStatus) [][]string {
	rows := [][]string{{"CAMPAIGN", "MODE", "STATE", "RINGING", "LIVE", "DIALS", "CONNECTS", "ABANDONED", "CALLED US", "LIMIT", ""}}
	for _, c := range campaigns {
		limit := ""
		if c.Decision != nil {
			limit = c.Decision.Limit
		}
		rows = append(rows, []string{
			c.Name, c.Mode, running(c), fmt.Sprint(c.InFlight), fmt.Sprint(c.Live), fmt.Sprint(c.Dials), fmt.Sprint(c.Connects),
			fmt.Sprintf("%d (%.1f%%)", c.Abandoned, 100*c.AbandonedShare()), calledUs(c.Inbound), limit, brief(c.State, 60),
		})
	}
	return rows
}

// calledUs is how many calls came in, and how many of them are up now.
func calledUs(in api.InboundFigures) string {
	if in.Up == 0 {
		return fmt.Sprint(in.Calls)
	}
	return fmt.Sprintf("%d (%d up)", in.Calls, in.Up)
}

func running(c api.CampaignStatus) string {
	if c.Running {
		return "running"
	}
	return "stopped"
}

func renderCampaign(w io.Writer, c api.CampaignStatus) error {
	full := c.State
	c.State = "" // for the table: it is written in full below
	if err := grid(w, campaignRows([]api.CampaignStatus{c})); err != nil {
		return err
	}
	if full != "" {
		fmt.Fprintf(w, "\n%s\n", clean(full))
	}
	fmt.Fprintf(w, "\nleads:    %s\n", tally(c.Leads, slices.Sorted(maps.Keys(c.Leads))))
	states := make([]string, 0, len(c.Agents))
	agents := make(map[string]int, len(c.Agents))
	for _, s := range api.AgentStates() {
		states = append(states, string(s))
		agents[string(s)] = c.Agents[s]
	}
	fmt.Fprintf(w, "agents:   %s\n", tally(agents, states))
	var order []string
	outcomes := make(map[string]int, len(c.Outcomes))
	for _, o := range cdr.All() {
		order = append(order, string(o))
		outcomes[string(o)] = c.Outcomes[o]
	}
	fmt.Fprintf(w, "outcomes: %s\n", tally(outcomes, order))
	in := c.Inbound
	fmt.Fprintf(w, "called us: %s calls, %d joined with an agent, %d had to wait, %d gave up, %d callbacks kept\n",
		calledUs(in), in.Connects, in.Queued, in.Abandoned, in.Callbacks)
	if c.Decision == nil {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", decided(c.Decision))
	return grid(w, factRows(c.Decision.Reasons))
}

// tally writes counts that are not 0.
func tally(counts map[string]int, order []string) string {
	var parts []string
	for _, k := range order {
		if counts[k] != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], clean(k)))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// decided says in one line what a decision came to.
func decided(d *api.Decision) string {
	return fmt.Sprintf("latest decision, %s: dial %d; what bound it: %s", local(d.At), d.Dial, clean(d.Limit))
}

func factRows(facts []api.Fact) [][]string {
	var rows [][]string
	for _, f := range facts {
		rows = append(rows, []string{"  " + f.Name, f.Value, f.Note})
	}
	return rows
}
