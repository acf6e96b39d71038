package dialer_test

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// lastPort is the last port that freePorts has given away. They lie between those that
// the system hands out and those of the daemons' audio, and begin elsewhere for each
// process.
var lastPort atomic.Int32

func init() { lastPort.Store(20_000 + int32(os.Getpid()%1000)*10) }

// freePorts finds n ports in a row, the first of them even, that nobody uses and that no
// other test gets.
func freePorts(t testing.TB, n int) int {
	t.Helper()
next:
	for range 1000 {
		width := n + n%2
		first := int(lastPort.Add(int32(width))) - width
		if first+n > 32_000 {
			lastPort.Store(20_000)
			continue
		}
		for port := first; port < first+n; port++ {
			at := fmt.Sprintf("127.0.0.1:%d", port)
			u, err := net.ListenPacket("udp", at)
			if err != nil {
				continue next
			}
			_ = u.Close()
			l, err := net.Listen("tcp", at)
			if err != nil {
				continue next
			}
			_ = l.Close()
		}
		return first
	}
	t.Fatal("no free ports")
	return 0
}

// freePort is a port that a daemon can have again after a restart.
func freePort(t testing.TB) int {
	t.Helper()
	return freePorts(t, 1)
}
