package media

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// DefaultCooldown is how long a pair of ports rests after use, so that late
// packets of the last call cannot be heard in the next.
const DefaultCooldown = 10 * time.Second

// systemAttempts bounds the search for an even port with a free odd one above it
// where the operating system chooses.
const systemAttempts = 64

// portPool hands out pairs of sockets: RTP on an even port, RTCP on the odd one
// above it (RFC 3550 section 11). Pairs come in an order that cannot be guessed,
// the longest rested first. It is safe for concurrent use.
type portPool struct {
	system   bool // the operating system chooses the ports
	cooldown time.Duration
	open     func(netip.AddrPort) (socket, error)

	mu    sync.Mutex
	rest  []restingPair // queue by end of rest
	inUse int
}

type restingPair struct {
	port  uint16 // the even one
	until time.Time
}

// portPair is one pair in use.
type portPair struct {
	rtp, rtcp socket
	port      uint16
	pooled    bool // to be given back; not so a pair the operating system chose
}

// newPortPool returns a pool of the pairs that lie wholly within first to last;
// both zero leave the choice to the operating system.
func newPortPool(first, last uint16, cooldown time.Duration, open func(netip.AddrPort) (socket, error)) (*portPool, error) {
	p := &portPool{cooldown: cooldown, open: open}
	if first == 0 && last == 0 {
		p.system = true
		return p, nil
	}
	for port := int(first) + int(first)&1; port+1 <= int(last); port += 2 {
		p.rest = append(p.rest, restingPair{port: uint16(port)})
	}
	if first == 0 || len(p.rest) == 0 {
		return nil, fmt.Errorf("media: port range %d-%d holds no pair of an even port and the odd one above it", first, last)
	}
	rand.Shuffle(len(p.rest), func(i, j int) { p.rest[i], p.rest[j] = p.rest[j], p.rest[i] })
	return p, nil
}

// take opens a pair at an address, or returns an error that wraps ErrPortsExhausted.
func (p *portPool) take(addr netip.Addr, now time.Time) (portPair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.system {
		return p.takeFromSystem(addr)
	}
	var last error
	for range len(p.rest) {
		next := p.rest[0]
		if next.until.After(now) {
			break
		}
		p.rest = p.rest[1:]
		pair, err := p.bind(addr, next.port)
		if err == nil {
			p.inUse++
			pair.pooled = true
			return pair, nil
		}
		last = err // another process has it: look again after a rest
		p.rest = append(p.rest, restingPair{port: next.port, until: now.Add(p.cooldown)})
	}
	if last != nil {
		return portPair{}, fmt.Errorf("%w (%d in use): %w", ErrPortsExhausted, p.inUse, last)
	}
	return portPair{}, fmt.Errorf("%w (%d in use, %d cooling down)", ErrPortsExhausted, p.inUse, len(p.rest))
}

// give takes back a pair whose sockets are closed.
func (p *portPool) give(pair portPair, now time.Time) {
	if !pair.pooled {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inUse--
	p.rest = append(p.rest, restingPair{port: pair.port, until: now.Add(p.cooldown)})
}

// available returns how many pairs are in use and how many rest or are free.
func (p *portPool) available(now time.Time) (inUse, free int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rest {
		if !r.until.After(now) {
			free++
		}
	}
	return p.inUse, free
}

func (p *portPool) takeFromSystem(addr netip.Addr) (portPair, error) {
	var last error
	for range systemAttempts {
		pair, err := p.bind(addr, 0)
		if err == nil {
			return pair, nil
		}
		last = err
	}
	return portPair{}, fmt.Errorf("%w: %w", ErrPortsExhausted, last)
}

// bind opens both sockets of a pair, or neither.
func (p *portPool) bind(addr netip.Addr, port uint16) (portPair, error) {
	rtp, err := p.open(netip.AddrPortFrom(addr, port))
	if err != nil {
		return portPair{}, err
	}
	local := rtp.LocalAddr()
	if local.Port()&1 != 0 {
		rtp.Close()
		return portPair{}, fmt.Errorf("media: port %d is odd", local.Port())
	}
	rtcp, err := p.open(netip.AddrPortFrom(addr, local.Port()+1))
	if err != nil {
		rtp.Close()
		return portPair{}, err
	}
	return portPair{rtp: rtp, rtcp: rtcp, port: local.Port()}, nil
}
