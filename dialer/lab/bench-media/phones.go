package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// phones are both ends of all calls through a SIP server: they call the number of a
// call, and answer when that number is called. Messages are built by hand: they are
// not what is measured.
type phones struct {
	socket  *net.UDPConn
	addr    netip.AddrPort
	server  netip.AddrPort
	reading sync.WaitGroup

	mu    sync.Mutex // protects the fields below
	ends  []legs
	ports []legs
	ready chan int // numbers of calls of which a leg is connected
}

func newPhones(server netip.AddrPort) (*phones, error) {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		return nil, err
	}
	p := &phones{socket: socket, addr: socket.LocalAddr().(*net.UDPAddr).AddrPort(), server: server}
	p.reading.Go(p.read)
	return p, nil
}

func (p *phones) close() error {
	err := p.socket.Close()
	p.reading.Wait()
	return err
}

// connect makes the calls, one after the other.
func (p *phones) connect(ctx context.Context, ends []legs) ([]legs, error) {
	ready := make(chan int, 4*len(ends))
	p.mu.Lock()
	p.ends, p.ports, p.ready = ends, make([]legs, len(ends)), ready
	p.mu.Unlock()
	for call := range ends {
		p.send(fmt.Sprintf("INVITE sip:%d@%s SIP/2.0\r\n%s", 100+call, p.server, p.head(call, "INVITE")), "", ends[call][0])
		if err := p.await(ctx, call, ready); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ports, nil
}

// await returns once both legs of a call are connected.
func (p *phones) await(ctx context.Context, call int, ready <-chan int) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-ready:
		case <-timer.C:
			return fmt.Errorf("call %d is not connected", call)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p.mu.Lock()
		both := p.ports[call][0].IsValid() && p.ports[call][1].IsValid()
		p.mu.Unlock()
		if both {
			return nil
		}
	}
}

// head is what our requests of a call have in common.
func (p *phones) head(call int, method string) string {
	return fmt.Sprintf("Via: SIP/2.0/UDP %[1]s;branch=z9hG4bK%[2]d%[3]s\r\nMax-Forwards: 70\r\nFrom: <sip:bench@%[1]s>;tag=%[2]d\r\n"+
		"Call-ID: bench-%[2]d\r\nCSeq: 1 %[3]s\r\nContact: <sip:%[1]s>\r\n", p.addr, call, method)
}

// send completes a request or response by To, if it is not there yet, and the session
// description of a far end; without one that is valid there is no body.
func (p *phones) send(message, to string, end netip.AddrPort) {
	var body []byte
	if end.IsValid() {
		body = offer(end, "")
	}
	if !strings.Contains(message, "\r\nTo: ") {
		if to == "" {
			to = fmt.Sprintf("<%s>", strings.Fields(message)[1])
		}
		message += "To: " + to + "\r\n"
	}
	message += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	_, _ = p.socket.WriteToUDPAddrPort([]byte(message), p.server) // lost: the call is missed
}

// read takes requests and responses.
func (p *phones) read() {
	buffer := make([]byte, 65536)
	for {
		n, _, err := p.socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // the port was closed when something came there
		}
		message := string(buffer[:n])
		switch {
		case strings.HasPrefix(message, "SIP/2.0 200 ") && strings.HasSuffix(field(message, "CSeq"), "INVITE"):
			p.answered(message)
		case strings.HasPrefix(message, "INVITE "):
			p.called(message)
		}
	}
}

// answered acknowledges an answer to a call of ours (RFC 3261 section 13.2.2.4).
func (p *phones) answered(message string) {
	call, err := strconv.Atoi(strings.TrimPrefix(field(message, "Call-ID"), "bench-"))
	if err != nil {
		return
	}
	contact := strings.Trim(field(message, "Contact"), "<>")
	p.send(fmt.Sprintf("ACK %s SIP/2.0\r\n%s", contact, p.head(call, "ACK")), field(message, "To"), netip.AddrPort{})
	p.connected(call, 0, message)
}

// called answers a call (RFC 3261 section 13.3.1.4).
func (p *phones) called(message string) {
	number, _, _ := strings.Cut(strings.TrimPrefix(message, "INVITE sip:"), "@")
	call, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	call -= 100
	end, ok := p.end(call, 1)
	if !ok {
		return
	}
	response := "SIP/2.0 200 OK\r\n"
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
		response += name + ": " + field(message, name) + "\r\n"
	}
	response += fmt.Sprintf("To: %s;tag=b%d\r\nContact: <sip:%s>\r\n", field(message, "To"), call, p.addr)
	p.send(response, "", end)
	p.connected(call, 1, message)
}

func (p *phones) end(call, leg int) (end netip.AddrPort, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if call < 0 || call >= len(p.ends) {
		return end, false
	}
	return p.ends[call][leg], true
}

// connected keeps the address that a description names for a leg.
func (p *phones) connected(call, leg int, message string) {
	addr, err := audioAddr(message)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if call >= 0 && call < len(p.ports) {
		p.ports[call][leg] = addr
		p.ready <- call
	}
}

// field is the value of a header field.
func field(message, name string) string {
	_, rest, _ := strings.Cut(message, "\r\n"+name+": ")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// audioAddr is where a session description, within some text, wants its audio. The
// address is loopback.
func audioAddr(text string) (netip.AddrPort, error) {
	_, rest, found := strings.Cut(text, "m=audio ")
	port, _, _ := strings.Cut(rest, " ")
	number, err := strconv.ParseUint(port, 10, 16)
	if !found || err != nil || number == 0 {
		return netip.AddrPort{}, fmt.Errorf("no audio is described in %q", text)
	}
	return netip.AddrPortFrom(loopback, uint16(number)), nil
}
