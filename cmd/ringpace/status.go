package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

// overview is all that the status command asks for.
type overview struct {
	Status    api.Status           `json:"status"`
	Trunks    []api.TrunkStatus    `json:"trunks"`
	Campaigns []api.CampaignStatus `json:"campaigns"`
	Agents    []api.AgentStatus    `json:"agents"`
}

func statusCommand() *command {
	return &command{
		name: "status", short: "Show the node, its trunks, campaigns and agents",
		long: `Shows whether the node may dial and, if not, why; its alarms; each trunk with its
registration; each campaign and each agent. Exit code 0 means that it answered,
not that all is well; for that see ringpace health --ready.

  ringpace status
  ringpace status --json | jq '.trunks[] | select(.usable | not)'
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			return func(ctx context.Context, t *terminal, _ []string) error {
				return show(ctx, t, c, askOverview, func(o overview) error { return renderOverview(t.out, o, time.Now()) })
			}
		},
	}
}

func askOverview(ctx context.Context, client *api.Client) (o overview, err error) {
	if o.Status, err = client.Status(ctx); err != nil {
		return o, err
	}
	if o.Trunks, err = client.Trunks(ctx); err != nil {
		return o, err
	}
	if o.Campaigns, err = client.Campaigns(ctx); err != nil {
		return o, err
	}
	o.Agents, err = client.Agents(ctx)
	return o, err
}

func renderOverview(w io.Writer, o overview, now time.Time) error {
	s := o.Status
	state := "ready to dial"
	switch {
	case s.Draining:
		state = "draining: no new calls"
	case !s.Ready:
		state = "not ready to dial"
	}
	fmt.Fprintf(w, "node %s, version %s, up %s: %s\n", clean(s.Node), clean(s.Version), seconds(s.UptimeS), state)
	for _, reason := range s.NotReady {
		fmt.Fprintf(w, "  because %s\n", clean(reason))
	}
	for _, a := range s.Alarms {
		fmt.Fprintf(w, "ALARM %s for %s: %s\n", clean(a.Name), ago(a.Since, now), clean(a.Detail))
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "warning: %s\n", clean(warning))
	}
	redis := "up"
	if !s.Redis.Up {
		redis = "DOWN for " + ago(s.Redis.Since, now)
	}
	fmt.Fprintf(w, "Redis %s, %d records waiting for it; %d calls, %d of them to our numbers, %d bridged; %d recordings\n",
		redis, s.Redis.Backlog, s.Calls, s.Inbound, s.Bridged, s.Recording.Active)
	if len(o.Trunks) > 0 {
		fmt.Fprintln(w)
		if err := grid(w, trunkRows(o.Trunks, s.Alarms, now)); err != nil {
			return err
		}
	}
	if len(o.Campaigns) > 0 {
		fmt.Fprintln(w)
		if err := grid(w, campaignRows(o.Campaigns)); err != nil {
			return err
		}
	}
	if len(o.Agents) > 0 {
		fmt.Fprintln(w)
		return grid(w, agentRows(o.Agents, now))
	}
	return nil
}

// trunkRows shows trunks; why one is down stands here unless an alarm says it.
func trunkRows(trunks []api.TrunkStatus, alarms []api.Alarm, now time.Time) [][]string {
	rows := [][]string{{"TRUNK", "STATE", "FOR", "PRIORITY", "WEIGHT", "CHANNELS", "CALLS/S", "REASON"}}
	for _, t := range trunks {
		reason := t.Reason
		if slices.ContainsFunc(alarms, func(a api.Alarm) bool { return a.Name == "trunk_down:"+t.Name }) {
			reason = "see ALARM"
		}
		if !t.SlowedUntil.IsZero() {
			reason = fmt.Sprintf("slowed down until %s, since the carrier said: %s", t.SlowedUntil.Local().Format(time.TimeOnly), t.SlowedBy)
		}
		rows = append(rows, []string{
			t.Name, string(t.State), ago(t.Since, now), fmt.Sprint(t.Priority), fmt.Sprint(t.Weight), bounded(t.ChannelsUsed, t.ChannelsLimit),
			fmt.Sprintf("%.1f", t.CPS), reason,
		})
	}
	return rows
}

func bounded(n, limit int) string {
	if limit == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d/%d", n, limit)
}

func healthCommand() *command {
	return &command{
		name: "health", short: "Say whether the daemon lives, by the exit code",
		long: `Ends with code 0 if the daemon lives, else 3. With --ready, ends with 0 only if it
may dial, else 1 with the reasons. Needs no token: made for container health
checks and load balancers.

  ringpace health
  ringpace health --ready || page-someone
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			ready := flags.Bool("ready", false, "ask whether it may dial")
			return func(ctx context.Context, t *terminal, _ []string) error {
				if !*ready {
					return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.Health, error) { return client.Health(ctx) },
						func(h api.Health) error { _, err := fmt.Fprintln(t.out, h.Status); return err })
				}
				return c.ask(ctx, t, func(ctx context.Context, client *api.Client) error {
					r, err := client.Readiness(ctx)
					if err != nil {
						return err
					}
					return tellReadiness(t, c.json, r)
				})
			}
		},
	}
}

func tellReadiness(t *terminal, asJSON bool, r api.Readiness) error {
	if asJSON {
		if err := t.json(r); err != nil {
			return err
		}
	} else if r.Ready {
		fmt.Fprintln(t.out, "ready")
	} else {
		for _, reason := range r.Reasons {
			fmt.Fprintln(t.out, "not ready:", clean(reason))
		}
	}
	if !r.Ready {
		return errTold
	}
	return nil
}

func reloadCommand() *command {
	return &command{
		name: "reload", short: "Make the daemon read its configuration again",
		long: `Makes the daemon read its configuration file again and tells what changed. What can
change while calls are up takes effect at once; the rest at the next start, and it
says so. A file with any fault is refused whole and the old one stays in force:
try it with ringpace check first. Needs role admin.

  ringpace reload
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			return func(ctx context.Context, t *terminal, _ []string) error {
				return show(ctx, t, c, func(ctx context.Context, client *api.Client) ([]api.Change, error) { return client.Reload(ctx) },
					func(changes []api.Change) error { return renderChanges(t.out, changes) })
			}
		},
	}
}

func renderChanges(w io.Writer, changes []api.Change) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintln(w, "nothing changed")
		return err
	}
	rows := [][]string{{"KEY", "WAS", "IS", "TAKES EFFECT"}}
	later := false
	for _, c := range changes {
		when := "now"
		if !c.Applied {
			when, later = "at the next start", true
		}
		rows = append(rows, []string{c.Key, c.Old, c.New, when})
	}
	err := grid(w, rows)
	if later {
		_, werr := fmt.Fprintln(w, "\nRestart the daemon to apply the rest: calls in flight are waited for.")
		err = errors.Join(err, werr)
	}
	return err
}
