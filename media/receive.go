package media

import (
	"net/netip"
	"sync"
	"time"
)

// receiveFormats tells the codec of a payload type; 0 for those not negotiated.
type receiveFormats [128]Codec

// mostFormats bounds how many tables are shared: far sides have a say in them.
const mostFormats = 64

// sharedFormats gives sessions that negotiated the same one table, which stays in the
// processor's cache with hundreds of calls up.
type sharedFormats struct {
	mu     sync.Mutex
	tables map[receiveFormats]*receiveFormats
}

// share is a table like r.
func (f *sharedFormats) share(r receiveFormats) *receiveFormats {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared, there := f.tables[r]; there {
		return shared
	}
	if f.tables == nil {
		f.tables = make(map[receiveFormats]*receiveFormats)
	}
	if len(f.tables) < mostFormats {
		f.tables[r] = &r
	}
	return &r
}

// rtpReceiver and rtcpReceiver are a session as the receiver of its sockets.
type (
	rtpReceiver  Session
	rtcpReceiver Session
)

func (r *rtpReceiver) receive(b []byte, from netip.AddrPort, at time.Time, by departures) {
	(*Session)(r).receiveRTP(b, from, at, by)
}

func (r *rtcpReceiver) receive(b []byte, from netip.AddrPort, at time.Time, _ departures) {
	(*Session)(r).receiveRTCP(b, from, at)
}

// receiveRTP takes one datagram from the RTP socket: check, count, tap, relay. It
// runs on the reading goroutine and allocates nothing.
func (s *Session) receiveRTP(b []byte, from netip.AddrPort, now time.Time, by departures) {
	b, ok := s.decrypt(b, now)
	h := header{}
	if ok {
		h, ok = parseHeader(b)
	}
	codec := Codec(0)
	if ok {
		codec = s.formats.Load()[h.payloadType]
	}
	if codec == 0 {
		s.in.mu.Lock()
		s.in.malformed++
		s.in.mu.Unlock()
		s.engine.total.malformed.Add(1)
		return
	}
	payload := b[h.offset : h.offset+h.length]

	in := &s.in
	in.mu.Lock()
	if !in.guard.admit(from, h.sequence, now) {
		in.strangers++
		in.mu.Unlock()
		s.engine.total.strangers.Add(1)
		return
	}
	in.last = now
	if !in.reception.update(h, now.Sub(s.born), codec.Audio()) {
		in.mu.Unlock()
		return
	}
	to := in.guard.destination(now)
	redirect := to != in.sendTo
	in.sendTo = to
	first := !in.heard
	in.heard = true
	var digit rune
	withheld := false
	if codec == TelephoneEvent {
		var begins bool
		if digit, begins = in.digits.read(payload, h.timestamp); begins {
			in.escape.begin(digit)
		}
		withheld = in.escape.withheld
	}
	if codec == G722 {
		s.narrow.decode(payload)
		codec = PCMA
	}
	in.comfort.take(codec, payload)
	peer := s.peer.Load()
	if peer == nil && codec.Audio() {
		in.kept.keep(h, codec, payload, now)
	}
	in.mu.Unlock()
	s.engine.total.received.Add(1)
	if h.ssrc == s.out.ssrc.Load() {
		s.collide(from)
	}

	if redirect {
		s.out.redirect(to)
	}
	if first {
		close(s.received)
	}
	if digit != 0 {
		select {
		case s.digits <- Digit{Digit: digit, At: now}:
		default:
		}
	}
	if e := s.taps.Load(); e != nil {
		s.packet = Packet{
			Payload: payload, Codec: codec, Timestamp: h.timestamp, Sequence: h.sequence,
			SSRC: h.ssrc, Marker: h.marker, Arrival: now,
		}
		for ; e != nil; e = e.next.Load() {
			if e.fresh {
				s.welcome(e, now)
			}
			e.tap.Tap(&s.packet)
		}
	}
	switch {
	case peer == nil:
	case withheld:
		peer.out.omit(s, h)
	default:
		peer.out.relay(s, b, h, codec, now, by)
	}
}

// collide deals with a far side that sends as the source that we are: by chance, and
// then we go on as another one (RFC 3550 section 8.2), or because it sends back what it
// gets. That shows by its doing so again, and is left as it is.
func (s *Session) collide(from netip.AddrPort) {
	if from == s.collided {
		return
	}
	s.collided = from
	s.sendGoodbye()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.changeSource()
}

// decrypt gives the plain packet, in place. ok is false for one that is not encrypted
// as was agreed on, and for replays.
func (s *Session) decrypt(b []byte, now time.Time) (plain []byte, ok bool) {
	c := s.cipher.Load()
	switch {
	case c == nil:
		return b, true
	case c.cipher == nil || len(b) > maxDatagram:
		return nil, false
	}
	plain, err := c.openRTP(b, now)
	return plain, err == nil
}

// welcome shows a new tap the packet that a bridge forwarded just before, if one
// did: the far side of the bridge has heard it.
func (s *Session) welcome(e *tapEntry, now time.Time) {
	e.fresh = false
	s.in.mu.Lock()
	k := s.in.kept
	s.in.mu.Unlock()
	if !k.forwarded || now.Sub(k.at) > keptFor+clockPeriod {
		return
	}
	current := s.packet
	s.packet = Packet{
		Payload: k.datagram[headerSize : headerSize+k.header.length], Codec: k.codec,
		Timestamp: k.header.timestamp, Sequence: k.header.sequence,
		SSRC: k.header.ssrc, Marker: k.header.marker, Arrival: k.at,
	}
	e.tap.Tap(&s.packet)
	s.packet = current
}

// keptFor is how old a kept packet may be for a bridge to forward it: one packet
// time of 20 ms and as much for jitter.
const keptFor = 2 * clockPeriod

// keep copies a packet; one that is too long for a packet time of 60 ms is not.
func (k *kept) keep(h header, codec Codec, payload []byte, now time.Time) {
	k.at = time.Time{}
	k.forwarded = false
	if len(payload) > maxFrame {
		return
	}
	k.header, k.codec, k.at = h, codec, now
	k.header.offset = headerSize
	copy(k.datagram[headerSize:], payload)
}
