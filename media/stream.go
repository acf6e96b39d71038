package media

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fillAfter: a bridged party that sends nothing for this long is stood in for
	// by silence, so that the stream to the other does not break (NAT bindings,
	// RTP timeouts of the far side).
	fillAfter = 200 * time.Millisecond
	// maxLead: how far the stream's timestamps may run ahead of the clock on the
	// wall before that is taken for their new true place.
	maxLead = ClockRate * 2 / 5
	// maxOwed bounds what the clock makes up for after it was held up.
	maxOwed = 100 * time.Millisecond
	// maxFrame is the payload of the longest packet time, 60 ms.
	maxFrame = 60 * ClockRate / 1000
	// heldUp is from which delay of the clock on the whole process is taken to have been
	// held up: what the party sent meanwhile has yet to be read.
	heldUp = 100 * time.Millisecond
	// maxAwaited is for how many ticks what lies unread in the party's socket is waited
	// for. Anybody can see to it that something does.
	maxAwaited = 100
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
	ssrc   atomic.Uint32 // written under mu
	socket socket
	total  *counters

	mu      sync.Mutex
	closed  bool
	to      netip.AddrPort
	format  sendFormat
	packets uint64
	octets  uint64
	unsent  uint64
	// Of packets and octets, what the stream sent as other sources.
	packetsBefore, octetsBefore uint64

	// Where the stream stands.
	sequence  uint16 // of the last packet
	timestamp uint32 // of the last packet
	frame     uint32 // samples in the last packet
	sentAt    time.Time
	last      feeder
	epoch     time.Time // instant and timestamp that belong together
	epochTS   uint32

	// Relay.
	source  *Session         // whose packets are relayed; nil unless bridged
	first   chan<- time.Time // told of the source's first packet; nil afterwards
	fedAt   time.Time        // the source's newest packet, or the last before it was the source
	input   relayInput
	event   relayedEvent
	comfort comfort // of the source
	// described tells that the far side has heard comfort last, and nothing since.
	described bool

	// Clock.
	playback *Playback // nil unless a prompt plays
	press    press     // goes before the prompt
	owed     time.Duration
	awaited  uint8 // ticks in which the party's packets were waited for
	nap      *nap  // how long the clock may leave the stream alone
	scratch  [headerSize + maxFrame]byte

	guests  mixer    // of what goes out, but for prompts
	beeps   mixer    // of all that goes out
	overlay *overlay // one of beeps, or nil
	wide    narrowG722
	sealed  [maxDatagram + mostTag]byte // the packet as it goes out, where it is encrypted
}

// relayedEvent is the telephone event that was relayed last. Its timestamp, by which
// the far side tells it from the next, stays though the stream is mapped anew amid it.
type relayedEvent struct {
	source    *Session
	timestamp uint32 // as it came
	sent      uint32 // as it went
}

// relayInput maps the source's sequence numbers and timestamps to the stream's.
type relayInput struct {
	synced         bool
	ssrc           uint32
	first          uint16 // sequence number at which the mapping begins
	highest        uint16
	newest         uint16 // sequence number of the newest audio packet
	timestamp      uint32 // of that
	at             time.Time
	sequenceOffset uint16
	timeOffset     uint32
	skipped        uint16 // where the run of packets begins that were left out last
	skips          uint16 // how many they were
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

// relay sends on a packet that came from the far side of from: b is the datagram
// and h its header. The new header is written over the old one, right before the
// payload, which is transcoded in place if it must be; nothing is copied.
func (o *stream) relay(from *Session, b []byte, h header, codec Codec, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.relayLocked(from, b, h, codec, now)
}

func (o *stream) relayLocked(from *Session, b []byte, h header, codec Codec, now time.Time) {
	if o.source != from || o.closed {
		return // a packet that was under way while the bridge closed
	}
	o.fedAt = now
	if o.comfort.take(codec, b[h.offset:h.offset+h.length]); o.comfort.silent() {
		o.nap.wake()
	}
	if o.playback != nil || o.press.active() || !o.sendable() {
		o.input.synced = false
		if !o.sendable() {
			o.last = feederNone
			o.unsent++
		}
		return
	}
	in := &o.input
	marker := h.marker
	if !in.synced || h.ssrc != in.ssrc || in.jumped(h, codec, now) {
		marker = codec != ComfortNoise // after which the talk begins
		in.sync(h, o.sequence+1, o.nextTimestamp(now), now)
	}
	if int16(h.sequence-in.first) < 0 || codec.Audio() && in.misplaced(h) {
		return // older than the switch, or of no time that its number can have
	}
	payloadType, ok := o.payloadType(codec)
	if !ok {
		in.skip(h)
		if codec != ComfortNoise { // that the clock makes audible
			o.unsent++
		}
		return
	}
	out := header{
		marker: marker, payloadType: payloadType, ssrc: o.ssrc.Load(),
		sequence: h.sequence + in.offsetAt(h.sequence), timestamp: h.timestamp + in.timeOffset,
	}
	switch codec {
	default:
		Transcode(b[h.offset:h.offset+h.length], codec, o.format.codec)
		o.guests.mix(b[h.offset:h.offset+h.length], o.format.codec.law(), out.timestamp, now, false)
		o.lay(b[h.offset:h.offset+h.length], out.timestamp, now)
	case ComfortNoise:
		if int32(out.timestamp-o.timestamp) > 0 {
			o.timestamp, o.frame = out.timestamp, 0
		}
	case TelephoneEvent:
		if e := &o.event; e.source != from || e.timestamp != h.timestamp {
			*e = relayedEvent{source: from, timestamp: h.timestamp, sent: out.timestamp}
		}
		out.timestamp = o.event.sent
	}
	packet := b[h.offset-headerSize : h.offset+h.length]
	out.put(packet)
	o.write(packet, now)
	if o.first != nil {
		o.first <- now // buffered, once
		o.first = nil
	}
	o.last, o.described = feederRelay, codec == ComfortNoise
	o.awaited = 0
	if int16(h.sequence-in.highest) >= 0 {
		in.highest = h.sequence
		o.sequence = out.sequence
		if codec.Audio() {
			in.newest, in.timestamp, in.at = h.sequence, h.timestamp, now
			o.timestamp, o.frame = out.timestamp, uint32(h.length)
		}
	}
}

// omit leaves out a packet of from that is not for the far side.
func (o *stream) omit(from *Session, h header) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.source == from && o.input.synced {
		o.input.skip(h)
	}
}

