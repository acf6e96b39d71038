package store

import (
	"context"
	"fmt"
	"os"

	"github.com/alicebob/miniredis/v2"
)

// OpenEmbedded opens a store with a Redis of its own inside the process, for the
// demo and for tests. Nothing of it outlives the process but the journal, and not
// even that if cfg names no directory for it.
func OpenEmbedded(ctx context.Context, cfg Config) (*Store, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("store: embedded redis: %w", err)
	}
	clean := server.Close
	if cfg.JournalDir == "" {
		dir, err := os.MkdirTemp("", "ringpace-journal-")
		if err != nil {
			server.Close()
			return nil, fmt.Errorf("store: %w", err)
		}
		cfg.JournalDir = dir
		clean = func() {
			server.Close()
			os.RemoveAll(dir)
		}
	}
	if cfg.Node == "" {
		cfg.Node = "embedded"
	}
	cfg.URL = "redis://" + server.Addr()
	s, err := Open(ctx, cfg)
	if err != nil {
		clean()
		return nil, err
	}
	s.embedded = clean
	return s, nil
}
