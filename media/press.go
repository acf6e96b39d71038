package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

const (
	pressFor   = 100 * time.Millisecond // a key is down
	pressPause = 60 * time.Millisecond  // before the next one
	pressEnds  = 3                      // times that the end of an event is sent (RFC 4733 section 2.5.1.4)
	pressLevel = 10                     // -10 dBm0
	mostKeys   = 64                     // that wait to be sent
)

// press is the key that a stream sends now, and those that wait. What else feeds the
// stream is silent meanwhile.
type press struct {
	keys      []byte // codes of RFC 4733 section 3.2
	timestamp uint32 // of the first key's event; set once it has begun
	duration  time.Duration
	ends      int
	pause     time.Duration // left, after an event
}

func (p *press) active() bool { return len(p.keys) > 0 || p.pause > 0 }

// TakesEvents reports whether the far side takes telephone events (RFC 4733).
func (s *Session) TakesEvents() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.format.hasEvent
}

// Press sends keys to the far side, 0-9 * # A-D, as telephone events (RFC 4733), in
// order, each 100 ms long. It returns at once. It fails where the far side takes no
// events, for a key that there is none of, and for more keys than a person presses.
func (s *Session) Press(keys string) error {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if !s.out.format.hasEvent {
		return fmt.Errorf("media: the far side takes no telephone events")
	}
	if len(s.out.press.keys)+len(keys) > mostKeys {
		return fmt.Errorf("media: more than %d keys wait to be sent", mostKeys)
	}
	codes := make([]byte, 0, len(keys))
	for _, k := range keys {
		code := strings.IndexRune(eventDigits, k)
		if code < 0 {
			return fmt.Errorf("media: no key %q", k)
		}
		codes = append(codes, byte(code))
	}
	s.out.press.keys = append(s.out.press.keys, codes...)
	s.out.nap.wake()
	return nil
}

// sendPress sends one packet of an event, or nothing in the pause after it. mu is held.
func (o *stream) sendPress(now time.Time) {
	p := &o.press
	if p.pause > 0 {
		p.pause -= o.format.ptime
		return
	}
	if !o.sendable() || !o.format.hasEvent {
		*p = press{} // nobody takes them any more
		return
	}
	begins := p.duration == 0
	if begins {
		p.timestamp = o.timestamp + o.frame
		if o.last != feederClock {
			p.timestamp = o.nextTimestamp(now)
		}
	}
	if p.duration < pressFor {
		p.duration += o.format.ptime
	}
	level := byte(pressLevel)
	if p.duration >= pressFor {
		level |= 0x80 // the end
		p.ends++
	}
	length := uint32(samplesIn(p.duration))
	payload := o.scratch[headerSize : headerSize+eventSize]
	payload[0], payload[1] = p.keys[0], level
	binary.BigEndian.PutUint16(payload[2:], uint16(length))
	o.input.synced = false
	o.sequence++
	o.timestamp, o.frame, o.last, o.described = p.timestamp, length, feederClock, false
	header{
		marker: begins, payloadType: o.format.event, ssrc: o.ssrc.Load(),
		sequence: o.sequence, timestamp: p.timestamp,
	}.put(o.scratch[:])
	o.write(o.scratch[:headerSize+eventSize], now, nil)
	if p.ends == pressEnds {
		*p = press{keys: p.keys[1:], pause: pressPause}
	}
}
