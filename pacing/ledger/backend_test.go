package ledger

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// backends are the addresses of the servers that every script is tested against.
type backends struct{ one, cluster string }

var servers backends // set once, by TestMain

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ledger-redis-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		one, err := startRedis(filepath.Join(dir, "one"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer one.stop()
		cluster, err := startRedis(filepath.Join(dir, "cluster"), "--cluster-enabled", "yes")
		if err == nil {
			defer cluster.stop()
			err = cluster.ownAllSlots()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		servers = backends{one.addr, cluster.addr}
		before := goleak.IgnoreCurrent()
		code := m.Run()
		if err := goleak.Find(before); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// server is a redis-server of our own.
type server struct {
	addr string
	cmd  *exec.Cmd
}

// startRedis starts redis-server in dir on a free port.
func startRedis(dir string, args ...string) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("these tests need redis-server: apt-get install redis-server (make test does it): %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	port := 0
	for port == 0 || port > 55000 { // a cluster's bus listens at port + 10000
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	s := &server{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	s.cmd = exec.Command(path, append([]string{
		"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no",
	}, args...)...)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
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
	_ = s.cmd.Wait()
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

// holds waits until ok, on a slow machine too, and reports whether it came to that.
func holds(ok func() bool) bool {
	deadline := time.After(15 * time.Second)
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

var unique atomic.Int64 // names in shared servers

func name(prefix string) string { return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), unique.Add(1)) }

// floor is one campaign in one Redis.
type floor struct {
	*testing.T
	campaign string
	client   redis.UniversalClient
	head     string
	mini     *miniredis.Miniredis // the embedded store's server, of which time is virtual
}

// onEach runs a test against a single server, a cluster (where Redis checks that scripts
// keep to one slot) and the embedded store's server.
func onEach(t *testing.T, test func(f *floor)) {
	t.Run("redis", func(t *testing.T) {
		test(&floor{T: t, campaign: name("camp"), client: clientOf(t, servers.one)})
	})
	t.Run("cluster", func(t *testing.T) {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{servers.cluster}, Protocol: 2, MaxRedirects: 3})
		t.Cleanup(func() { client.Close() })
		test(&floor{T: t, campaign: name("camp"), client: client, head: "#!lua\n"})
	})
	t.Run("embedded", func(t *testing.T) { test(virtual(t)) })
}

// virtual is a floor whose Redis has a clock that stands where it is put.
func virtual(t *testing.T) *floor {
	mini := miniredis.RunT(t)
	return &floor{T: t, campaign: "camp", client: clientOf(t, mini.Addr()), mini: mini}
}

func clientOf(t *testing.T, addr string) redis.UniversalClient {
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// node opens a node's ledger, closed with the test.
func (f *floor) node(name string, change ...func(*Config)) *Ledger {
	f.Helper()
	cfg := Config{Redis: f.client, Node: name, Boot: name + "-boot", Timeout: 10 * time.Second, scriptHead: f.head}
	if f.mini != nil {
		cfg.wall = func() time.Time {
			t, err := f.client.Time(context.Background()).Result()
			if err != nil {
				return time.Now()
			}
			return t
		}
	}
	for _, c := range change {
		c(&cfg)
	}
	l, err := Open(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := l.Close(); err != nil {
			f.Errorf("Close: %v", err)
		}
	})
	return l
}

// now is what the Redis clock shows.
func (f *floor) now() time.Time {
	f.Helper()
	t, err := f.client.Time(context.Background()).Result()
	if err != nil {
		f.Fatal(err)
	}
	return t
}

// tell settles verdicts on one call after the other.
func (f *floor) tell(l *Ledger, attempt string, verdicts ...Verdict) {
	f.Helper()
	for _, v := range verdicts {
		if err := l.Settle(f.Context(), Entry{Campaign: f.campaign, Attempt: attempt, Verdict: v})[0]; err != nil {
			f.Fatal(err)
		}
	}
}

func call() string { return ulid.Make().String() }

// sums are the counts of all nodes on all dates, as Redis has them.
func (f *floor) sums() (c Counts) {
	f.Helper()
	sp, err := spaceOf(f.campaign)
	if err != nil {
		f.Fatal(err)
	}
	today := dateAt(f.now(), time.UTC)
	for d := today - 40; d <= today+1; d++ {
		flat, err := f.client.HGetAll(f.Context(), sp.day(d)).Result()
		if err != nil {
			f.Fatal(err)
		}
		var list []any
		for k, v := range flat {
			list = append(list, k, v)
		}
		fields, err := parseFields(list)
		if err != nil {
			f.Fatal(err)
		}
		c = c.plus(fields.counts())
	}
	return c
}

// wantSums compares the counts in Redis.
func (f *floor) wantSums(want Counts) {
	f.Helper()
	if got := f.sums(); got != want {
		f.Errorf("redis has %+v, want %+v", got, want)
	}
}
