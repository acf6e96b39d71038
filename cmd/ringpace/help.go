package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"
)

const intro = `Ringpace dials lists of people through a SIP trunk, paces the calls so that
agents are busy and nobody is kept waiting, bridges who answers to a free agent,
and records.

  ringpace demo                        see it work, with nothing but this binary
  ringpace check ringpace.yaml         find every fault of a configuration
  ringpace serve --config ringpace.yaml

`

const environment = `Environment:
  RINGPACE_SERVER  where the daemon listens, instead of --server
  RINGPACE_TOKEN   who you are, instead of --token (which others can see in ps)

`

func helpCommand() *command {
	return &command{
		name: "help", args: "[COMMAND...]", most: 8,
		short: "Explain a command",
		long: `Explains a command, or lists them all.

  ringpace help
  ringpace help leads import
`,
		setup: func(*pflag.FlagSet) runner {
			return func(_ context.Context, t *terminal, args []string) error { return helpOn(t.out, commands(), args) }
		},
	}
}

// helpOn explains the command at path, or the whole table.
func helpOn(w io.Writer, table []*command, words []string) error {
	path, found, rest := resolve(table, words)
	if len(rest) > 0 {
		return usage("there is no command %q; see ringpace help", strings.Join(words, " "))
	}
	var b strings.Builder
	switch {
	case found == nil:
		b.WriteString(intro)
		list(&b, "Commands:", table)
		b.WriteString(environment + exitText)
		b.WriteString("\nringpace help COMMAND explains one of them.\n")
	case found.setup == nil:
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(found.long))
		list(&b, "Commands:", found.sub)
		fmt.Fprintf(&b, "ringpace help %s COMMAND explains one of them.\n", found.name)
	default:
		name := strings.Join(path, " ")
		flags := flagSet(name)
		found.setup(flags)
		fmt.Fprintf(&b, "Usage: ringpace %s", name)
		if found.args != "" {
			b.WriteString(" " + found.args)
		}
		if flags.HasFlags() {
			b.WriteString(" [flags]")
		}
		fmt.Fprintf(&b, "\n\n%s\n", strings.TrimSpace(found.long))
		if flags.HasFlags() {
			fmt.Fprintf(&b, "\nFlags:\n%s", flags.FlagUsages())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// list shows commands with their one line each.
func list(w io.Writer, title string, table []*command) {
	fmt.Fprintln(w, title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range table {
		name := c.name
		if c.setup == nil {
			name += " " + strings.Join(names(c.sub), "|")
		}
		if len(name) > 34 {
			name = c.name + " ..."
		}
		fmt.Fprintf(tw, "  %s\t%s\n", name, c.short)
	}
	_ = tw.Flush() // to a strings.Builder
	fmt.Fprintln(w)
}
