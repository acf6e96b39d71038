package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ringpace/dialer/api"
)

const whoText = "\nAGENT is the agent's id; with a token of role agent it may be left out and is your own.\n"

func agentCommand() *command {
	simple := func(name, shortText, long string) *command {
		return agentVerb(name, shortText, long, func(*pflag.FlagSet) func() (agentAction, error) {
			return func() (agentAction, error) {
				return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
					return client.CommandAgent(ctx, id, name)
				}, nil
			}
		})
	}
	return &command{
		name: "agent", short: "Log agents in and out, pause them, end and name their calls",
		long: "An agent is reached at an extension and takes the calls of some campaigns. Agents\nuse these commands for themselves, supervisors for anyone.",
		sub: []*command{
			simple("login", "Begin the shift", `Begins the shift: a nailed agent's extension is called now, and the agent is paused
once audio has come from it, until they are ready (ringpace agent ready).

  ringpace agent login 1001
`),
			simple("logout", "End the shift", `Ends the shift; after the call and its wrap-up if one is up.

  ringpace agent logout 1001
`),
			simple("ready", "Take calls", `Ends a pause or the wrap-up: the next call may come.

  ringpace agent ready 1001
`),
			pauseCommand(),
			leaveCommand(),
			simple("hangup", "End the call", `Ends the agent's call. The customer is held quiet for the goodbye (two seconds
unless configured otherwise), then the line is closed.

  ringpace agent hangup 1001
`),
			simple("hold", "Put the customer on hold", `Puts the customer on hold; they hear what hold.music of the configuration says.

  ringpace agent hold 1001
`),
			simple("resume", "Take the customer back", `Ends a hold that this command, or the agent's key for it, began. A hold by the
softphone's own key is ended there.

  ringpace agent resume 1001
`),
			recordingCommand("pause-recording", "Pause the recording", `Keeps what is said out of the recording, while the customer tells what must not be
kept, such as the number and code of a card: the recording has silence instead. It
lasts through holds, until ringpace agent resume-recording, the end of the agent's part
in the call, or recording.max_pause of the configuration; given again, that begins anew.

  ringpace agent pause-recording 1001
`, (*api.Client).PauseRecording),
			recordingCommand("resume-recording", "Go on recording", `Ends what ringpace agent pause-recording, or the agent's key for it, began.

  ringpace agent resume-recording 1001
`, (*api.Client).ResumeRecording),
			transferCommand(),
			conferenceCommand(),
			listenCommand(api.PartListen, "Listen to an agent's calls", "nobody hears the supervisor"),
			listenCommand(api.PartWhisper, "Speak to an agent unheard by the customer", "the agent hears the supervisor, the\ncustomer does not"),
			listenCommand(api.PartBarge, "Join an agent's calls, heard by both", "both hear the supervisor"),
			disposeCommand(),
			simple("preview", "Ask for the next lead", `Asks for the next lead of a preview campaign. It is reserved and shown; nothing is
dialed before ringpace agent dial.

  ringpace agent preview 1001
`),
			simple("dial", "Dial the lead that is shown", "Dials the lead that ringpace agent preview has shown.\n"),
			simple("skip", "Give the lead that is shown back", "Gives the lead that ringpace agent preview has shown back; it counts no attempt.\n"),
			agentStatusCommand(),
		},
	}
}

// agentAction tells the daemon what an agent is to do.
type agentAction func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error)

// agentVerb is a command to one agent that answers with the agent's state. declare
// declares its flags and returns what makes the action of them once they are
// parsed.
func agentVerb(name, shortText, long string, declare func(*pflag.FlagSet) func() (agentAction, error)) *command {
	return &command{
		name: name, args: "[AGENT]", most: 1, short: shortText, long: long + whoText,
		setup: func(flags *pflag.FlagSet) runner {
			action := declare(flags)
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				do, err := action()
				if err != nil {
					return err
				}
				return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.AgentStatus, error) {
					id, err := whichAgent(ctx, client, args)
					if err != nil {
						return api.AgentStatus{}, err
					}
					return do(ctx, client, id)
				}, func(a api.AgentStatus) error { return renderAgent(t.out, a, time.Now()) })
			}
		},
	}
}

// whichAgent is the one that is named, else the one whose token this is.
func whichAgent(ctx context.Context, client *api.Client, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	me, err := client.Me(ctx)
	if err != nil {
		return "", err
	}
	if me.Agent == "" {
		return "", usage("name the agent: the token %q has role %s and is no agent's own", me.Name, me.Role)
	}
	return me.Agent, nil
}

