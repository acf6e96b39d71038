// Package demo runs a whole call floor in one process: the real daemon with an
// embedded store, against the lab's carrier and PBX over real SIP and RTP on
// loopback. It imports a list of fictional people, has agents work it off, and
// says what came of it, with the sums checked against one another.
//
// Run owns everything that it starts; nothing of it is left when it returns but
// the directory of recordings and records.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/charmbracelet/lipgloss"

	"ringpace/dialer/lab"
	"ringpace/pacing"
)

// Options are what a demo is like. The zero value of each is a sensible default.
type Options struct {
	Leads  int           // people on the list, at most MaxLeads
	Agents int           // 1 to 300
	Talk   time.Duration // mean length of a conversation, 100 ms to a minute
	Mode   string        // pacing: predictive, power, progressive or preview
	Ratio  float64       // power: lines per free agent
	Seed   uint64        // of everything that people do
	Dir    string        // where recordings, records and the log go; a new or empty directory; default: a temporary one

	Trace  bool // the ladder of one call at the end
	Linger bool // the daemon goes on at the end, until it is told to stop

	JSON        bool      // one JSON object at the end and nothing else
	Interactive bool      // Out is a terminal: a live view, and a summary after it
	Out         io.Writer // default os.Stdout
	Width       int       // of Out, in characters; default 120
}

// ErrSums is returned, with the result written, when the sums do not add up.
var ErrSums = errors.New("demo: the sums do not add up")

// ErrOptions is wrapped by the errors for options that make no sense.
var ErrOptions = errors.New("demo")

// Default is a demo that shows what there is to see in a minute.
func Default() Options {
	return Options{Leads: 200, Agents: 10, Talk: 3 * time.Second, Mode: string(pacing.Power), Ratio: 1.5, Seed: 1}
}

// Bounds of the options: all is in one process, on one machine.
const (
	maxAgents = 300
	maxTalk   = time.Minute
)

// Compressed time: how long it rings until the caller gives up.
const ringTimeout = 3 * time.Second

func (o Options) settled() (Options, error) {
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Width <= 0 {
		o.Width = 120
	}
	switch {
	case o.Leads < 1 || o.Leads > MaxLeads:
		return o, fmt.Errorf("%w: %d leads; there are 1 to %d fictional numbers", ErrOptions, o.Leads, MaxLeads)
	case o.Agents < 1 || o.Agents > maxAgents:
		return o, fmt.Errorf("%w: %d agents; 1 to %d are possible", ErrOptions, o.Agents, maxAgents)
	case o.Talk < 100*time.Millisecond || o.Talk > maxTalk:
		return o, fmt.Errorf("%w: conversations of %v; 100ms to %v are possible", ErrOptions, o.Talk, maxTalk)
	case !slices.Contains(pacing.Modes(), pacing.Mode(o.Mode)):
		return o, fmt.Errorf("%w: no mode %q; there are %v", ErrOptions, o.Mode, pacing.Modes())
	case pacing.Mode(o.Mode) == pacing.Power && !(o.Ratio >= 1 && o.Ratio <= 10):
		return o, fmt.Errorf("%w: a ratio of %v lines for each free agent; 1 to 10 are possible", ErrOptions, o.Ratio)
	}
	err := o.directory()
	return o, err
}

// directory makes the directory. What is there already would be counted with what
// this demo leaves.
func (o *Options) directory() (err error) {
	var there []os.DirEntry
	if o.Dir == "" {
		o.Dir, err = os.MkdirTemp("", "ringpace-demo-")
	} else if o.Dir, err = filepath.Abs(o.Dir); err == nil {
		if err = os.MkdirAll(o.Dir, 0o750); err == nil {
			there, err = os.ReadDir(o.Dir)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("demo: directory: %w", err)
	case len(there) > 0:
		return fmt.Errorf("demo: directory %s is not empty; name a new one", o.Dir)
	}
	return nil
}

// Run runs a demo until every lead is called, or until ctx is done: then no new
// call is made and those that are up come to their end. It writes the result to
// Out, and returns ErrSums when it does not add up.
func Run(ctx context.Context, o Options) error {
	o, err := o.settled()
	if err != nil {
		return err
	}
	var r *Result
	switch {
	case o.JSON:
		r, err = play(context.WithoutCancel(ctx), ctx.Done(), o, func(scene) {})
	case o.Interactive && !o.Linger:
		r, err = live(ctx, o)
	default:
		p := &printer{out: o.Out}
		r, err = play(context.WithoutCancel(ctx), ctx.Done(), o, p.show)
	}
	if err != nil {
		return fmt.Errorf("%w (log: %s)", err, filepath.Join(o.Dir, logName))
	}
	if o.JSON {
		err = json.NewEncoder(o.Out).Encode(r)
	} else {
		err = summarise(o.Out, r, lipgloss.NewRenderer(o.Out))
	}
	if err == nil && o.Trace && !o.JSON {
		_, err = fmt.Fprintln(o.Out)
		switch {
		case err != nil:
		case r.Trace == nil:
			_, err = fmt.Fprint(o.Out, noLadder)
		default:
			err = r.Trace.Render(o.Out, o.Width, false)
		}
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if len(r.Faults) > 0 {
		return ErrSums
	}
	return nil
}

// mix is what the demo's carrier is told to produce.
func mix() lab.Mix { return lab.DefaultMix() }
