package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// command is one entry of the table: a verb, or a noun with verbs below it.
type command struct {
	name  string
	args  string // its arguments, as the synopsis shows them
	least int    // arguments needed
	most  int    // arguments allowed
	short string // one line for the list of commands
	long  string // what one must know to use it, with examples

	sub   []*command
	setup setup // nil where sub is set
}

// setup declares the flags of a command and returns what runs it, once they have
// been parsed.
type setup func(flags *pflag.FlagSet) runner

// runner does the work of a command.
type runner func(ctx context.Context, t *terminal, args []string) error

// run finds the command that args name, runs it, and returns the exit code.
func run(ctx context.Context, t *terminal, table []*command, args []string) int {
	err := dispatch(ctx, t, table, args)
	if err != nil {
		tell(t.err, err)
	}
	return exitCode(err)
}

func dispatch(ctx context.Context, t *terminal, table []*command, args []string) error {
	path, found, rest := resolve(table, args)
	switch {
	case found == nil && len(rest) == 0:
		if err := helpOn(t.err, table, nil); err != nil {
			return err
		}
		return usage("name a command")
	case found == nil && (rest[0] == "-h" || rest[0] == "--help"):
		return helpOn(t.out, table, nil)
	case found == nil && rest[0] == "--version":
		return dispatch(ctx, t, table, []string{"version"})
	case found == nil:
		return usage("there is no command %q; see ringpace help", rest[0])
	case found.setup == nil && len(rest) > 0 && (rest[0] == "-h" || rest[0] == "--help"):
		return helpOn(t.out, table, path)
	case found.setup == nil && len(rest) == 0:
		return usage("%s what? One of: %s", strings.Join(path, " "), strings.Join(names(found.sub), ", "))
	case found.setup == nil:
		return usage("there is no %s %q; one of: %s", strings.Join(path, " "), rest[0], strings.Join(names(found.sub), ", "))
	}
	name := strings.Join(path, " ")
	flags := flagSet(name)
	work := found.setup(flags)
	if err := flags.Parse(rest); errors.Is(err, pflag.ErrHelp) {
		return helpOn(t.out, table, path)
	} else if err != nil {
		return usage("%s: %v; see ringpace help %s", name, err, name)
	}
	switch n := flags.NArg(); {
	case n < found.least:
		return usage("%s needs %s; see ringpace help %s", name, found.args, name)
	case n > found.most:
		return usage("%s: %q is too much; see ringpace help %s", name, flags.Arg(found.most), name)
	}
	if slices.Contains(flags.Args(), "") {
		return usage("%s: an argument is empty; see ringpace help %s", name, name)
	}
	return work(ctx, t, flags.Args())
}

func flagSet(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	return flags
}

// resolve walks down the table as far as the words go.
func resolve(table []*command, words []string) (path []string, found *command, rest []string) {
	rest = words
	for len(rest) > 0 {
		next := find(table, rest[0])
		if next == nil {
			break
		}
		found, path, rest, table = next, append(path, rest[0]), rest[1:], next.sub
	}
	return path, found, rest
}

func find(table []*command, name string) *command {
	for _, c := range table {
		if c.name == name {
			return c
		}
	}
	return nil
}

func names(table []*command) []string {
	list := make([]string, len(table))
	for i, c := range table {
		list[i] = c.name
	}
	return list
}
