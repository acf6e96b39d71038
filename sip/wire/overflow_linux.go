package wire

import (
	"net"
	"syscall"
	"unsafe"
)

// overflow is how many datagrams the system has dropped, since its buffer for the
// socket was full.
func overflow(c *net.UDPConn) uint64 {
	const (
		soMemInfo = 55 // SO_MEMINFO, asm-generic/socket.h
		drops     = 8  // SK_MEMINFO_DROPS, linux/sock_diag.h
	)
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info [drops + 1]uint32
	ok := false
	err = raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, soMemInfo,
			uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
		ok = errno == 0 && size == uint32(unsafe.Sizeof(info))
	})
	if err != nil || !ok {
		return 0 // the socket is closed, or the kernel is older than 4.12
	}
	return uint64(info[drops])
}
