package wire

import (
	"net"
	"syscall"
)

// enlarge gives a UDP socket the readBuffer: beyond the system's limit
// (net.core.rmem_max) where the process may (CAP_NET_ADMIN), else up to it. At the
// usual limit a flood of 20,000 packets a second fills the socket while its reader
// waits 16 ms for a processor.
func enlarge(c *net.UDPConn) {
	_ = c.SetReadBuffer(readBuffer) // as much as the system allows
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, readBuffer) // or the above stays
	})
}
