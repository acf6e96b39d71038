package media

import "time"

const (
	// fillAfter: a bridged party that sends nothing for this long is stood in for
	// by silence, so that the stream to the other does not break (NAT bindings,
	// RTP timeouts of the far side).
	fillAfter = 200 * time.Millisecond
	// maxOwed bounds what the clock makes up for after it was held up.
	maxOwed = 100 * time.Millisecond
	// heldUp is from which delay of the clock on the whole process is taken to have been
	// held up: what the party sent meanwhile has yet to be read.
	heldUp = 100 * time.Millisecond
	// maxAwaited is for how many ticks what lies unread in the party's socket is waited
	// for. Anybody can see to it that something does.
	maxAwaited = 100
)

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
	if o.departing() {
		return s // the next tick makes up for this one
	}
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
	switch {
	case prompt == nil:
		o.comfort.noise(payload, o.format.codec.law())
	case prompt.waits && !o.sendable():
	default:
		begins = prompt.frame(payload, o.format.codec)
		if prompt.over() {
			defer o.stopPlayback()
		}
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
	o.write(o.scratch[:headerSize+size], now, nil)
	return prompt == nil && o.source != nil
}
