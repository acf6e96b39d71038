package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ringpace/dialer/api"
	"ringpace/media/record/chain"
)

// The exit codes; exitText explains them to people.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitRefused     = 4
	exitState       = 5
	exitInterrupted = 130 // as shells have it: 128 + SIGINT
)

const exitText = `Exit codes:
  0    done
  1    failed; the message says why
  2    the command line makes no sense
  3    no daemon answers
  4    the daemon refuses: no token, a wrong one, or one without the right
  5    no such campaign, agent, lead or recording, or not possible in its present state
  130  interrupted
`

// usageError is a fault of the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errTold is a failure of which everything has been said already.
var errTold = errors.New("told")

// exitCode gives the code for an error.
func exitCode(err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		return exitUsage
	case errors.Is(err, api.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, api.ErrCredentials), errors.Is(err, api.ErrForbidden), errors.Is(err, api.ErrTooMany):
		return exitRefused
	case errors.Is(err, api.ErrNotFound), errors.Is(err, api.ErrConflict), errors.Is(err, chain.ErrNotFound),
		errors.Is(err, chain.ErrCleared):
		return exitState
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailure
}

// tell writes an error for a person, with each single fault on its line.
func tell(w io.Writer, err error) {
	if errors.Is(err, errTold) {
		return
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "ringpace: interrupted")
		return
	}
	fmt.Fprintf(w, "ringpace: %s\n", clean(err.Error()))
	var refusal *api.Refusal
	if errors.As(err, &refusal) {
		for _, p := range refusal.Problems {
			fmt.Fprintf(w, "  %s\n", clean(p))
		}
	}
}
