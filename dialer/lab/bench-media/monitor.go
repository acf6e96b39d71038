package main

import (
	"encoding/binary"
	"net/netip"
)

// monitor is the far end of one who listens to a call. It says nothing.
type monitor struct {
	fd     int
	heard  bool
	header [headerSize]byte // that follows the newest packet
}

func newMonitor() (m *monitor, rtcp int, addr netip.AddrPort, err error) {
	m = &monitor{}
	m.fd, rtcp, addr, err = bindPair()
	return m, rtcp, addr, err
}

// follows tells whether a packet goes on from the one before, in source, number and time.
func (m *monitor) follows(b []byte) bool {
	if len(b) != packetSize {
		return false
	}
	be := binary.BigEndian
	as := !m.heard || string(b[2:headerSize]) == string(m.header[2:])
	m.heard = true
	copy(m.header[:], b)
	be.PutUint16(m.header[2:], be.Uint16(b[2:])+1)
	be.PutUint32(m.header[4:], be.Uint32(b[4:])+samples)
	return as
}
