package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ringpace/dialer"
	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/dialer/store"
)

// Files in the demo's directory.
const (
	settingsName = "ringpace.yaml"
	logName      = "ringpace.log"
)

// storeTimeout is how long the embedded store may take. It is in this process: when
// it is late, the whole machine is.
const storeTimeout = 10 * time.Second

// stage is everything that runs during a demo.
type stage struct {
	options Options
	cfg     *config.Config
	agents  []agentSetting
	carrier *lab.Carrier
	pbx     *lab.PBX
	daemon  *dialer.Daemon
	closers []func(context.Context) error
}

func (s *stage) opened(closer func(context.Context) error) { s.closers = append(s.closers, closer) }

// close closes what was opened, and what was opened last first. It may be called
// again.
func (s *stage) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	var errs []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		errs = append(errs, s.closers[last](ctx))
		s.closers = s.closers[:last]
	}
	return errors.Join(errs...)
}

// open starts the lab and the daemon.
func (s *stage) open(ctx context.Context) error {
	log, err := s.openLog()
	if err != nil {
		return err
	}
	password := rand.Text()
	s.carrier, err = lab.NewCarrier(lab.CarrierConfig{
		Realm: realm, Username: account, Password: password, ChallengeInvites: true,
		CallerIDs: []string{official}, Mix: mix(), Seed: s.options.Seed,
		Ring:     lab.Spread{Median: 600 * time.Millisecond, Sigma: 0.4, Most: 2 * time.Second},
		SlowRing: lab.Spread{Median: 2 * time.Second, Sigma: 0.1, Most: 2500 * time.Millisecond},
		Talk:     talkSpread(s.options.Talk), CustomerEnds: 1, // it ends when the first of both has said everything
		Logger: log.With("lab", "carrier"),
	})
	if err != nil {
		return err
	}
	s.opened(s.carrier.Close)
	extensions := make([]string, len(s.agents))
	for i, a := range s.agents {
		extensions[i] = a.Extension
	}
	if s.pbx, err = lab.NewPBX(lab.PBXConfig{Extensions: extensions, Logger: log.With("lab", "pbx")}); err != nil {
		return err
	}
	s.opened(s.pbx.Close)
	text, cfg, err := configure(s.options, password, s.carrier.Addr(), s.pbx.Addr(), s.agents)
	if err != nil {
		return err
	}
	s.cfg = cfg
	path := filepath.Join(s.options.Dir, settingsName)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("demo: settings: %w", err)
	}
	return s.startDaemon(ctx, path, log)
}

func (s *stage) openLog() (*slog.Logger, error) {
	f, err := os.Create(filepath.Join(s.options.Dir, logName))
	if err != nil {
		return nil, fmt.Errorf("demo: log: %w", err)
	}
	s.opened(func(context.Context) error { return f.Close() })
	return slog.New(slog.NewTextHandler(f, nil)), nil
}

func (s *stage) startDaemon(ctx context.Context, path string, log *slog.Logger) error {
	db, err := store.OpenEmbedded(ctx, store.Config{
		Node: s.cfg.Node.ID, JournalDir: filepath.Join(s.cfg.Node.DataDir, "journal"), Logger: log,
		Timeout: storeTimeout, Campaign: dialer.Windows(s.cfg),
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	s.daemon, err = dialer.New(ctx, s.cfg, dialer.Options{Logger: log, Version: "demo", Path: path, Store: db})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.daemon.Run(running) }()
	s.opened(func(ctx context.Context) error {
		stop()
		s.daemon.HangUp() // whoever had to come to an end has done so
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return fmt.Errorf("demo: the daemon does not end: %w", context.Cause(ctx))
		}
	})
	return nil
}
