package store

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"ringpace/dialer/cdr"
	"ringpace/dialer/store/journal"
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
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "store-redis-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		one, err := startRedis(filepath.Join(dir, "one"), 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer one.stop()
		cluster, err := startRedis(filepath.Join(dir, "cluster"), 0, "--cluster-enabled", "yes")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer cluster.stop()
		if err := cluster.ownAllSlots(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		servers = backends{real: "redis://" + one.addr, cluster: "redis+cluster://" + cluster.addr}
		before := goleak.IgnoreCurrent()
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(before); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return code
	}())
}

// server is a redis-server of our own.
type server struct {
	addr string
	cmd  *exec.Cmd
	done chan struct{}
}

// startRedis starts redis-server in dir; with port 0 on a free one.
func startRedis(dir string, port int, args ...string) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("these tests need redis-server: apt-get install redis-server (make test does it): %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if port == 0 {
		// A cluster's bus listens at port + 10000.
		for port == 0 || port > 55000 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			port = l.Addr().(*net.TCPAddr).Port
			l.Close()
		}
	}
	s := &server{addr: fmt.Sprintf("127.0.0.1:%d", port), done: make(chan struct{})}
	s.cmd = exec.Command(path, append([]string{
		"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "no",
	}, args...)...)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	client := redis.NewClient(&redis.Options{Addr: s.addr})
	defer client.Close()
	if !holds(func() bool { err = client.Ping(context.Background()).Err(); return err == nil }) {
		s.stop()
		return nil, fmt.Errorf("redis-server does not answer: %w", err)
	}
	return s, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func (s *server) ownAllSlots() error {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: s.addr})
	defer client.Close()
	if err := client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		return err
	}
	var err error
	if !holds(func() bool { err = client.Set(ctx, "probe", 1, 0).Err(); return err == nil }) {
		return fmt.Errorf("the cluster of one does not come up: %w", err)
	}
	return nil
}

var unique atomic.Int64 // names of campaigns, trunks and nodes in shared servers

func name(prefix string) string {
	return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), unique.Add(1))
}

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

// patience is how long a condition may take to come true, on a slow machine.
const patience = 15 * time.Second

// holds waits until ok, and reports whether it came to that.
func holds(ok func() bool) bool {
	deadline := time.After(patience)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// waitFor is holds for what has to be.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !holds(ok) {
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
