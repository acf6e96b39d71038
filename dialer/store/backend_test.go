package store

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"ringpace/dialer/cdr"
	"ringpace/dialer/store/journal"
	"ringpace/pacing/ledger/redistest"
)

// backends are the servers that every script is tested against.
type backends struct {
	real, cluster string // URLs
}

var servers backends // set once, by TestMain

func TestMain(m *testing.M) {
	if os.Getenv("STORE_CRASH_CHILD") != "" {
		crashChild()
		return
	}
	os.Exit(redistest.Main(m, func(one, cluster string) {
		servers = backends{real: "redis://" + one, cluster: "redis+cluster://" + cluster}
	}))
}

// patience is how long a condition may take to come true, on a slow machine.
const patience = redistest.Patience

var name = redistest.Name // of campaigns, trunks and nodes in shared servers

// onEach runs a test against a single server, a cluster (where Redis checks that
// scripts keep to one slot) and the embedded store's server.
func onEach(t *testing.T, test func(t *testing.T, b backend)) {
	t.Run("redis", func(t *testing.T) { test(t, backend{url: servers.real}) })
	t.Run("cluster", func(t *testing.T) { test(t, backend{url: servers.cluster, head: "#!lua\n"}) })
	t.Run("embedded", func(t *testing.T) {
		test(t, backend{url: "redis://" + miniredis.RunT(t).Addr()})
	})
}

type backend struct{ url, head string }

// open opens a store of a node of its own, closed with the test.
func (b backend) open(t *testing.T, cfg Config) *Store {
	t.Helper()
	cfg.URL, cfg.scriptHead = b.url, b.head
	if cfg.Node == "" {
		cfg.Node = name("node")
	}
	if cfg.JournalDir == "" {
		cfg.JournalDir = t.TempDir()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second // slow machines
	}
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	waitFor(t, "redis to be there", s.Up)
	return s
}

// waitFor waits until ok, which has to be.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !redistest.Holds(ok) {
		t.Fatalf("waited %s for %s", patience, what)
	}
}

// openAway opens a store whose Redis is not there.
func (b backend) openAway(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: b.url, Node: name("node"), JournalDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	if s.Up() {
		t.Fatal("up without a redis")
	}
	return s
}

// writeLeft makes a journal that holds the ends of attempts.
func writeLeft(t *testing.T, dir string, recs ...cdr.Record) {
	t.Helper()
	j, _, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		text, err := json.Marshal(ending{Kind: endFinish, Record: rec, Next: Next{Final: true}})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.End(rec.ID, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
