// Package redistest runs real Redis servers for the tests of what keeps state in Redis.
package redistest

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

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// Main runs a package's tests beside a single server and a cluster of one, whose addresses
// it tells first, and returns the exit code. Goroutines that tests leave behind fail them.
func Main(m *testing.M, tell func(one, cluster string)) int {
	code, err := run(m, tell)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func run(m *testing.M, tell func(one, cluster string)) (code int, err error) {
	dir, err := os.MkdirTemp("", "redis-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	one, err := Start(filepath.Join(dir, "one"), 0)
	if err != nil {
		return 0, err
	}
	defer one.Stop()
	cluster, err := Start(filepath.Join(dir, "cluster"), 0, "--cluster-enabled", "yes")
	if err != nil {
		return 0, err
	}
	defer cluster.Stop()
	if err := cluster.ownAllSlots(); err != nil {
		return 0, err
	}
	tell(one.Addr, cluster.Addr)
	before := goleak.IgnoreCurrent()
	if code = m.Run(); code == 0 {
		err = goleak.Find(before)
	}
	return code, err
}

// Server is a redis-server of our own.
type Server struct {
	Addr string // host:port
	Port int

	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts redis-server in dir; with port 0 on a free one. It returns when the server
// answers.
func Start(dir string, port int, args ...string) (*Server, error) {
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
	s := &Server{Addr: fmt.Sprintf("127.0.0.1:%d", port), Port: port, done: make(chan struct{})}
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
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer client.Close()
	if !Holds(func() bool { err = client.Ping(context.Background()).Err(); return err == nil }) {
		s.Stop()
		return nil, fmt.Errorf("redis-server does not answer: %w", err)
	}
	return s, nil
}

// Stop kills the server.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func (s *Server) ownAllSlots() error {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer client.Close()
	if err := client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		return err
	}
	var err error
	if !Holds(func() bool { err = client.Set(ctx, "probe", 1, 0).Err(); return err == nil }) {
		return fmt.Errorf("the cluster of one does not come up: %w", err)
	}
	return nil
}

// Patience is how long a condition may take to come true, on a slow machine.
const Patience = 15 * time.Second

// Holds waits until ok, and reports whether it came to that.
func Holds(ok func() bool) bool {
	deadline := time.After(Patience)
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

var unique atomic.Int64

// Name is one that nothing else in a shared server has.
func Name(prefix string) string { return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), unique.Add(1)) }
