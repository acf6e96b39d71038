package media

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// negotiation is the state of offer and answer of one session (RFC 3264).
type negotiation struct {
	mu      sync.Mutex
	local   netip.AddrPort
	cfg     SessionConfig
	id      uint64
	version uint64
	said    []byte // our last description, as of version
	codec   Codec  // agreed; 0 before
	held    bool   // the far side does not take our packets
	keys    security
}

func (n *negotiation) begin(local netip.AddrPort, cfg SessionConfig) {
	n.local, n.cfg = local, cfg
	n.keys.wanted = cfg.Security
	n.id = rand.Uint64() >> 2 // some parsers read it as a signed number
}

// offered are the formats of our offers.
func (n *negotiation) offered() []format {
	var formats []format
	codecs := slices.Clone(n.cfg.Codecs)
	if n.cfg.ComfortNoise {
		codecs = append(codecs, ComfortNoise)
	}
	if !n.cfg.NoEvents {
		codecs = append(codecs, TelephoneEvent)
	}
	for _, c := range codecs {
		formats = append(formats, format{codec: c, payloadType: c.payloadType()})
	}
	return formats
}

// receiveFormats are those under which packets are taken: what we offer, with
// comfort noise, and what was agreed on beside.
func (n *negotiation) receiveFormats(agreed ...format) receiveFormats {
	var r receiveFormats
	r[payloadCN] = ComfortNoise
	for _, f := range slices.Concat(n.offered(), agreed) {
		r[f.payloadType] = f.codec
	}
	return r
}

// say gives our description its version: a new one whenever anything changed
// (RFC 3264 section 8).
func (n *negotiation) say(d localDescription) []byte {
	d.id, d.version, d.local, d.ptime = n.id, n.version, n.local, n.cfg.PTime
	body := d.marshal()
	if !bytes.Equal(body, n.said) {
		n.version++
		d.version = n.version
		body = d.marshal()
		n.said = body
	}
	return body
}

// Codec is the audio codec agreed on, in which packets are sent; 0 before.
func (s *Session) Codec() Codec {
	s.negotiation.mu.Lock()
	defer s.negotiation.mu.Unlock()
	return s.negotiation.codec
}

// Held reports whether the far side has put us on hold: it said sendonly or
// inactive, or gave 0.0.0.0 as its address (RFC 3264 section 8.4).
func (s *Session) Held() bool {
	s.negotiation.mu.Lock()
	defer s.negotiation.mu.Unlock()
	return s.negotiation.held
}

// Offer returns a session description that offers all codecs of the session and
// telephone events, sendrecv. It is the same, byte for byte, until something
// changes.
func (s *Session) Offer() []byte {
	n := &s.negotiation
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.say(localDescription{
		formats: n.offered(), direction: sendRecv, proto: n.keys.profile(), crypto: n.keys.offers(),
	})
}

// Accept takes the far side's answer to our offer. It may come again: early and
// then final, or with changes. Errors wrap ErrSDP, ErrNoAudio, ErrRejected,
// ErrNoCommonCodec, ErrSecurity or ErrAddress, and leave what was agreed before.
func (s *Session) Accept(answer []byte) error {
	d, err := parseDescription(answer)
	if err != nil {
		return err
	}
	n := &s.negotiation
	n.mu.Lock()
	defer n.mu.Unlock()
	// The far side's order counts: it answers with what it is going to use.
	index, codec, err := n.choose(d, false)
	if err != nil {
		return err
	}
	line := d.lines[index]
	send, receive, err := n.keys.agree(&line, false)
	if err != nil {
		return err
	}
	s.apply(line, codec, send, receive)
	return nil
}

// Answer takes the far side's offer (of an inbound call, a re-INVITE, an UPDATE) and
// returns our answer with one audio codec, the first of ours that was offered, and
// comfort noise and telephone events if they were. Errors are as of Accept.
func (s *Session) Answer(offer []byte) ([]byte, error) {
	d, err := parseDescription(offer)
	if err != nil {
		return nil, err
	}
	n := &s.negotiation
	n.mu.Lock()
	defer n.mu.Unlock()
	index, codec, err := n.choose(d, true)
	if err != nil {
		return nil, err
	}
	line := d.lines[index]
	send, receive, err := n.keys.agree(&line, true)
	if err != nil {
		return nil, err
	}
	agreed := s.apply(line, codec, send, receive)
	answer := line.direction.answer()
	if line.addr.Addr().IsUnspecified() && answer == sendRecv {
		answer = recvOnly
	}
	return n.say(localDescription{
		formats: agreed, direction: answer, proto: line.proto, crypto: n.keys.answers(),
		lines: d.lines, accepted: index,
	}), nil
}

