package lab

import (
	"math"
	"sync"
	"time"

	"ringpace/media"
)

// silenceBelow is the level, in dBFS, under which a packet holds nothing that a
// person would hear: below speech, above the codec's idle noise and comfort noise.
const silenceBelow = -50

// memory is how much of what it heard an ear keeps for Level and Hears: half a
// second.
const memory = sampleRate / 2

// gapFrom is the time between two packets from which on a person hears a gap: a
// packet of 20 ms missing, and some room for the clocks of a busy machine.
const gapFrom = 60 * time.Millisecond

// Heard is what came to an ear.
type Heard struct {
	Packets    uint64
	Lost       uint64        // missing by sequence number
	Gaps       uint64        // times that the stream stood still for 60 ms or more
	LongestGap time.Duration // between two packets
	First      time.Time     // the first packet
	FirstSound time.Time     // the first packet that was not silence
	LastSound  time.Time
}

// ear listens to what the far side of a session sends. It is a media.Tap.
type ear struct {
	sound chan struct{} // closed at the first sound

	mu       sync.Mutex
	heard    Heard
	last     time.Time
	sequence uint16
	recent   []int16 // ring of memory samples, made when the first comes
	samples  int     // ever
}

func newEar() *ear { return &ear{sound: make(chan struct{})} }

// Tap implements media.Tap.
func (e *ear) Tap(p *media.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := &e.heard
	if h.Packets == 0 {
		h.First = p.Arrival
	} else {
		switch step := int16(p.Sequence - e.sequence); {
		case step > 1:
			h.Lost += uint64(step - 1)
		case step < 0 && h.Lost > 0:
			h.Lost-- // it was only late
		}
		gap := p.Arrival.Sub(e.last)
		if gap >= gapFrom {
			h.Gaps++
		}
		h.LongestGap = max(h.LongestGap, gap)
	}
	if h.Packets == 0 || int16(p.Sequence-e.sequence) > 0 {
		e.sequence = p.Sequence
	}
	h.Packets++
	e.last = p.Arrival

	if !p.Codec.Audio() || len(p.Payload) == 0 {
		return
	}
	if e.recent == nil {
		e.recent = make([]int16, memory)
	}
	var power float64
	for _, b := range p.Payload {
		sample := p.Codec.Decode(b)
		e.recent[e.samples%memory] = sample
		e.samples++
		power += fullScale(sample) * fullScale(sample)
	}
	if decibel(power/float64(len(p.Payload))) < silenceBelow {
		return
	}
	h.LastSound = p.Arrival
	if h.FirstSound.IsZero() {
		h.FirstSound = p.Arrival
		close(e.sound)
	}
}

func (e *ear) snapshot() Heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}

// hears is the level in dBFS of one frequency in the last half second.
func (e *ear) hears(hz int) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(e.samples, memory)
	if n == 0 {
		return math.Inf(-1)
	}
	var re, im float64
	for i := range n {
		v := fullScale(e.recent[(e.samples-n+i)%memory])
		sin, cos := math.Sincos(2 * math.Pi * float64(hz) * float64(i) / sampleRate)
		re += v * cos
		im += v * sin
	}
	return decibel(2 * (re*re + im*im) / float64(n) / float64(n))
}

// fullScale is a sample as a share of the largest.
func fullScale(sample int16) float64 { return float64(sample) / 32768 }

// decibel is the level in dBFS of a mean square. A full-scale square wave is 0.
func decibel(power float64) float64 { return 10 * math.Log10(power) }
