package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"time"
)

// floodSent is what a flood came to.
type floodSent struct {
	packets int
	took    time.Duration
	err     error
}

// flood sends junk from one address, rate packets a second, until ctx ends: noise,
// requests cut short, scanners' OPTIONS and REGISTER, and INVITEs that hope for a
// way out.
func flood(ctx context.Context, to string, rate int) (sent floodSent) {
	remote, err := net.ResolveUDPAddr("udp4", to)
	if err != nil {
		return floodSent{err: err}
	}
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, remote)
	if err != nil {
		return floodSent{err: err}
	}
	defer conn.Close()
	begin := time.Now()
	clock := time.NewTicker(time.Millisecond)
	defer clock.Stop()
	for {
		for due := int(time.Since(begin).Seconds() * float64(rate)); sent.packets < due; sent.packets++ {
			if _, err := conn.Write(junk(conn.LocalAddr(), sent.packets)); err != nil && ctx.Err() == nil {
				continue // refused, because the endpoint has not begun, or ended
			}
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			sent.took = time.Since(begin)
			return sent
		}
	}
}

// junk is the n-th packet of a flood.
func junk(from net.Addr, n int) []byte {
	request := func(method, agent string) []byte {
		return fmt.Appendf(nil, "%s sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
			"From: \"100\" <sip:100@1.1.1.1>;tag=%d\r\nTo: <sip:100@1.1.1.1>\r\nCall-ID: %d@junk\r\nCSeq: 1 %s\r\n"+
			"Contact: <sip:100@%s>\r\nUser-Agent: %s\r\nContent-Length: 0\r\n\r\n", method, from, n, n, n, method, from, agent)
	}
	switch n % 5 {
	case 0:
		noise := make([]byte, 200)
		_, _ = rand.Read(noise) // never fails
		return noise
	case 1:
		return request("OPTIONS", "friendly-scanner")
	case 2:
		return request("REGISTER", "sipcli/v1.8")
	case 3:
		return request("INVITE", "VoIP")
	}
	return request("INVITE", "VoIP")[:120]
}
