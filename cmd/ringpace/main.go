// Command ringpace is the front door of the dialer: the daemon, the commands that
// speak to it, and the demonstration. It holds flags, wiring and signals only.
//
// The commands are one table (see commands), from which the help texts and the
// completions for shells are made too. A command that speaks to the daemon does so
// through api.Client; its exit code says what kind of thing went wrong (see
// exit.go).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/mattn/go-isatty"
)

// version may be set when linking: -ldflags "-X main.version=v1.2.3". Otherwise it
// is what the Go toolchain knows of the build.
var version string

func main() {
	t := &terminal{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv,
		fancy:   isatty.IsTerminal(os.Stderr.Fd()) && os.Getenv("TERM") != "dumb",
		fancier: isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("TERM") != "dumb",
		version: buildVersion(version),
	}
	if t.fancier {
		t.columns = func() int {
			width, _, _ := term.GetSize(os.Stdout.Fd()) // 0 where it does not tell
			return width
		}
	}
	os.Exit(run(context.Background(), t, commands(), os.Args[1:]))
}

// commands is the whole table, in the order in which help shows it.
func commands() []*command {
	return []*command{
		serveCommand(), checkCommand(), demoCommand(), simulateCommand(),
		statusCommand(), campaignCommand(), leadsCommand(), agentCommand(), doNotCallCommand(),
		registrationsCommand(), recordingsCommand(), traceCommand(), bansCommand(), explainCommand(), forecastCommand(), reloadCommand(), healthCommand(),
		versionCommand(), completionCommand(), helpCommand(),
	}
}

// interruptible returns a context that SIGINT and SIGTERM end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
