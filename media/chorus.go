package media

import "sync"

// chorus is what a party's side of the conversation says besides the party: the guests
// who are heard by the other, and the beep.
type chorus struct {
	mu     sync.Mutex // protects all fields
	mixer  mixer
	packet Packet
	mixed  []byte // payload of packet; nil before the first guest
}

// chorusTap shows another tap a party with the chorus.
type chorusTap struct {
	chorus *chorus
	tap    Tap
}

// WithGuests returns a tap for this session that shows t every packet with the voices
// of those guests mixed in whom the customer hears as well as the agent, and with the
// beep (Beeping.Beside), as long as there are any: what a recording wants of that side. While
// the session's own party sends nothing, they are not shown either. One such tap is to be in use at
// a time.
func (s *Session) WithGuests(t Tap) Tap { return &chorusTap{chorus: &s.chorus, tap: t} }

// Tap implements Tap.
func (c *chorusTap) Tap(p *Packet) {
	k := c.chorus
	k.mu.Lock()
	if len(k.mixer.voices) == 0 || !p.Codec.Audio() {
		k.mu.Unlock()
		c.tap.Tap(p)
		return
	}
	k.packet = *p
	k.packet.Payload = k.mixed[:copy(k.mixed, p.Payload)]
	k.mixer.mix(k.packet.Payload, p.Codec, p.Timestamp, p.Arrival, false)
	k.mu.Unlock()
	c.tap.Tap(&k.packet) // only the session's reading goroutine gets here
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
