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

// digitReader turns telephone-event packets into digits: one for each event, at
// the first packet of it that arrives. An event is told from the next by its
// timestamp; its packets repeat it, the last one up to three times.
type digitReader struct {
	started   bool
	timestamp uint32
}

// read returns the digit that begins with this packet, if one does.
func (d *digitReader) read(payload []byte, timestamp uint32) (rune, bool) {
	if len(payload) < eventSize || int(payload[0]) >= len(eventDigits) {
		return 0, false
	}
	// A packet of an earlier event that comes late is not a new digit.
	if d.started && int32(timestamp-d.timestamp) <= 0 && int32(d.timestamp-timestamp) < 10*ClockRate {
		return 0, false
	}
	d.started, d.timestamp = true, timestamp
	return rune(eventDigits[payload[0]]), true
}
