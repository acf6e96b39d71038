package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what an engine needs to know.
type Config struct {
	// Addr is the address that sockets are bound to and that session descriptions
	// announce. It must be a concrete one, not 0.0.0.0 or ::.
	Addr netip.Addr
	// Other is an address of the other family, IPv4 or IPv6, for sessions with far sides
	// there (SessionConfig.Toward); the zero value: there is none.
	Other netip.Addr
	// PortMin and PortMax are the first and last port to use; 0, 0 leaves the
	// choice to the operating system, which suits tests.
	PortMin, PortMax uint16
	// Cooldown is how long a pair of ports rests after use; 0 is DefaultCooldown.
	Cooldown time.Duration
	// Logger is where the engine reports; nil discards.
	Logger *slog.Logger
}

// Engine owns the ports, the 20 ms clock and all sessions of one machine. Its
// methods are safe for concurrent use.
type Engine struct {
	log     *slog.Logger
	addr    netip.Addr
	other   netip.Addr // of the other family; may be the zero value
	network network
	ports   *portPool
	clock   *clock
	total   counters
	formats sharedFormats

	stop    chan struct{}
	ticking sync.WaitGroup
	bridges atomic.Int64
	// bridging serialises the making of bridges, which takes locks of two legs.
	bridging sync.Mutex

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}

	lostBefore uint64 // packets that closed sessions lost
	lostMost   uint64 // what Stats said last
}

// NewEngine returns an engine with its clock running.
func NewEngine(cfg Config) (*Engine, error) {
	if !cfg.Addr.IsValid() || cfg.Addr.IsUnspecified() {
		return nil, fmt.Errorf("%w: the engine needs a concrete IP address, not %q", ErrAddress, cfg.Addr)
	}
	if cfg.Cooldown == 0 {
		cfg.Cooldown = DefaultCooldown
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	addr, other := cfg.Addr.Unmap(), cfg.Other.Unmap()
	if other.IsValid() && (other.IsUnspecified() || other.Is4() == addr.Is4()) {
		return nil, fmt.Errorf("%w: %q is no concrete IP address of another family than %s", ErrAddress, cfg.Other, addr)
	}
	network, err := newNetwork()
	if err != nil {
		return nil, err
	}
	ports, err := newPortPool(cfg.PortMin, cfg.PortMax, cfg.Cooldown, network.open)
	if err != nil {
		network.close()
		return nil, err
	}
	e := &Engine{
		log: cfg.Logger, addr: addr, other: other, network: network, ports: ports, clock: newClock(),
		stop: make(chan struct{}), sessions: make(map[*Session]struct{}),
	}
	e.ticking.Go(func() { e.clock.run(e.stop) })
	return e, nil
}

// NewSession opens a pair of ports. The error wraps ErrPortsExhausted when there
// is none, which is an outcome of the call and not a fault of the engine.
func (e *Engine) NewSession(cfg SessionConfig) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	pair, err := e.ports.take(e.toward(cfg.Toward), time.Now())
	if err != nil {
		if errors.Is(err, ErrPortsExhausted) {
			e.total.exhausted.Add(1)
		}
		return nil, err
	}
	s := newSession(e, cfg, pair)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		pair.rtp.Close()
		pair.rtcp.Close()
		e.ports.give(pair, time.Now())
		return nil, ErrClosed
	}
	e.sessions[s] = struct{}{}
	e.clock.add(s, s.out.nap)
	pair.rtcp.ReadWith(pair.rtp)
	pair.rtp.Serve((*rtpReceiver)(s))
	pair.rtcp.Serve((*rtcpReceiver)(s))
	return s, nil
}

// toward is the address of ours from which that one can be reached.
func (e *Engine) toward(far netip.Addr) netip.Addr {
	if e.other.IsValid() && far.IsValid() && far.Unmap().Is4() == e.other.Is4() {
		return e.other
	}
	return e.addr
}

// forget takes a session that has closed off the books.
func (e *Engine) forget(s *Session) {
	e.clock.remove(s)
	lost := s.Stats().Lost
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.sessions[s]; known {
		delete(e.sessions, s)
		e.lostBefore += lost
	}
}

// Stats returns the figures so far.
func (e *Engine) Stats() EngineStats {
	e.mu.Lock()
	sessions, lost := len(e.sessions), e.lostBefore
	for s := range e.sessions {
		lost += s.Stats().Lost
	}
	e.lostMost = max(e.lostMost, lost)
	lost = e.lostMost
	e.mu.Unlock()
	used, free := e.ports.available(time.Now())
	return EngineStats{
		Sessions: sessions, Bridges: int(e.bridges.Load()), PortsUsed: used, PortsFree: free,
		Received: e.total.received.Load(), Sent: e.total.sent.Load(), Lost: lost,
		Malformed: e.total.malformed.Load(), Strangers: e.total.strangers.Load(),
		Exhausted: e.total.exhausted.Load(), ClockLate: e.clock.late.Load(),
	}
}

// Close closes all sessions and stops the clock. No goroutine of the engine is
// left when it returns. It may be called more than once.
func (e *Engine) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	open := make([]*Session, 0, len(e.sessions))
	for s := range e.sessions {
		open = append(open, s)
	}
	e.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	if first {
		close(e.stop)
		e.network.close()
	}
	e.ticking.Wait()
	return nil
}
