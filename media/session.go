package media

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// digitsKept is how many digits wait for a reader before further ones are dropped.
const digitsKept = 64

// SessionConfig says what a session offers and accepts.
type SessionConfig struct {
	// Codecs in order of preference; none is PCMA, then PCMU.
	Codecs []Codec
	// PTime is the packet time we ask for and use until the far side asks for
	// another, 10 to 60 ms in steps of 10; 0 is 20 ms.
	PTime time.Duration
	// ComfortNoise offers comfort noise (RFC 3389): the far side may stop sending while
	// its party is silent. What it offers itself is taken in any case.
	ComfortNoise bool
	// NoEvents leaves telephone events (RFC 4733) out of what is offered and taken: keys go
	// another way.
	NoEvents bool
	// Toward is where the far side is, as far as that is known: of the engine's addresses
	// the session gets the one of its family. The zero value is Config.Addr.
	Toward netip.Addr
	// Security says whether packets are encrypted; 0 is SecurityOff.
	Security Security
}

func (c SessionConfig) withDefaults() (SessionConfig, error) {
	if len(c.Codecs) == 0 {
		c.Codecs = []Codec{PCMA, PCMU}
	}
	for i, codec := range c.Codecs {
		if !codec.Audio() || slices.Contains(c.Codecs[:i], codec) {
			return c, fmt.Errorf("media: %s cannot be offered, or is twice in the list", codec)
		}
	}
	if c.PTime == 0 {
		c.PTime = defaultPTime
	}
	if c.PTime != clampPTime(c.PTime) {
		return c, fmt.Errorf("media: packet time %s is not 10 to 60 ms in steps of 10 ms", c.PTime)
	}
	return c, nil
}

// Session is the RTP of one leg: a pair of ports, one stream in and one out. Its
// methods are safe for concurrent use.
type Session struct {
	// What each packet needs lies together, to the middle of in; see approach.
	engine  *Engine
	out     *stream
	born    time.Time
	formats atomic.Pointer[receiveFormats]
	taps    atomic.Pointer[tapEntry]       // the first; nil: there are none
	cipher  atomic.Pointer[incomingCipher] // nil: packets come plain
	peer    atomic.Pointer[Session]        // where packets are relayed to
	packet  Packet                         // only the reading goroutine uses it
	in      incoming                       // guarded by its own lock

	log   *slog.Logger
	cfg   SessionConfig
	pair  portPair
	local netip.AddrPort // RTP

	received chan struct{} // closed at the first valid packet
	digits   chan Digit
	done     chan struct{} // closed once the session is closed

	closing sync.Once

	// The engine's bridging lock covers these.
	bridge  *Bridge
	leaving bool     // closing: no bridge any more
	visit   *Guest   // its part as a guest of two others, or nil
	guests  []*Guest // at the conversations in which it is the customer

	negotiation negotiation // guarded by its own lock
	rtcp        reports     // guarded by its own lock
	chorus      chorus      // guarded by its own lock
	tapsMu      sync.Mutex  // serialises those who change the chain of taps

	// Only the reading goroutine uses these.
	narrow   narrowG722
	collided netip.AddrPort // who sent as the source that we were
}

// incoming is what a session knows of the stream that comes in. The reading
// goroutine holds mu for an instant at each packet.
type incoming struct {
	mu        sync.Mutex
	heard     bool
	guard     guard
	sendTo    netip.AddrPort // what the stream out was told last
	reception reception
	last      time.Time
	comfort   comfort

	// What few packets need.
	digits    digitReader
	escape    escape
	malformed uint64
	strangers uint64
	kept      kept
}

// kept is the newest audio packet of a session that is not bridged: the bridge
// sends it on at once when it is made.
type kept struct {
	header    header
	codec     Codec
	at        time.Time // zero: none
	forwarded bool      // a bridge took it
	datagram  [headerSize + maxFrame]byte
}

func newSession(e *Engine, cfg SessionConfig, pair portPair) *Session {
	s := &Session{
		engine: e, log: e.log, cfg: cfg, pair: pair,
		local:    pair.rtp.LocalAddr(),
		out:      newStream(pair.rtp, &e.total),
		born:     time.Now(),
		received: make(chan struct{}),
		digits:   make(chan Digit, digitsKept),
		done:     make(chan struct{}),
		narrow:   newNarrowG722(),
	}
	s.negotiation.begin(s.local, cfg)
	s.formats.Store(e.formats.share(s.negotiation.receiveFormats()))
	if cfg.Security != SecurityOff {
		s.cipher.Store(&incomingCipher{})
	}
	s.rtcp.begin(s.negotiation.id, s.local.Addr(), s.born)
	return s
}

