package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"ringpace/dialer/lab/roles"
)

// beBare is a process that exchanges the packets of calls with the carrier, from
// templates, and understands next to nothing: what is left is what the system and
// Go's sockets cost. It sends nothing twice.
func beBare(listen, server string) error {
	from, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(server)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(from))
	if err != nil {
		return err
	}
	b := &bare{socket: socket, from: from, to: to, ended: make(chan struct{}, 1)}
	var reading sync.WaitGroup
	reading.Go(b.read)
	defer reading.Wait()
	defer socket.Close()
	return obey(b.exchange)
}

type bare struct {
	socket   *net.UDPConn
	from, to netip.AddrPort
	ended    chan struct{} // told when all calls of the order are over

	mu   sync.Mutex // protects the fields below
	hold time.Duration
	next int // number of the next call
	open int // calls of the order that are not over
}

// bareWait is how long the end of the last call is waited for.
const bareWait = 5 * time.Second

func (b *bare) exchange(o order) answer {
	a := answer{Calls: o.Calls, Why: reasons{}}
	if o.Calls <= 0 {
		return a
	}
	b.mu.Lock()
	b.open, b.hold = o.Calls, o.Hold
	b.mu.Unlock()
	used := roles.CPU()
	a.Took = pour(o, func() {
		b.mu.Lock()
		number := b.next
		b.next++
		b.mu.Unlock()
		b.send("INVITE", fmt.Sprint(number), 1, "", offer)
	})
	timer := time.NewTimer(o.Hold + bareWait)
	defer timer.Stop()
	select {
	case <-b.ended:
	case <-timer.C:
	}
	a.CPU = roles.CPU() - used
	b.mu.Lock()
	defer b.mu.Unlock()
	a.Failed = b.open
	return a
}

// send sends a request of the call with that number.
func (b *bare) send(method, number string, seq int, toTag string, body []byte) {
	_, _ = b.socket.WriteToUDPAddrPort(fmt.Appendf(nil, "%s sip:+4930123456@%s SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s%s\r\nFrom: <sip:+493018180@%s>;tag=a\r\nTo: <sip:+4930123456@%s>%s\r\n"+
		"Call-ID: bare-%s\r\nCSeq: %d %s\r\nContact: <sip:%s>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		method, b.to, b.from, number, method, b.from, b.to, toTag, number, seq, method, b.from, len(body), body), b.to) // lost: counted as failed
}

// read answers 200 to INVITE with ACK and, later, BYE.
func (b *bare) read() {
	buffer := make([]byte, 65536)
	for {
		n, _, err := b.socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		message := buffer[:n]
		if !bytes.HasPrefix(message, []byte("SIP/2.0 200")) {
			continue
		}
		number := after(message, "Call-ID: bare-")
		if bytes.Contains(message, []byte(" BYE\r\n")) {
			b.mu.Lock()
			b.open--
			if b.open == 0 {
				b.ended <- struct{}{}
			}
			b.mu.Unlock()
			continue
		}
		to := after(message, "\r\nTo: ")
		tag := to[bytes.IndexByte([]byte(to), '>')+1:]
		b.send("ACK", number, 1, tag, nil)
		b.mu.Lock()
		hold := b.hold
		b.mu.Unlock()
		time.AfterFunc(hold, func() { b.send("BYE", number, 2, tag, nil) })
	}
}

// after is the rest of the line behind a text, or empty.
func after(message []byte, text string) string {
	_, rest, _ := bytes.Cut(message, []byte(text))
	line, _, _ := bytes.Cut(rest, []byte("\r"))
	return string(line)
}
