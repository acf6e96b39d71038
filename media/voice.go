package media

import (
	"sync"
	"time"
)

// The jitter buffer of a voice, in samples.
const (
	// voiceKept is how much of a voice is kept, about a second; a power of two.
	voiceKept = 8192
	// voiceDepth is how far the reader stays behind the newest sample at first. The
	// depth grows by as much as a packet comes too late, up to voiceDeepest.
	voiceDepth   = 20 * ClockRate / 1000
	voiceDeepest = 200 * ClockRate / 1000
	// voiceWindow is how long packets must have been early for the depth to shrink:
	// in a pause of the voice, or at once where it is voiceExcess too deep.
	voiceWindow = 2 * ClockRate
	voiceExcess = 100 * ClockRate / 1000
	// voiceQuiet is the sample value below which a voice pauses, about -47 dBm0.
	voiceQuiet = 128
	// voiceZero is what counts as zero: A-law has none, its silence is 8.
	voiceZero = 8
)

// voice is one party's sound on its way into another party's stream: what is mixed is
// kept by the timestamps of its own stream, and read by those of the stream that it is
// mixed into, at an offset that makes up for jitter and for clocks that differ. A
// relayed packet is never held up for it. It has one reader.
type voice struct {
	mu      sync.Mutex // protects all fields
	ring    [voiceKept]int16
	ssrc    uint32
	begun   bool   // something was written
	newest  uint32 // timestamp that follows the newest sample
	placed  bool   // the reader has a place
	offset  uint32 // of the voice's timestamps to the reader's
	played  uint32 // timestamp that follows the newest sample that was read
	slack   int32  // least time, in this window, by which packets came before they were needed
	window  uint32 // samples read in this window
	surplus uint32 // by how much the reader is too far behind
}

// Tap takes what the party says.
func (v *voice) Tap(p *Packet) {
	if !p.Codec.Audio() || len(p.Payload) > voiceKept/2 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	ahead := int32(p.Timestamp - v.newest)
	if !v.begun || p.SSRC != v.ssrc || ahead > voiceKept/2 || ahead < -voiceKept/2 {
		v.begun, v.placed, v.ssrc, v.newest = true, false, p.SSRC, p.Timestamp
		ahead = 0
		clear(v.ring[:])
	}
	for ; ahead > 0; ahead-- { // what was lost, or not sent, is silence
		v.ring[v.newest%voiceKept] = 0
		v.newest++
	}
	if v.placed && ahead == 0 {
		v.adapt(int32(p.Timestamp - v.played))
	}
	for i, b := range p.Payload {
		s := p.Codec.Decode(b)
		if s >= -voiceZero && s <= voiceZero {
			s = 0
		}
		v.ring[(p.Timestamp+uint32(i))%voiceKept] = s
	}
	if end := p.Timestamp + uint32(len(p.Payload)); int32(end-v.newest) > 0 {
		v.newest = end
	}
}

// adapt takes by how much a packet came before the reader needs it; after, if below 0.
func (v *voice) adapt(early int32) {
	switch {
	case early < -voiceDeepest:
		v.placed = false
	case early < 0: // what was read in its place was silence
		v.offset += uint32(early)
		v.played += uint32(early)
		v.slack, v.window, v.surplus = voiceKept, 0, 0
	default:
		v.slack = min(v.slack, early)
	}
}

// add implements sounder: sum begins at that timestamp of the reader's stream.
func (v *voice) add(sum []int32, timestamp uint32, _ time.Time) (sounds bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.begun {
		return false
	}
	n := uint32(len(sum))
	behind := int32(v.newest - timestamp - v.offset)
	if !v.placed || behind > voiceKept/2 || behind < -voiceKept/2 {
		v.placed = true
		v.offset = v.newest - voiceDepth - n - timestamp
		v.played = timestamp + v.offset
		v.slack, v.window, v.surplus = voiceKept, 0, 0
	}
	v.catchUp(timestamp+v.offset, n)
	from := timestamp + v.offset
	for i := range sum {
		at := from + uint32(i)
		if int32(v.newest-at) <= 0 {
			break
		}
		if s := v.ring[at%voiceKept]; s != 0 {
			sum[i] += int32(s)
			sounds = true
		}
	}
	if int32(from+n-v.played) > 0 {
		v.played = from + n
	}
	return sounds
}

// catchUp brings the reader, about to read n samples at from, nearer to the newest
// sample, where it has been too far behind for a while.
func (v *voice) catchUp(from, n uint32) {
	v.window += n
	if v.window >= voiceWindow {
		v.surplus = 0
		if v.slack < voiceKept && v.slack > voiceDepth*3/2 {
			v.surplus = uint32(v.slack - voiceDepth)
		}
		v.slack, v.window = voiceKept, 0
	}
	if v.surplus == 0 {
		return
	}
	if v.surplus < voiceExcess {
		for i := range v.surplus {
			if s := v.ring[(from+i)%voiceKept]; s > voiceQuiet || s < -voiceQuiet {
				return
			}
		}
	}
	v.offset += v.surplus
	v.surplus = 0
}