// LocalAddr is the address of the RTP socket.
func (s *Session) LocalAddr() netip.AddrPort { return s.local }

// Received is closed at the first valid packet from the far side: from then on the
// leg is proven by RTP.
func (s *Session) Received() <-chan struct{} { return s.received }

// Digits gives the keys that the far side presses (RFC 4733). It is closed when
// the session is; keys that nobody reads are dropped.
func (s *Session) Digits() <-chan Digit { return s.digits }

// LastReceived is the arrival of the newest valid packet, or of the newest RTCP packet of
// who sent one, by which parties that send nothing in silence show that they are there;
// zero if none came.
func (s *Session) LastReceived() time.Time {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.last
}

// AddTap lets t see every valid packet from now on. A tap that is added around the
// time a bridge is made also sees the packet that the bridge forwarded at once.
// Remove ends it; one packet may be on its way to t while remove returns.
func (s *Session) AddTap(t Tap) (remove func()) {
	entry := &tapEntry{tap: t, fresh: true}
	entry.approacher, _ = t.(Approacher)
	s.tapsMu.Lock()
	defer s.tapsMu.Unlock()
	s.tapLink(nil).Store(entry)
	return func() {
		s.tapsMu.Lock()
		defer s.tapsMu.Unlock()
		if link := s.tapLink(entry); link != nil {
			link.Store(entry.next.Load())
		}
	}
}

// tapLink is what leads to an entry, or to the end of the chain for nil; nil if nothing
// does. tapsMu is held.
func (s *Session) tapLink(to *tapEntry) *atomic.Pointer[tapEntry] {
	link := &s.taps
	for {
		e := link.Load()
		if e == to {
			return link
		}
		if e == nil {
			return nil
		}
		link = &e.next
	}
}

// Play sends p to the far side from the next tick of the 20 ms clock, again and
// again if loop. It replaces what is playing. On a bridged session the prompt goes
// before the peer's packets, which are not relayed until it ends.
func (s *Session) Play(p *Prompt, loop bool) *Playback {
	playback := &Playback{prompt: p, loop: loop, out: s.out, done: make(chan struct{})}
	s.out.play(playback)
	return playback
}

// Announce plays p once, as Play does, and shows t, unless that is nil, each packet of it as
// it goes out: what a recording wants of what the far side was told. Who holds the call is
// not told meanwhile: p waits for them, and goes on when they are back. t is called with the
// lock of the stream held, from the clock's goroutine, and must not call this session.
func (s *Session) Announce(p *Prompt, t Tap) *Playback {
	playback := &Playback{prompt: p, waits: true, out: s.out, done: make(chan struct{}), shown: t}
	s.out.play(playback)
	return playback
}

// Stats returns the figures so far; also those of a closed session.
func (s *Session) Stats() SessionStats {
	stats := SessionStats{Codec: s.Codec()}
	if c := s.cipher.Load(); c != nil {
		stats.Encrypted = c.cipher != nil
	}
	s.out.mu.Lock()
	stats.Sent, stats.Unsent = s.out.packets, s.out.unsent
	s.out.mu.Unlock()
	s.in.mu.Lock()
	stats.Received = s.in.reception.received
	stats.Lost, stats.Bursts = s.in.reception.lost(), s.in.reception.bursts
	stats.Late = s.in.reception.late
	stats.Jitter = samples(s.in.reception.jitter)
	stats.Malformed, stats.Strangers = s.in.malformed, s.in.strangers
	s.in.mu.Unlock()
	stats.Discarded = stats.Malformed + stats.Strangers
	s.rtcp.fill(&stats)
	return stats
}

// Close says goodbye by RTCP, closes the sockets and any bridge, and gives the
// ports back to cool down. When it returns no tap is called any more. It may be
// called more than once, but not from a tap.
func (s *Session) Close() {
	s.closing.Do(func() {
		if b := s.leaveBridges(); b != nil {
			b.Close()
		}
		s.sendGoodbye()
		s.out.close()
		s.pair.rtp.Close()
		s.pair.rtcp.Close()
		close(s.digits)
		close(s.done)
		s.engine.forget(s)
		s.engine.ports.give(s.pair, time.Now())
	})
	<-s.done
}

// tick is the call of the clock.
func (s *Session) tick(now time.Time, elapsed time.Duration) {
	due, next := s.rtcp.due(now)
	if due {
		s.sendReport(now)
	}
	s.out.tick(now, elapsed, next)
}