func pauseCommand() *command {
	return agentVerb("pause", "Take a break", `Takes a break, at once or after the call and its wrap-up. The reason is counted;
the configuration may say which there are.

  ringpace agent pause 1001 --reason lunch
`, func(flags *pflag.FlagSet) func() (agentAction, error) {
		reason := flags.String("reason", "break", "why")
		return func() (agentAction, error) {
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				return client.Pause(ctx, id, *reason)
			}, nil
		}
	})
}

// recordingCommand pauses the recording of an agent's call, or goes on with it.
func recordingCommand(name, shortText, long string, do func(*api.Client, context.Context, string) (api.AgentStatus, error)) *command {
	return agentVerb(name, shortText, long, func(*pflag.FlagSet) func() (agentAction, error) {
		return func() (agentAction, error) {
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				return do(client, ctx, id)
			}, nil
		}
	})
}

func transferCommand() *command {
	return agentVerb("transfer", "Hand the customer to another party", `Hands the customer to another agent's extension, to an extension that
transfer.extensions allows, or to a number that transfer.prefixes allow. The customer
waits while it rings; if nobody answers they come back to the agent.

  ringpace agent transfer 1001 --to 1002
`, func(flags *pflag.FlagSet) func() (agentAction, error) {
		to := flags.String("to", "", "extension or number (required)")
		return func() (agentAction, error) {
			if *to == "" {
				return nil, usage("agent transfer needs --to")
			}
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				return client.Transfer(ctx, id, *to)
			}, nil
		}
	})
}

func conferenceCommand() *command {
	return agentVerb("conference", "Have a third party join agent and customer", `Calls another agent's extension, an extension that transfer.extensions allows, or a
number that transfer.prefixes allow, to talk with agent and customer. Each may leave:
if the agent hangs up the customer goes on with the third party, as after a transfer;
--drop lets go of the third party; the customer ends it for all.

  ringpace agent conference 1001 --to 1002
  ringpace agent conference 1001 --drop
`, func(flags *pflag.FlagSet) func() (agentAction, error) {
		to := flags.String("to", "", "extension or number")
		drop := flags.Bool("drop", false, "let go of the third party, or of who is being called")
		return func() (agentAction, error) {
			if *drop == (*to != "") {
				return nil, usage("agent conference needs --to or --drop")
			}
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				if *drop {
					return client.DropThird(ctx, id)
				}
				return client.CallIn(ctx, id, *to)
			}, nil
		}
	})
}

func listenCommand(part api.ListenPart, shortText, heard string) *command {
	return &command{
		name: string(part), args: "AGENT", least: 1, most: 1, short: shortText,
		long: fmt.Sprintf(`Calls the telephone of a supervisor, who hears both sides of this call of AGENT and of
those that follow until they hang up; %s. Given to a supervisor who
is on the line already, it changes that, as the keys 4 (listen), 5 (whisper) and
6 (barge) of their telephone do. Call detail records tell who listened.

  ringpace agent %s 1001 --supervisor eva
`, heard, part),
		setup: func(flags *pflag.FlagSet) runner {
			by := flags.String("supervisor", "", "whom to call: an agent whom the configuration calls a supervisor (required)")
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				if *by == "" {
					return usage("agent %s needs --supervisor", part)
				}
				return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.AgentStatus, error) {
					return client.Listen(ctx, args[0], part, *by)
				}, func(a api.AgentStatus) error { return renderAgent(t.out, a, time.Now()) })
			}
		},
	}
}

func disposeCommand() *command {
	return agentVerb("dispose", "Name the result of the call", `Names the result of the call, during it or in its wrap-up. With --callback, the person
is called again at that time: a time of day, RFC 3339, a date and time of day here, or a
while from now.

  ringpace agent dispose 1001 --disposition sold
  ringpace agent dispose 1001 --disposition callback --callback "2026-07-02 15:30"
  ringpace agent dispose 1001 --disposition callback --callback 2h --note "ask for Ada"
`, func(flags *pflag.FlagSet) func() (agentAction, error) {
		name := flags.String("disposition", "", "the result, one of the campaign's (required)")
		note := flags.String("note", "", "words for the record")
		callback := flags.String("callback", "", "when to call this person again")
		return func() (agentAction, error) {
			if *name == "" {
				return nil, usage("agent dispose needs --disposition")
			}
			at, err := parseTime("--callback", *callback, time.Now())
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, client *api.Client, id string) (api.AgentStatus, error) {
				return client.Dispose(ctx, id, api.Disposition{Name: *name, Note: *note, Callback: at})
			}, nil
		}
	})
}

