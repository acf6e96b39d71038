package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"ringpace/configs/document"
	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/config"
)

func serveCommand() *command {
	return &command{
		name: "serve", short: "Run the daemon",
		long: `Runs the daemon with a configuration, until it is told to end. It needs a Redis and,
to dial, a trunk. The log goes to standard error.

Signals: SIGTERM and SIGINT drain: no new call is made, and calls that are up are
waited for; the second hangs them up; the third ends the process at once. SIGHUP reads
the configuration again, as ringpace reload does.

  ringpace check ringpace.yaml
  ringpace serve --config ringpace.yaml
`,
		setup: func(flags *pflag.FlagSet) runner {
			path := flags.String("config", "", "the configuration, `FILE` (required)")
			return func(ctx context.Context, t *terminal, _ []string) error {
				if *path == "" {
					return usage("serve needs --config FILE")
				}
				return serve(ctx, t, *path)
			}
		},
	}
}

// reloadTime bounds a reload that a signal asked for.
const reloadTime = time.Minute

func serve(ctx context.Context, t *terminal, path string) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	cfg, warnings, err := config.Load(path)
	if err != nil {
		return faulty(path, err)
	}
	level := new(slog.LevelVar)
	level.Set(cfg.Logging.SlogLevel())
	log := newLogger(t.err, cfg.Logging.Format, level)
	dialer.TuneRuntime()
	for _, w := range warnings {
		log.Warn(w.String())
	}
	daemon, err := dialer.New(ctx, cfg, dialer.Options{Logger: log, Level: level, Version: t.version, Path: path})
	if err != nil {
		return err
	}
	log.Info("ringpace runs", "version", t.version, "node", cfg.Node.ID, "api", "http://"+daemon.Addr().String())

	running, drain := context.WithCancel(ctx)
	defer drain()
	done := make(chan error, 1)
	go func() { done <- daemon.Run(running) }()
	for stops := 0; ; {
		select {
		case err := <-done:
			if err == nil {
				log.Info("ringpace has ended")
			}
			return err
		case s := <-signals:
			if s == syscall.SIGHUP {
				reload(ctx, daemon, log)
				continue
			}
			switch stops++; stops {
			case 1:
				log.Info("told to end: no new calls, those that are up are waited for; tell again to hang up", "signal", s.String())
				drain()
			case 2:
				log.Warn("told to end again: calls are hung up", "signal", s.String())
				daemon.HangUp()
			default:
				return errors.New("told to end a third time: ended at once")
			}
		}
	}
}

// reload reads the configuration again and logs each difference or fault.
func reload(ctx context.Context, floor api.Floor, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	changes, err := floor.Reload(ctx)
	if err != nil {
		log.Error("the configuration is refused and the old one stays in force", "error", err)
		var refusal *api.Refusal
		if errors.As(err, &refusal) {
			for _, p := range refusal.Problems {
				log.Error(p)
			}
		}
		return
	}
	log.Info("configuration read again", "changes", len(changes))
	for _, c := range changes {
		log.Info("configuration changed", "key", c.Key, "old", c.Old, "new", c.New, "applied", c.Applied)
	}
}

// faulty is a configuration that cannot be used, with every fault.
func faulty(path string, err error) error {
	var faults document.Problems
	if !errors.As(err, &faults) {
		return err
	}
	r := &api.Refusal{Kind: api.ErrInvalid, Detail: fmt.Sprintf("%s has %s", path, count(len(faults), "error"))}
	for _, p := range faults {
		r.Problems = append(r.Problems, p.String())
	}
	return r
}

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
