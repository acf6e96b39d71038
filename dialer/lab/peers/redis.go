package peers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RedisServer is a Redis of the test's own with an append-only file, so that
// what it acknowledged is still there after Kill and Start.
type RedisServer struct {
	ports   block
	dir     string
	process *process
}

// Redis starts a redis-server on a port of its own, empty and persistent for as
// long as the test lasts. Further arguments are passed to it.
func Redis(t testing.TB, arguments ...string) *RedisServer {
	t.Helper()
	r := &RedisServer{ports: reserve(t), dir: directory(t, "redis")}
	r.Start(t, arguments...)
	return r
}

// Addr is where the server listens, running or not.
func (r *RedisServer) Addr() netip.AddrPort { return r.ports.addr(0) }

// URL is Addr in the form that configurations take, database 0.
func (r *RedisServer) URL() string { return "redis://" + r.Addr().String() + "/0" }

// Start starts a stopped or killed server anew on the same port with the same
// data, and returns when it answers.
func (r *RedisServer) Start(t testing.TB, arguments ...string) {
	t.Helper()
	if r.process != nil && r.process.running() {
		t.Fatal("redis-server runs already")
	}
	r.ports.await(t)
	r.process = start(t, "redis-server", r.dir, exec.Command(program(t, "redis-server"), append([]string{
		"--bind", loopback.String(), "--port", fmt.Sprint(r.Addr().Port()),
		"--dir", r.dir, "--appendonly", "yes", "--save", "",
	}, arguments...)...))
	if err := r.process.await(r.ping); err != nil {
		t.Fatalf("redis-server does not answer: %v", err)
	}
}

// Stop ends the server in order.
func (r *RedisServer) Stop(t testing.TB) {
	t.Helper()
	if err := r.process.stop(syscall.SIGTERM, patience); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
}

// Kill ends the server at once, as a crash would: connections break, and new ones
// are refused until Start.
func (r *RedisServer) Kill() { r.process.kill() }

// Freeze halts the server without closing a connection, as a hanging host would:
// requests are taken and never answered until Thaw.
func (r *RedisServer) Freeze(t testing.TB) { r.signal(t, syscall.SIGSTOP) }

// Thaw lets a frozen server go on. What was asked meanwhile is answered then.
func (r *RedisServer) Thaw(t testing.TB) { r.signal(t, syscall.SIGCONT) }

func (r *RedisServer) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := r.process.command.Process.Signal(signal); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
}

// Command sends one command without spaces in its arguments and returns the
// reply as the protocol has it (RESP 2): "+PONG", ":3", or a bulk string's text.
func (r *RedisServer) Command(words ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Addr().String(), patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " ")); err != nil {
		return "", err
	}
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	var size int
	if n, _ := fmt.Sscanf(line, "$%d", &size); n == 0 || size < 0 {
		return line, nil
	}
	bulk := make([]byte, size)
	_, err = io.ReadFull(reader, bulk)
	return string(bulk), err
}

func (r *RedisServer) ping() error {
	reply, err := r.Command("PING")
	if err == nil && reply != "+PONG" {
		err = fmt.Errorf("PING is answered by %s", reply)
	}
	return err
}
