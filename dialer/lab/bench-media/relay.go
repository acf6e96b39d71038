package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringpace/dialer/lab/roles"
)

// work is what a process that relays is told.
type work struct {
	Far     farEnds       // calls that it is to connect
	Record  string        // directory to record to; empty: no recording
	Collect time.Duration // collect the heap again and again for so long
	Finish  bool          // end all calls, and complete the recordings
}

// done is what it answers.
type done struct {
	Near        nearEnds  // where each far end is to send
	Mallocs     uint64    // allocations so far
	Collected   uint32    // how often the heap was collected so far
	Collections []stretch // those that were asked for
	Recordings  []kept    // of each call, once complete
}

// beGoRelay is a bare relay: a goroutine for each socket reads a packet and sends it
// from the other leg's socket, as it is.
func beGoRelay() error {
	var (
		reading sync.WaitGroup
		sockets []*net.UDPConn
	)
	err := roles.Obey(func(w work) (answer done, err error) {
		for _, ends := range w.Far.Ends {
			var ports legs
			var pair [2]*net.UDPConn
			for leg := range pair {
				if pair[leg], err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0))); err != nil {
					return answer, err
				}
				ports[leg] = pair[leg].LocalAddr().(*net.UDPAddr).AddrPort()
			}
			for leg := range pair {
				reading.Go(func() { carry(pair[leg], pair[1-leg], ends[1-leg]) })
			}
			sockets = append(sockets, pair[:]...)
			answer.Near.Ports = append(answer.Near.Ports, ports)
		}
		return answer, nil
	})
	for _, s := range sockets {
		err = errors.Join(err, s.Close())
	}
	reading.Wait()
	return err
}

func carry(from, by *net.UDPConn, to netip.AddrPort) {
	buffer := make([]byte, 2048)
	for {
		n, _, err := from.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		_, _ = by.WriteToUDPAddrPort(buffer[:n], to) // lost: the sink counts it
	}
}

// wire is one direction of a call in the epoll relay.
type wire struct {
	from, by int
	to       unix.RawSockaddrInet4
}

// beEpollRelay is the barest relay: one thread, one epoll, and system calls that Go's
// scheduler does not hear of. What it costs is what the kernel costs.
func beEpollRelay() error {
	// The thread never lets a collection stop it, so there is none.
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(2)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	return roles.Obey(func(w work) (answer done, err error) {
		if w.Far.Ends == nil {
			return answer, nil
		}
		var wires []wire
		for _, ends := range w.Far.Ends {
			var ports legs
			var pair [2]int
			for leg := range pair {
				if pair[leg], ports[leg], err = bind(0); err != nil {
					return answer, err
				}
			}
			for leg := range pair {
				event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(wires))}
				if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, pair[leg], &event); err != nil {
					return answer, err
				}
				wires = append(wires, wire{pair[leg], pair[1-leg], rawSockaddr(ends[1-leg])})
			}
			answer.Near.Ports = append(answer.Near.Ports, ports)
		}
		go relayAll(epoll, wires) // until the process ends
		return answer, nil
	})
}

func relayAll(epoll int, wires []wire) {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 256)
	buffer := make([]byte, 2048)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			panic(fmt.Sprintf("epoll_pwait: %v", errno)) // only for wrong arguments
		}
		for _, event := range events[:n] {
			w := &wires[event.Fd]
			size, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(w.from), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)), 0, 0, 0)
			if errno != 0 {
				continue
			}
			_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(w.by), uintptr(unsafe.Pointer(&buffer[0])), size, 0,
				uintptr(unsafe.Pointer(&w.to)), unix.SizeofSockaddrInet4) // lost: the sink counts it
		}
	}
}
