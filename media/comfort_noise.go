package media

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// loudestNoise bounds comfort noise, in -dBov: what is louder is no background, and
	// a packet of a few octets must not shout at somebody.
	loudestNoise = 30
	// noiseRefresh is how often a party's description of its silence is said again to a
	// far side that makes the noise itself, so that it does not take the stream for dead.
	noiseRefresh = time.Second
	// maxNoise is how much of a description is kept, in octets: the level and more
	// coefficients than senders use (RFC 3389 section 3.1).
	maxNoise = 16
)

// comfort is what a party has said of its silence by its last packet of comfort noise
// (RFC 3389 section 3). The zero value is a party that talks, or that has said nothing.
type comfort struct {
	size        int // of description; 0: the party is not silent, as far as it said
	description [maxNoise]byte
}

// take notes a packet of that codec, and brings the level in one of comfort noise within
// bounds.
func (c *comfort) take(codec Codec, payload []byte) {
	switch {
	case codec.Audio():
		c.size = 0
	case codec == ComfortNoise:
		payload[0] = max(payload[0]&0x7F, loudestNoise)
		c.size = copy(c.description[:], payload)
	}
}

// silent reports whether the party has said that it is.
func (c *comfort) silent() bool { return c.size > 0 }

// noise fills payload, G.711 of that law, with white noise of the level that the party
// told, or with silence if it told none. The spectrum that it may have told beside is
// left aside.
func (c *comfort) noise(payload []byte, law Codec) {
	if !c.silent() {
		silence := law.Silence()
		for i := range payload {
			payload[i] = silence
		}
		return
	}
	amplitude := noiseAmplitude[c.description[0]]
	bits := uint64(0)
	for i := range payload {
		if i%4 == 0 {
			bits = rand.Uint64()
		}
		payload[i] = law.Encode(int16(int32(int16(bits)) * amplitude >> 15))
		bits >>= 16
	}
}

// noiseAmplitude is the amplitude of uniform noise by its level in -dBov, of which 0 is
// the power of a square wave of full scale.
var noiseAmplitude = func() (amplitude [128]int32) {
	for level := range amplitude {
		amplitude[level] = int32(math.Round(math.Min(math.Sqrt(3)*(1<<15)*math.Pow(10, -float64(level)/20), 1<<15)))
	}
	return amplitude
}()

// passesNoise reports whether the far side makes comfort noise itself. Where guests or
// what is laid over the stream are to be heard, it needs packets with samples.
func (o *stream) passesNoise() bool {
	return o.format.hasNoise && len(o.guests.voices)+len(o.overlays.voices) == 0
}

// repeatNoise says again what the source has said of its silence.
func (o *stream) repeatNoise(now time.Time) {
	if !o.sendable() {
		o.last = feederNone
		return
	}
	o.input.synced = false
	o.sequence++
	// What the clock sends next, it places anew.
	o.timestamp, o.frame, o.last, o.described = o.nextTimestamp(now), 0, feederNone, true
	n := copy(o.scratch[headerSize:], o.comfort.description[:o.comfort.size])
	header{
		payloadType: o.format.noise, ssrc: o.ssrc.Load(), sequence: o.sequence, timestamp: o.timestamp,
	}.put(o.scratch[:])
	o.write(o.scratch[:headerSize+n], now, nil)
}