// payloadType is the number under which the far side takes packets of codec. Where it
// does not take comfort noise, the clock makes some.
func (o *stream) payloadType(codec Codec) (uint8, bool) {
	switch {
	case codec.Audio():
		return o.format.payloadType, true
	case codec == TelephoneEvent:
		return o.format.event, o.format.hasEvent
	}
	return o.format.noise, o.passesNoise()
}

// sync starts a new mapping with the packet h.
func (in *relayInput) sync(h header, sequence uint16, timestamp uint32, now time.Time) {
	*in = relayInput{
		synced: true, ssrc: h.ssrc, first: h.sequence, highest: h.sequence - 1, newest: h.sequence - 1,
		timestamp: h.timestamp, at: now,
		sequenceOffset: sequence - h.sequence, timeOffset: timestamp - h.timestamp,
	}
}

// jumped reports whether the source's numbers moved in a way that neither loss nor
// silence explains, so that passing them on would break the stream.
func (in *relayInput) jumped(h header, codec Codec, now time.Time) bool {
	step := int16(h.sequence - in.highest)
	if step > maxDropout || step < -maxMisorder {
		return true
	}
	if !codec.Audio() {
		return false // an event's timestamp stays at its start
	}
	if int16(h.sequence-in.newest) <= 0 { // late; or the source counts anew from a little lower
		return int32(h.timestamp-in.timestamp) > 0
	}
	if step == 1 && h.timestamp-in.timestamp-1 < maxFrame {
		return false // the next one, however late: it, or we, were held up
	}
	elapsed := int32(now.Sub(in.at).Microseconds() * (ClockRate / 1000) / 1000)
	off := int32(h.timestamp-in.timestamp) - elapsed
	return off > ClockRate || off < -ClockRate
}

// misplaced reports whether a late packet's timestamp is not of the time that its
// number is of.
func (in *relayInput) misplaced(h header) bool {
	return int16(h.sequence-in.newest) <= 0 && int32(h.timestamp-in.timestamp) < -maxMisorder*maxFrame
}

// skip leaves a packet out without a hole in the sequence numbers.
func (in *relayInput) skip(h header) {
	if int16(h.sequence-in.highest) <= 0 {
		return
	}
	if h.sequence != in.skipped+in.skips {
		if in.skips > 0 {
			in.first = in.skipped + in.skips // what is older has no number any more
		}
		in.skipped, in.skips = h.sequence, 0
	}
	in.skips++
	in.sequenceOffset--
	in.highest = h.sequence
}

