package media

import "time"

// Playback is one prompt being played to a session.
type Playback struct {
	prompt *Prompt
	loop   bool
	waits  bool // while nothing can be sent
	out    *stream
	done   chan struct{}
	shown  Tap // nil: none

	// The stream's lock covers these.
	position int // samples played
	finished bool
	complete bool
	packet   Packet // for shown
}

// Done is closed when the prompt has been sent to its end, was stopped or
// replaced, or the session closed.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Stop ends the playback; the session goes on with the relay or with silence.
func (p *Playback) Stop() { p.out.stop(p) }

// Completed reports whether the prompt was played to its end (a looped one never
// is). It is meant for after Done.
func (p *Playback) Completed() bool {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.complete
}

// frame fills payload with the next samples, then silence, and reports whether
// these are the first.
func (p *Playback) frame(payload []byte, codec Codec) (first bool) {
	first = p.position == 0
	samples := p.prompt.samples(codec)
	for n := 0; n < len(payload); {
		if p.position >= len(samples) {
			if !p.loop || len(samples) == 0 {
				silence := codec.Silence()
				for ; n < len(payload); n++ {
					payload[n] = silence
				}
				break
			}
			p.position = 0
		}
		k := copy(payload[n:], samples[p.position:])
		n, p.position = n+k, p.position+k
	}
	if !p.loop && p.position >= len(samples) {
		p.complete = true
	}
	return first
}

func (p *Playback) over() bool { return p.complete }

// show shows a packet that goes out.
func (p *Playback) show(payload []byte, codec Codec, h header, now time.Time) {
	if p.shown == nil {
		return
	}
	p.packet = Packet{
		Payload: payload, Codec: codec, Timestamp: h.timestamp, Sequence: h.sequence, SSRC: h.ssrc, Marker: h.marker, Arrival: now,
	}
	p.shown.Tap(&p.packet)
}

// finish tells that nothing more is played.
func (p *Playback) finish() {
	if !p.finished {
		p.finished = true
		close(p.done)
	}
}

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
