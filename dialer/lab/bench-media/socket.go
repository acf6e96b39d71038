package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loopback is where all of it happens.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// bind opens a UDP socket on loopback; port 0 is any.
func bind(port uint16) (fd int, addr netip.AddrPort, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, addr, err
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(loopback, port))); err != nil {
		return 0, addr, errors.Join(err, unix.Close(fd))
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, addr, errors.Join(err, unix.Close(fd))
	}
	return fd, netip.AddrPortFrom(loopback, uint16(name.(*unix.SockaddrInet4).Port)), nil
}

// bindPair opens an even port and the one after it, for RTP and RTCP (RFC 3550
// section 11).
func bindPair() (rtp, rtcp int, addr netip.AddrPort, err error) {
	for range 100 {
		if rtp, addr, err = bind(0); err != nil {
			return 0, 0, addr, err
		}
		if addr.Port()%2 == 0 {
			if rtcp, _, err = bind(addr.Port() + 1); err == nil {
				return rtp, rtcp, addr, nil
			}
		}
		_ = unix.Close(rtp) // nothing was written to it
	}
	return 0, 0, addr, fmt.Errorf("no pair of ports is free: %w", err)
}

func sockaddr(a netip.AddrPort) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// rawSockaddr is an address as the kernel wants it.
func rawSockaddr(a netip.AddrPort) unix.RawSockaddrInet4 {
	raw := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&raw.Port))[:], a.Port())
	return raw
}

// stamped reads datagrams of connected sockets together with the instants at which
// they were put there, so that what happens until they are read is no delay.
type stamped struct {
	message unix.Msghdr
	vector  unix.Iovec
	control [64]byte
	buffer  [2048]byte
}

// stamping asks for those instants.
func stamping(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

// read takes one datagram, which is good until the next call, and its instant in ns
// of the wall clock. False: there is none.
func (s *stamped) read(fd int) (b []byte, at int64, ok bool) {
	s.vector.Base = &s.buffer[0]
	s.vector.SetLen(len(s.buffer))
	s.message.Iov = &s.vector
	s.message.SetIovlen(1)
	s.message.Control = &s.control[0]
	s.message.SetControllen(len(s.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.message)), 0)
	if errno != 0 {
		return nil, 0, false
	}
	// The one control message: its length (8 octets), level and type (4 each), and a
	// timespec (cmsg(3), socket(7)).
	const head = unix.SizeofCmsghdr
	if int(s.message.Controllen) >= head+int(unsafe.Sizeof(unix.Timespec{})) {
		if h := (*unix.Cmsghdr)(unsafe.Pointer(&s.control[0])); h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS {
			at = (*unix.Timespec)(unsafe.Pointer(&s.control[head])).Nano()
		}
	}
	return s.buffer[:n], at, true
}
