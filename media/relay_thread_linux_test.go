package media

import (
	"runtime"
	"syscall"
	"unsafe"
)

func bytesAt(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// relayThread is the least that a relay can do: wait, read, send.
func relayThread(poll int, fds []int, to []syscall.RawSockaddrInet4) {
	runtime.LockOSThread()
	var events [256]syscall.EpollEvent
	var buf [maxDatagram]byte
	var from syscall.RawSockaddrInet4
	var size uint32
	for {
		n, err := syscall.EpollWait(poll, events[:], -1)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		for _, e := range events[:n] {
			i := e.Fd
			size = syscall.SizeofSockaddrInet4
			got, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fds[i]), uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)),
				0, uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
			if errno != 0 {
				continue
			}
			syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fds[i^1]), uintptr(unsafe.Pointer(&buf)), got,
				0, uintptr(unsafe.Pointer(&to[i^1])), syscall.SizeofSockaddrInet4)
		}
	}
}
