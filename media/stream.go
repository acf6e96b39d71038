package media

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxLead: how far the stream's timestamps may run ahead of the clock on the
	// wall before that is taken for their new true place.
	maxLead = ClockRate * 2 / 5
	// maxFrame is the payload of the longest packet time, 60 ms.
	maxFrame = 60 * ClockRate / 1000
)

// feeder says who made the last packet of a stream.
type feeder uint8

const (
	feederNone  feeder = iota
	feederClock        // silence or a prompt
	feederRelay        // the bridged party
)

// sendFormat is how packets to the far side must look: its side of the
// negotiation.
type sendFormat struct {
	codec       Codec
	payloadType uint8
	event       uint8 // payload type of telephone events
	hasEvent    bool
	noise       uint8 // payload type of comfort noise
	hasNoise    bool
	wanted      bool // the far side takes packets: not on hold, not rejected
	ptime       time.Duration
	cipher      *cipher // nil: packets go plain
}

// stream is the one RTP stream that a session sends, whatever feeds it: silence,
// a prompt, a bridged party. The far side sees one SSRC, sequence numbers and
// timestamps that go on over every switch, and the marker bit at each switch
// (RFC 3551 section 4.1).
//
// The lock orders packets onto the wire. In each state one goroutine uses it
// (the clock, or the reader of the bridged peer), so that it is free but for the
// instants of switching and the reading of figures.
type stream struct {
	// What each packet needs lies together; see approach.
	ssrc   atomic.Uint32 // written under mu
	socket socket
	total  *counters

	mu        sync.Mutex
	closed    bool
	last      feeder
	described bool  // the far side has heard comfort last, and nothing since
	awaited   uint8 // ticks in which the party's packets were waited for
	to        netip.AddrPort
	format    sendFormat
	packets   uint64
	octets    uint64

	// Where the stream stands.
	sequence  uint16 // of the last packet
	timestamp uint32 // of the last packet
	frame     uint32 // samples in the last packet
	sentAt    time.Time
	part      uint32     // of by
	by        departures // by which the newest packet goes, unless it has gone; nil: it has

	// Relay.
	source  *Session         // whose packets are relayed; nil unless bridged
	first   chan<- time.Time // told of the source's first packet; nil afterwards
	fedAt   time.Time        // the source's newest packet, or the last before it was the source
	input   relayInput
	comfort comfort // of the source

	playback *Playback // nil unless a prompt plays
	press    press     // goes before the prompt
	guests   mixer     // of what goes out, but for prompts
	overlays mixer     // of all that goes out: beeps, and the overlay

	// What few packets need.
	unsent uint64
	// Of packets and octets, what the stream sent as other sources.
	packetsBefore, octetsBefore uint64

	epoch   time.Time // instant and timestamp that belong together
	epochTS uint32
	event   relayedEvent
	overlay *overlay // the prompt among overlays, or nil
	owed    time.Duration
	nap     *nap // how long the clock may leave the stream alone
	scratch [headerSize + maxFrame]byte
	wide    narrowG722
	sealed  [maxDatagram + mostTag]byte // the packet as it goes out, where it is encrypted
}

func newStream(s socket, total *counters) *stream {
	o := &stream{
		socket: s, total: total,
		sequence: uint16(rand.Uint32() & 0x7FFF), epochTS: rand.Uint32(), wide: newNarrowG722(), nap: &nap{},
	}
	o.ssrc.Store(rand.Uint32())
	return o
}

// setFormat takes what the negotiation gave. Where it brings another key, and the stream
// has gone on for so long that the rollover counter counts, it goes on as another source:
// the counter is to be kept then (RFC 3711 section 3.3.1), but who takes over from the old
// far side does not know it, and of a new source it is zero for all.
func (o *stream) setFormat(f sendFormat) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if was := o.format.cipher; was != nil && f.cipher != nil && was != f.cipher {
		if counter, _ := was.rtp.ROC(o.ssrc.Load()); counter > 0 {
			o.changeSource()
		}
	}
	o.format = f
}

// changeSource goes on as another source, with sequence numbers that do not wrap soon.
func (o *stream) changeSource() {
	o.ssrc.Store(rand.Uint32())
	o.sequence = uint16(rand.Uint32() & 0x7FFF)
	o.input.synced, o.last = false, feederNone
	o.packetsBefore, o.octetsBefore = o.packets, o.octets
}

// redirect sends further packets to another address.
func (o *stream) redirect(to netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = to
}

// sendable reports whether a packet could go out at all.
func (o *stream) sendable() bool {
	return o.format.wanted && o.to.IsValid() && !o.closed
}

// nextTimestamp is where the next packet belongs if it follows a switch: at the
// place that the time passed gives it, and never inside the last packet.
func (o *stream) nextTimestamp(now time.Time) uint32 {
	if o.epoch.IsZero() {
		o.epoch = now
		o.timestamp = o.epochTS
		return o.epochTS
	}
	ideal := o.epochTS + uint32(now.Sub(o.epoch).Microseconds()*(ClockRate/1000)/1000)
	next := o.timestamp + o.frame
	lead := int32(next - ideal)
	if lead <= 0 {
		return ideal
	}
	if lead > maxLead {
		o.epoch, o.epochTS = now, next
	}
	return next
}

// write sends a packet and counts it. Its failure is counted too and nothing more:
// the far side sees a lost packet.
func (o *stream) write(packet []byte, now time.Time, by departures) {
	if o.format.codec == G722 && packet[1]&0x7F == o.format.payloadType {
		o.wide.encode(packet[headerSize:])
	}
	wire, err := packet, error(nil)
	if o.format.cipher != nil {
		wire, err = o.format.cipher.sealRTP(o.sealed[:], packet)
	}
	if err == nil {
		err = o.dispatch(wire, len(packet)-headerSize, by)
	}
	if err != nil {
		o.unsent++
		return
	}
	o.sentAt = now
	o.packets++
	o.octets += uint64(len(packet) - headerSize)
	o.total.sent.Add(1)
}

// close ends the stream: nothing is sent afterwards.
func (o *stream) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopPlayback()
	o.closed = true
}
