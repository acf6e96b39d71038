package peers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A peer needs ports that stay free between the choice and the peer's own bind,
// also from peers of other test binaries. So ports are given out in blocks below
// the range from which the system takes its own (32768 and up), each guarded by
// a lock file that the kernel releases when its holder ends, however it ends.
const (
	firstBlock = 24000
	blockPorts = 200
	blocks     = 40
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// block is the first of blockPorts consecutive loopback ports, UDP and TCP, that
// are this test's own until it ends.
type block uint16

func reserve(t testing.TB) block {
	t.Helper()
	locks := filepath.Join(os.TempDir(), "ringpace-ports")
	if err := os.MkdirAll(locks, 0o777); err != nil {
		t.Fatalf("cannot keep locks on ports: %v", err)
	}
	_ = os.Chmod(locks, 0o777) // for other users' tests, where the umask took it; only the owner can
	var last error
	for i := range blocks {
		first := block(firstBlock + i*blockPorts)
		lock, err := os.OpenFile(filepath.Join(locks, fmt.Sprint(first)), os.O_CREATE|os.O_RDONLY|syscall.O_CLOEXEC, 0o644)
		if err != nil {
			last = err
			continue
		}
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			err = first.free()
		}
		if err != nil {
			last = err
			lock.Close()
			continue
		}
		t.Cleanup(func() { lock.Close() })
		return first
	}
	t.Fatalf("none of %d blocks of ports from %d on is free: %v", blocks, firstBlock, last)
	return 0
}

// free tells which port of the block somebody outside these tests holds.
func (b block) free() error {
	for offset := range blockPorts {
		addr := b.addr(offset).String()
		packets, err := net.ListenPacket("udp4", addr)
		if err != nil {
			return err
		}
		packets.Close()
		listener, err := net.Listen("tcp4", addr)
		if err != nil {
			return err
		}
		listener.Close()
	}
	return nil
}

// await returns once the block is free again: the kernel may close a killed
// program's sockets a moment after it has told of its end.
func (b block) await(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for err := b.free(); err != nil; err = b.free() {
		if time.Now().After(deadline) {
			t.Fatalf("the ports from %d on stay in use: %v", b, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// port is the offset-th port of the block.
func (b block) port(offset int) uint16 { return uint16(b) + uint16(offset) }

// addr is the offset-th port of the block on loopback.
func (b block) addr(offset int) netip.AddrPort { return netip.AddrPortFrom(loopback, b.port(offset)) }