// choose picks the media line to use, one with a key before one without, and the codec
// to send: the first of ours that the line has, or else the line's first that is among
// ours.
func (n *negotiation) choose(d *description, oursFirst bool) (index int, codec Codec, err error) {
	if n.keys.wanted == SecurityOptional {
		keyed := func(line *mediaLine) bool { return len(line.crypto) > 0 }
		if index, codec, err = n.chooseAmong(d, oursFirst, keyed); err == nil {
			return index, codec, nil
		}
	}
	return n.chooseAmong(d, oursFirst, n.keys.suits)
}

func (n *negotiation) chooseAmong(d *description, oursFirst bool, suits func(*mediaLine) bool) (index int, codec Codec, err error) {
	codecs, local := n.cfg.Codecs, n.local.Addr()
	err = ErrNoAudio
	for i, line := range d.lines {
		if !line.rtp {
			continue
		}
		if line.port == 0 {
			err = ErrRejected
			continue
		}
		codec := line.first(codecs, oursFirst)
		switch {
		case !suits(&line):
			err = fmt.Errorf("%w: the far side says %s with %d keys that can be used, we want SRTP %s", ErrSecurity, line.proto, len(line.crypto), n.keys.wanted)
			continue
		case codec == 0:
			err = fmt.Errorf("%w: offered %v, we have %v", ErrNoCommonCodec, line.formats, codecs)
			continue
		case !line.addr.IsValid():
			err = ErrAddress
			continue
		case line.addr.Addr().Is4() != local.Is4():
			err = fmt.Errorf("%w: %s cannot be reached from %s", ErrAddress, line.addr.Addr(), local)
			continue
		}
		return i, codec, nil
	}
	return 0, 0, err
}

// first returns the codec that both the line and codecs have, by the order of one.
func (l mediaLine) first(codecs []Codec, oursFirst bool) Codec {
	if oursFirst {
		for _, c := range codecs {
			if _, ok := l.payloadType(c); ok {
				return c
			}
		}
		return 0
	}
	for _, f := range l.usable {
		if slices.Contains(codecs, f.codec) {
			return f.codec
		}
	}
	return 0
}

func (l mediaLine) payloadType(c Codec) (uint8, bool) {
	for _, f := range l.usable {
		if f.codec == c {
			return f.payloadType, true
		}
	}
	return 0, false
}

// apply puts a negotiated line into force, with ciphers for both directions or nil, and
// returns the formats agreed on. The caller holds the negotiation's lock.
func (s *Session) apply(line mediaLine, codec Codec, sender, receiver *cipher) []format {
	n := &s.negotiation
	send := sendFormat{
		codec: codec, ptime: line.ptime, cipher: sender,
		wanted: line.direction.takes() && !line.addr.Addr().IsUnspecified(),
	}
	if send.ptime == 0 {
		send.ptime = n.cfg.PTime
	}
	send.payloadType, _ = line.payloadType(codec)
	agreed := []format{{codec: codec, payloadType: send.payloadType}}
	if send.noise, send.hasNoise = line.payloadType(ComfortNoise); send.hasNoise {
		agreed = append(agreed, format{codec: ComfortNoise, payloadType: send.noise})
	}
	if send.event, send.hasEvent = line.payloadType(TelephoneEvent); send.hasEvent && n.cfg.NoEvents {
		send.hasEvent = false
	}
	if send.hasEvent {
		agreed = append(agreed, format{codec: TelephoneEvent, payloadType: send.event})
	}
	n.codec = codec
	n.held = !send.wanted
	s.formats.Store(s.engine.formats.share(n.receiveFormats(agreed...)))
	s.out.setFormat(send)
	s.rtcp.protect(sender, s.out.ssrc.Load())
	if receiver == nil {
		s.cipher.Store(nil)
	} else if c := s.cipher.Load(); c == nil || c.cipher != receiver {
		next := &incomingCipher{cipher: receiver}
		if c != nil {
			next.before, next.beforeUntil = c.cipher, time.Now().Add(keyOverlap)
		}
		s.cipher.Store(next)
	}

	if line.addr.Addr().IsUnspecified() {
		return agreed // on hold the old way: its place is not known
	}
	now := time.Now()
	in := &s.in
	in.mu.Lock()
	in.guard.announce(line.addr, now)
	to := in.guard.destination(now)
	in.sendTo = to
	in.mu.Unlock()
	s.out.redirect(to)
	s.rtcp.announce(line.rtcp)
	return agreed
}
