//go:build !linux

package wire

import "net"

// enlarge gives a UDP socket as much of the readBuffer as the system allows.
func enlarge(c *net.UDPConn) { _ = c.SetReadBuffer(readBuffer) }
