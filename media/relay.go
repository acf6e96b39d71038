package media

import "time"

// relayedEvent is the telephone event that was relayed last. Its timestamp, by which
// the far side tells it from the next, stays though the stream is mapped anew amid it.
type relayedEvent struct {
	source    *Session
	timestamp uint32 // as it came
	sent      uint32 // as it went
}

// relay sends on a packet that came from the far side of from: b is the datagram
// and h its header. The new header is written over the old one, right before the
// payload, which is transcoded in place if it must be; nothing is copied. It goes by those
// departures, if there are any.
func (o *stream) relay(from *Session, b []byte, h header, codec Codec, now time.Time, by departures) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.relayLocked(from, b, h, codec, now, by)
}

func (o *stream) relayLocked(from *Session, b []byte, h header, codec Codec, now time.Time, by departures) {
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
	o.write(packet, now, by)
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
