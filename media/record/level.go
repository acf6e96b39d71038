package record

import (
	"encoding/binary"
	"math"

	"ringpace/media"
)

// MinLevel is the level of a channel without samples, or of pure zeros, in dBFS. The
// quietest that G.711 can say is near -72.
const MinLevel = -96.0

// levelMeter takes the mean power of what a channel said.
type levelMeter struct {
	sum   uint64
	count uint64
}

func (m *levelMeter) add(samples []byte, c media.Codec) {
	m.sum += c.Energy(samples)
	m.count += uint64(len(samples))
}

// addLinear takes a channel of 16-bit frames.
func (m *levelMeter) addLinear(frames []byte, channel int) {
	for ; len(frames) >= 2*channels; frames = frames[2*channels:] {
		v := int64(int16(binary.LittleEndian.Uint16(frames[2*channel:])))
		m.sum += uint64(v * v)
		m.count++
	}
}

// dbfs is the root mean square in dB, 0 for a square wave of full scale (a sine of
// full scale has -3).
func (m *levelMeter) dbfs() float64 {
	if m.sum == 0 || m.count == 0 {
		return MinLevel
	}
	mean := float64(m.sum) / float64(m.count) / (1 << 30)
	return math.Round(100*max(MinLevel, 10*math.Log10(mean))) / 100
}
