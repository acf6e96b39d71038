// Package export writes call detail records from the store to files of JSON lines,
// each record once.
//
// The files are their own cursor: every line carries its campaign and stream id,
// so what was written last is where reading goes on. Only records that this node
// wrote are exported; with several nodes, their files together hold each record
// once. The directory belongs to one node, and must stay its own under the same name:
// a new directory gets all that the streams still hold.
package export

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"ringpace/dialer/store"
)

// Source is where the records come from; *store.Store is one.
type Source interface {
	Node() string
	Campaigns(ctx context.Context) ([]string, error)
	CDRs(ctx context.Context, campaign, after string, n int) ([]store.StreamRecord, error)
	Drain(ctx context.Context) error
}

// Config is how an exporter is opened. Zero values mean the default.
type Config struct {
	Dir      string
	MaxBytes int64         // a file that is longer is followed by a new one; 64 MiB
	MaxFiles int           // the oldest are deleted when there are more; 100, < 0: never
	Every    time.Duration // between two looks at the streams; 1 s
	Logger   *slog.Logger
}

const page = 500 // records read at once

// Exporter follows the streams of all campaigns. Run is its one goroutine; it owns
// the files.
type Exporter struct {
	source  Source
	log     *slog.Logger
	every   time.Duration
	files   *files
	flushes chan chan error
	ended   chan struct{} // closed when Run has returned
	failing bool
}

// Open finds the place in dir where the last export stopped, and cuts off a line
// that a crash has torn. Run does the rest.
func Open(source Source, cfg Config) (*Exporter, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.MaxFiles == 0 {
		cfg.MaxFiles = 100
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	files, err := openFiles(cfg.Dir, cfg.MaxBytes, cfg.MaxFiles)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return &Exporter{
		source: source, log: cfg.Logger, every: cfg.Every, files: files,
		flushes: make(chan chan error), ended: make(chan struct{}),
	}, nil
}

// Path returns the file that the first record after Open goes to.
func (e *Exporter) Path() string { return e.files.path(e.files.first) }

// Run exports until ctx is done. Where Redis or the disk fails it tries again. Call
// it once.
func (e *Exporter) Run(ctx context.Context) error {
	defer close(e.ended)
	tick := time.NewTicker(e.every)
	defer tick.Stop()
	for {
		err := e.pass(ctx)
		if failing := err != nil && ctx.Err() == nil; failing != e.failing {
			e.failing = failing
			if failing {
				e.log.Warn("call detail records are not exported for now", "err", err)
			} else {
				e.log.Info("call detail records are exported again")
			}
		}
		select {
		case <-ctx.Done():
			return e.files.close()
		case <-tick.C:
		case done := <-e.flushes:
			if err := e.pass(ctx); err != nil {
				done <- err
			} else {
				done <- e.files.sync()
			}
		}
	}
}

// Flush waits until every attempt that has ended so far is in the files and on the
// disk. Run must be running.
func (e *Exporter) Flush(ctx context.Context) error {
	if err := e.source.Drain(ctx); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	done := make(chan error, 1)
	select {
	case e.flushes <- done:
		return <-done
	case <-e.ended:
		return fmt.Errorf("export: %w", store.ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("export: %w", context.Cause(ctx))
	}
}

// pass writes all records that are not in the files yet.
func (e *Exporter) pass(ctx context.Context) error {
	campaigns, err := e.source.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, campaign := range campaigns {
		for {
			records, err := e.source.CDRs(ctx, campaign, e.files.cursors[campaign], page)
			if err != nil {
				return err
			}
			if err := e.write(campaign, records); err != nil {
				return err
			}
			if len(records) < page {
				break
			}
		}
	}
	return nil
}

func (e *Exporter) write(campaign string, records []store.StreamRecord) error {
	for _, rec := range records {
		if rec.Node == e.source.Node() {
			if err := e.files.write(rec); err != nil {
				return err
			}
		}
		e.files.cursors[campaign] = rec.StreamID
	}
	return nil
}
