package media

import (
	"sync"
	"time"
	"unsafe"
)

// chorusAdrift: where what stands in for a silent party is this much away, in samples, from
// the place that the time passed gives it, it is put there; nearer, it goes on without a seam.
const chorusAdrift = 100 * ClockRate / 1000

// chorus is what a party's side of the conversation says besides the party: the guests
// who are heard by the other, and the beep.
type chorus struct {
	mu     sync.Mutex // protects all fields, and those of tap
	tap    *chorusTap // nil: nobody wants it
	mixer  mixer
	packet Packet
	mixed  []byte // payload of packet; nil before the first guest
}

// chorusTap shows another tap a party with the chorus. What stands in for the party goes on
// along the party's own timestamps, and the party's sequence numbers are moved on by it.
type chorusTap struct {
	chorus *chorus
	tap    Tap

	begun     bool // something was shown
	ssrc      uint32
	sequence  uint16    // highest, as it came
	timestamp uint32    // of the newest packet with samples …
	at        time.Time // … which came then
	front     uint32    // timestamp that follows the newest sample
	moved     uint16    // by how much sequence numbers are moved on
	standing  bool      // the newest packet was not the party's
	resumed   uint16    // numbers before this, as they come, are moved on by as much as …
	before    uint16    // … this
}

// AddTapWithGuests lets t see what AddTap would show it, with the voices of those guests
// mixed in whom the customer hears as well as the agent, and with the beep
// (Beeping.Beside), as long as there are any: what a recording wants of that side. While
// the session's own party sends nothing, or comfort noise, and the clock stands in for it
// in a bridge, t sees packets with the others alone, on the party's time line. Those come
// from the clock's goroutine, never at the same time as another, and t must not have
// anybody join or leave meanwhile. One such tap is to be in use at a time; remove ends it.
func (s *Session) AddTapWithGuests(t Tap) (remove func()) {
	k := &s.chorus
	c := &chorusTap{chorus: k, tap: t}
	k.mu.Lock()
	k.tap = c
	k.mu.Unlock()
	untap := s.AddTap(c)
	return func() {
		untap()
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.tap == c {
			k.tap = nil
		}
	}
}

// Approach implements Approacher.
func (c *chorusTap) Approach() uintptr {
	return Touch(unsafe.Pointer(c), unsafe.Sizeof(*c)) + Touch(unsafe.Pointer(c.chorus), unsafe.Sizeof(*c.chorus)) + Approach(c.tap)
}

// Tap implements Tap.
func (c *chorusTap) Tap(p *Packet) {
	k := c.chorus
	k.mu.Lock()
	moved := c.follow(p)
	mixes := len(k.mixer.voices) > 0 && p.Codec.Audio()
	if !mixes && moved == 0 {
		k.mu.Unlock()
		c.tap.Tap(p)
		return
	}
	defer k.mu.Unlock()
	k.packet = *p
	k.packet.Sequence += moved
	if mixes {
		k.packet.Payload = k.mixed[:copy(k.mixed, p.Payload)]
		k.mixer.mix(k.packet.Payload, p.Codec, p.Timestamp, p.Arrival, false)
	}
	c.tap.Tap(&k.packet)
}

// follow notes where the party is, and returns by how much a packet's number is moved on.
func (c *chorusTap) follow(p *Packet) (moved uint16) {
	fresh := !c.begun || p.SSRC != c.ssrc
	if !fresh && int16(p.Sequence-c.sequence) <= 0 {
		if int16(p.Sequence-c.resumed) < 0 {
			return c.before
		}
		return c.moved
	}
	if fresh {
		c.moved, c.before, c.resumed = 0, 0, p.Sequence
	}
	c.begun, c.standing, c.ssrc, c.sequence = true, false, p.SSRC, p.Sequence
	if p.Codec.Audio() {
		c.timestamp, c.at, c.front = p.Timestamp, p.Arrival, p.Timestamp+uint32(len(p.Payload))
	}
	return c.moved
}

// standIn shows the tap the chorus alone, size samples, while the clock sends as many in
// the party's place.
func (k *chorus) standIn(size int, codec Codec, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.tap
	if c == nil || len(k.mixer.voices) == 0 {
		return
	}
	timestamp := c.place(uint32(size), now)
	payload := k.mixed[:size]
	silence := codec.Silence()
	for i := range payload {
		payload[i] = silence
	}
	if !k.mixer.mix(payload, codec, timestamp, now, true) {
		return
	}
	if !c.standing {
		c.standing, c.resumed, c.before = true, c.sequence+1, c.moved
	}
	c.begun = true
	c.moved++
	k.packet = Packet{
		Payload: payload, Codec: codec, Timestamp: timestamp, Sequence: c.sequence + c.moved, SSRC: c.ssrc, Arrival: now,
	}
	c.tap.Tap(&k.packet)
}

// place is the timestamp of the next size samples that stand in for the party.
func (c *chorusTap) place(size uint32, now time.Time) uint32 {
	if c.at.IsZero() {
		c.at = now // of a party that has said nothing yet, timestamps begin here
	}
	timestamp := c.timestamp + uint32(now.Sub(c.at).Microseconds()*(ClockRate/1000)/1000)
	if off := int32(timestamp - c.front); off <= chorusAdrift && off >= -chorusAdrift {
		timestamp = c.front
	}
	c.front = timestamp + size
	return timestamp
}

func (k *chorus) admit(v sounder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mixer.admit(v)
	if k.mixed == nil {
		k.mixed = make([]byte, maxDatagram)
	}
}

func (k *chorus) dismiss(v sounder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mixer.dismiss(v)
}
