package wire

import (
	"os"
	"syscall"
	"testing"
)

// A process that may have a large read buffer has one, whatever the system's limit.
func TestReadBuffer(t *testing.T) {
	l := open(t, Config{}, "udp")
	raw, err := l.listeners[0].udp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	if err := raw.Control(func(fd uintptr) {
		got, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	}); err != nil {
		t.Fatal(err)
	}
	want := 2 * readBuffer // Linux counts its own overhead
	if limit, err := os.ReadFile("/proc/sys/net/core/rmem_max"); os.Geteuid() != 0 && err == nil {
		t.Logf("not privileged: the limit of %s counts", limit)
		want = 1
	}
	if got < want {
		t.Errorf("the socket holds %d bytes, want %d", got, want)
	}
}