// parseTime reads a time that is to come; "" is none.
func parseTime(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(s, "+")); err == nil && d > 0 {
		return now.Add(d), nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	if clock, err := time.Parse("15:04", s); err == nil {
		y, m, d := now.Date()
		at := time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), 0, 0, now.Location())
		}
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05"} {
		if at, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usage(`%s %q is no time; write 15:04, "2006-01-02 15:04", 2006-01-02T15:04:05+02:00, or 2h`, flag, s)
}

func agentStatusCommand() *command {
	return &command{
		name: "status", args: "[AGENT]", most: 1, short: "Show what agents do",
		long: `Shows one line for each agent or, for one of them, the call, the lead with all its
fields, and today's figures. With a token of role agent it shows your own.

  ringpace agent status
  ringpace agent status 1001
`,
		setup: func(flags *pflag.FlagSet) runner {
			c := dial(flags)
			return func(ctx context.Context, t *terminal, args []string) error {
				one := args
				if len(one) == 0 {
					if err := c.ask(ctx, t, func(ctx context.Context, client *api.Client) error {
						me, err := client.Me(ctx)
						if me.Agent != "" {
							one = []string{me.Agent}
						}
						return err
					}); err != nil {
						return err
					}
				}
				if len(one) == 0 {
					return show(ctx, t, c, func(ctx context.Context, client *api.Client) ([]api.AgentStatus, error) { return client.Agents(ctx) },
						func(all []api.AgentStatus) error { return grid(t.out, agentRows(all, time.Now())) })
				}
				return show(ctx, t, c, func(ctx context.Context, client *api.Client) (api.AgentStatus, error) {
					return client.Agent(ctx, one[0])
				},
					func(a api.AgentStatus) error { return renderAgent(t.out, a, time.Now()) })
			}
		},
	}
}

func agentRows(agents []api.AgentStatus, now time.Time) [][]string {
	rows := [][]string{{"AGENT", "NAME", "EXTENSION", "STATE", "FOR", "CALLS", "TALK", "WAIT", "WRAP-UP", "REASON"}}
	for _, a := range agents {
		rows = append(rows, []string{
			a.ID, a.Name, a.Extension, agentState(a), ago(a.Since, now), fmt.Sprint(a.Today.Calls),
			seconds(a.Today.TalkS), seconds(a.Today.WaitS), seconds(a.Today.WrapUpS), a.Reason,
		})
	}
	return rows
}

func agentState(a api.AgentStatus) string {
	switch {
	case a.Next != "":
		return fmt.Sprintf("%s, then %s", a.State, a.Next)
	case !a.LeavesAt.IsZero():
		return fmt.Sprintf("%s, leaves at %s", a.State, a.LeavesAt.Local().Format("15:04"))
	}
	return string(a.State)
}

func renderAgent(w io.Writer, a api.AgentStatus, now time.Time) error {
	if err := grid(w, agentRows([]api.AgentStatus{a}, now)); err != nil {
		return err
	}
	if len(a.Registered) > 0 {
		fmt.Fprintln(w)
		if err := renderRegistrations(w, a.Registered, now); err != nil {
			return err
		}
	}
	if c := a.Call; c != nil {
		fmt.Fprintf(w, "\ncall %s, campaign %s, number %s", clean(c.ID), clean(c.Campaign), clean(c.Number))
		if !c.BridgedAt.IsZero() {
			fmt.Fprintf(w, ", joined at %s", local(c.BridgedAt))
		}
		if c.Conference != "" {
			fmt.Fprintf(w, ", with %s", clean(c.Conference))
		}
		if !c.RecordingPausedAt.IsZero() {
			fmt.Fprintf(w, ", recording paused since %s", local(c.RecordingPausedAt))
		}
		if c.Disposition != "" {
			fmt.Fprintf(w, ", disposition %s", clean(c.Disposition))
		}
		fmt.Fprintln(w)
		if len(c.Dispositions) > 0 {
			fmt.Fprintf(w, "dispositions: %s\n", clean(strings.Join(c.Dispositions, ", ")))
		}
	}
	if l := a.Lead; l != nil {
		fmt.Fprintf(w, "\nlead %s of list %s, number %s, attempts before: %d\n", clean(l.ID), clean(l.List), clean(l.Number), l.Attempts)
		var rows [][]string
		for _, k := range slices.Sorted(maps.Keys(l.Fields)) {
			rows = append(rows, []string{"  " + k, l.Fields[k]})
		}
		return grid(w, rows)
	}
	return nil
}
