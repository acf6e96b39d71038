package peers

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedisKeepsItsDataOverACrash(t *testing.T) {
	redis := Redis(t)
	if reply, err := redis.Command("SET", "lead", "dialed"); err != nil || reply != "+OK" {
		t.Fatalf("SET: %q, %v", reply, err)
	}
	redis.Kill()
	if _, err := net.Dial("tcp", redis.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("a killed server is still there: %v", err)
	}
	redis.Start(t)
	if reply, err := redis.Command("GET", "lead"); err != nil || reply != "dialed" {
		t.Fatalf("GET after the crash: %q, %v", reply, err)
	}
	redis.Stop(t)
	redis.Start(t)
	if reply, err := redis.Command("GET", "lead"); err != nil || reply != "dialed" {
		t.Fatalf("GET after the stop: %q, %v", reply, err)
	}
}

func TestRedisFreezes(t *testing.T) {
	redis := Redis(t)
	redis.Freeze(t)
	conn, err := net.Dial("tcp", redis.Addr().String())
	if err != nil {
		t.Fatalf("a frozen server refuses connections: %v", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 7)
	if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(reply); err == nil {
		t.Fatalf("a frozen server answers %q", reply[:n])
	}
	redis.Thaw(t)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(reply); err != nil || string(reply) != "+PONG\r\n" {
		t.Fatalf("after the thaw: %q, %v", reply, err)
	}
}

func TestBlocksOfPortsAreNotGivenTwice(t *testing.T) {
	seen := map[block]bool{}
	for range 3 {
		ports := reserve(t)
		if seen[ports] {
			t.Fatalf("block %d was given twice", ports)
		}
		seen[ports] = true
	}
}