// offsetAt is the offset of a sequence number: packets that are left out count only
// for those behind them.
func (in *relayInput) offsetAt(sequence uint16) uint16 {
	if int16(sequence-in.skipped) < 0 && in.skips > 0 {
		return in.sequenceOffset + in.skips
	}
	return in.sequenceOffset
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
func (o *stream) write(packet []byte, now time.Time) {
	if o.format.codec == G722 && packet[1]&0x7F == o.format.payloadType {
		o.wide.encode(packet[headerSize:])
	}
	wire, err := packet, error(nil)
	if o.format.cipher != nil {
		wire, err = o.format.cipher.sealRTP(o.sealed[:], packet)
	}
	if err == nil {
		err = o.socket.WriteTo(wire, o.to)
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

// tick is the clock's call: elapsed has passed since the last one. The stream may rest
// until next, when another call is due in any case.
func (o *stream) tick(now time.Time, elapsed time.Duration, next time.Time) {
	for s := o.feed(now, elapsed, next); s.packets > 0; s.packets-- {
		s.source.chorus.standIn(s.size, s.codec, now)
	}
}

// stoodIn is what the clock has sent in place of a bridged party that is silent.
type stoodIn struct {
	source  *Session
	packets int
	size    int   // of each, in samples
	codec   Codec // law of what was mixed
}

// feed sends what is due at a tick.
func (o *stream) feed(now time.Time, elapsed time.Duration, next time.Time) (s stoodIn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.format.ptime == 0 {
		return s
	}
	s = stoodIn{source: o.source, size: samplesIn(o.format.ptime), codec: o.format.codec.law()}
	o.owed = min(o.owed+elapsed, maxOwed)
	for ; o.owed >= o.format.ptime; o.owed -= o.format.ptime {
		if !o.fed(now, elapsed) && o.generate(now) {
			s.packets++
		}
	}
	if o.comfort.silent() {
		return s // what it sounds like is the clock's to make
	}
	if rest := min(o.fedAt.Add(fillAfter).Sub(now), next.Sub(now)); o.relays() && rest > clockPeriod {
		o.nap.rest(int32((rest - 1) / clockPeriod))
	}
	return s
}

// relays reports whether the stream is the bridged party's, if that sends anything.
func (o *stream) relays() bool {
	return o.source != nil && o.playback == nil && !o.press.active()
}

// fed reports whether the bridged party sends, so that the clock is to leave the stream
// alone. A process that was held up has not read yet what came meanwhile: silence in its
// place would shift it.
func (o *stream) fed(now time.Time, elapsed time.Duration) bool {
	quiet := now.Sub(o.fedAt)
	switch {
	case !o.relays():
		return false
	case elapsed >= heldUp:
		return true
	case o.comfort.silent() && o.passesNoise():
		if !o.described && quiet >= o.format.ptime || now.Sub(o.sentAt) >= noiseRefresh {
			o.repeatNoise(now)
		}
		return true
	case o.comfort.silent():
		if o.last != feederClock && quiet < o.format.ptime {
			return true
		}
	case quiet < fillAfter:
		return true
	}
	if o.awaited < maxAwaited && o.source.pair.rtp.Pending() {
		o.awaited++
		return true
	}
	return false
}

// generate sends one packet of the prompt, or of silence, or of the source's noise while
// that is silent. It reports whether the packet stands in for a bridged party's.
func (o *stream) generate(now time.Time) (standsIn bool) {
	if o.press.active() {
		o.sendPress(now)
		return false
	}
	size := samplesIn(o.format.ptime)
	payload := o.scratch[headerSize : headerSize+size]
	begins, prompt := false, o.playback
	if prompt != nil {
		begins = prompt.frame(payload, o.format.codec)
		if prompt.over() {
			defer o.stopPlayback()
		}
	} else {
		o.comfort.noise(payload, o.format.codec.law())
	}
	if !o.sendable() {
		o.last = feederNone
		return false
	}
	timestamp := o.timestamp + o.frame
	if o.last != feederClock {
		begins = true
		timestamp = o.nextTimestamp(now)
	}
	o.input.synced = false
	o.sequence++
	o.timestamp, o.frame, o.last, o.described = timestamp, uint32(size), feederClock, false
	if prompt == nil {
		o.guests.mix(payload, o.format.codec.law(), timestamp, now, !o.comfort.silent())
	}
	o.lay(payload, timestamp, now)
	h := header{
		marker: begins, payloadType: o.format.payloadType, ssrc: o.ssrc.Load(),
		sequence: o.sequence, timestamp: timestamp,
	}
	if prompt != nil {
		prompt.show(payload, o.format.codec.law(), h, now)
	}
	h.put(o.scratch[:])
	o.write(o.scratch[:headerSize+size], now)
	return prompt == nil && o.source != nil
}

// samplesIn is how many samples last for d.
func samplesIn(d time.Duration) int { return int(d / (time.Second / ClockRate)) }

// play replaces what is playing.
func (o *stream) play(p *Playback) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopPlayback()
	if o.closed {
		p.finish()
		return
	}
	o.playback = p
	o.nap.wake()
}

// stop ends p if it is playing.
func (o *stream) stop(p *Playback) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.playback == p {
		o.stopPlayback()
	}
}

func (o *stream) stopPlayback() {
	if o.playback != nil {
		o.playback.finish()
		o.playback = nil
	}
}

// close ends the stream: nothing is sent afterwards.
func (o *stream) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopPlayback()
	o.closed = true
}
