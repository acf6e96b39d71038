package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icholy/digest"
)

// offices is how many source addresses the phones share, as behind NATs.
const offices = 100

// phones are contacts that register and refresh. Each keeps the nonce that it was
// challenged with and counts on in it, as softphones do.
type phones struct {
	server  string
	all     []*phone
	offices []*net.UDPConn
	waiting atomic.Int64 // for an answer
	bad     atomic.Int64 // answers that were neither 200 nor a challenge
	last    atomic.Value // the latest such status line
	reading sync.WaitGroup
}

// phone is one contact. Its messages are built by hand: this is not what is measured.
type phone struct {
	user, callID string
	conn         *net.UDPConn

	mu        sync.Mutex // protects the fields below
	seq       int
	challenge *digest.Challenge
	count     int // of uses of the challenge's nonce
	asked     int // of challenges in a row
}

// newPhones makes n phones; none has registered yet.
func newPhones(ctx context.Context, server string, n int) (*phones, error) {
	p := &phones{server: server}
	remote, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		return nil, err
	}
	for i := range min(n, offices) {
		conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}, remote)
		if err != nil {
			p.close()
			return nil, err
		}
		p.offices = append(p.offices, conn)
		p.reading.Go(func() { p.read(conn) })
	}
	for i := range n {
		p.all = append(p.all, &phone{
			user: userOf(i), callID: fmt.Sprintf("%d@phones", i), conn: p.offices[i%len(p.offices)],
		})
	}
	return p, ctx.Err()
}

func (p *phones) close() {
	for _, c := range p.offices {
		_ = c.Close()
	}
	p.reading.Wait()
}

// refresh lets n phones refresh, one after the other, at a pace at which all
// phones would take the interval. It fails when one is not answered with 200.
func (p *phones) refresh(ctx context.Context, interval time.Duration, n int) error {
	begin := time.Now()
	clock := time.NewTicker(spread)
	defer clock.Stop()
	for sent := 0; sent < n; {
		due := min(n, int(time.Since(begin)*time.Duration(len(p.all))/interval))
		for ; sent < due; sent++ {
			p.waiting.Add(1)
			if err := p.all[sent%len(p.all)].register(); err != nil {
				return err
			}
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for limit := time.Now().Add(5 * time.Second); p.waiting.Load() > 0; {
		if time.Now().After(limit) {
			return fmt.Errorf("%d of %d REGISTERs got no answer", p.waiting.Load(), n)
		}
		<-clock.C
	}
	if bad := p.bad.Load(); bad > 0 {
		return fmt.Errorf("%d REGISTERs were refused, the last with %v", bad, p.last.Load())
	}
	return ctx.Err()
}

// read takes the answers of one office.
func (p *phones) read(conn *net.UDPConn) {
	buffer := make([]byte, 65536)
	for {
		n, err := conn.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // the port was closed when something came there
		}
		p.take(string(buffer[:n]))
	}
}

func (p *phones) take(response string) {
	head, _, _ := strings.Cut(response, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	var i int
	header := http.Header{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		header.Add(name, strings.TrimSpace(value))
	}
	if _, err := fmt.Sscanf(header.Get("Call-Id"), "%d@phones", &i); err != nil || i >= len(p.all) {
		return
	}
	switch {
	case strings.HasPrefix(lines[0], "SIP/2.0 200"):
		p.all[i].accepted()
		p.waiting.Add(-1)
	case strings.HasPrefix(lines[0], "SIP/2.0 401") && p.all[i].challenged(header["Www-Authenticate"]):
	default:
		p.bad.Add(1)
		p.last.Store(lines[0])
		p.waiting.Add(-1)
	}
}

func (p *phone) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = 0
}

// challenged answers the first challenge that it understands. False: none, or it
// has just done so in vain.
func (p *phone) challenged(challenges []string) bool {
	p.mu.Lock()
	p.asked++
	vain := p.asked > 2
	p.mu.Unlock()
	for _, text := range challenges {
		challenge, err := digest.ParseChallenge(text)
		if err != nil || vain {
			continue
		}
		p.mu.Lock()
		p.challenge, p.count = challenge, 0
		p.mu.Unlock()
		return p.register() == nil
	}
	return false
}

// register sends one REGISTER, with credentials if it has been challenged before.
func (p *phone) register() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	local := p.conn.LocalAddr()
	var b strings.Builder
	fmt.Fprintf(&b, "REGISTER sip:bench.example SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s.%d\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:%[2]s@bench.example>;tag=%[2]s\r\nTo: <sip:%[2]s@bench.example>\r\n"+
		"Call-ID: %[4]s\r\nCSeq: %[3]d REGISTER\r\nContact: <sip:%[2]s@%[1]s>\r\nExpires: 600\r\nUser-Agent: bench\r\n",
		local, p.user, p.seq, p.callID)
	if p.challenge != nil {
		p.count++
		credentials, err := digest.Digest(p.challenge, digest.Options{
			Method: "REGISTER", URI: "sip:bench.example", Count: p.count, Username: p.user, Password: password(p.user),
		})
		if err != nil {
			return err
		}
		b.WriteString("Authorization: " + credentials.String() + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	_, err := p.conn.Write([]byte(b.String()))
	return err
}
