package media

import "time"

// Digit is one key that the far side pressed, sent as a telephone event.
type Digit struct {
	Digit rune      // one of 0-9 * # A-D, or '!' for a hook flash
	At    time.Time // arrival of the event's first packet
}

// eventDigits are the events of RFC 4733 section 3.2 by their code.
const eventDigits = "0123456789*#ABCD!"

// eventSize is the size of an event payload (RFC 4733 section 2.3).
const eventSize = 4

// escape keeps keys from the bridged party: from the escape key on every event is
// withheld until release. The same key pressed twice is meant for the party: the
// second event passes, and ends the sequence.
type escape struct {
	key      rune // 0: none, everything passes
	pressed  int  // keys withheld so far; 0: no sequence
	withheld bool // the event that arrives now
}

// begin takes the first packet of an event.
func (e *escape) begin(digit rune) {
	switch {
	case e.pressed == 0:
		e.withheld = e.key != 0 && digit == e.key
	case e.pressed == 1 && digit == e.key:
		e.withheld, e.pressed = false, 0
		return
	default:
		e.withheld = true
	}
	if e.withheld {
		e.pressed++
	}
}

// Escape keeps sequences of keys that begin with key from the bridged party; they are
// only told by Digits. A sequence lasts until Release; the key pressed twice reaches
// the party once. 0 ends the keeping. It may be called at any time.
func (s *Session) Escape(key rune) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.escape.key = key
}

// Release ends a sequence that Escape keeps back: the next key passes again.
func (s *Session) Release() {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.escape.pressed = 0
}

// longestEvent is the longest duration that one packet can tell, in samples; what lasts
// longer goes on as another segment (RFC 4733 section 2.5.1.3).
const longestEvent = 0xFFFF

// digitReader turns telephone-event packets into digits: one for each event, at
// the first packet of it that arrives. An event is told from the next by its
// timestamp; its packets repeat it, the last one up to three times.
type digitReader struct {
	started   bool
	timestamp uint32 // of the event's newest segment
	code      byte
	ended     bool
}

// read returns the digit that begins with this packet, if one does.
func (d *digitReader) read(payload []byte, timestamp uint32) (rune, bool) {
	if len(payload) < eventSize || int(payload[0]) >= len(eventDigits) {
		return 0, false
	}
	if d.started && timestamp == d.timestamp {
		d.ended = d.ended || payload[1]&0x80 != 0
		return 0, false
	}
	// A packet of an earlier event that comes late is not a new digit.
	if d.started && int32(timestamp-d.timestamp) < 0 && int32(d.timestamp-timestamp) < 10*ClockRate {
		return 0, false
	}
	segment := d.started && !d.ended && payload[0] == d.code && timestamp-d.timestamp == longestEvent
	d.started, d.timestamp, d.code, d.ended = true, timestamp, payload[0], payload[1]&0x80 != 0
	if segment {
		return 0, false
	}
	return rune(eventDigits[payload[0]]), true
}
