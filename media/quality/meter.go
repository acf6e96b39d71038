package quality

import (
	"encoding/binary"
	"math"
	"time"

	"ringpace/media"
)

// The channels of a recording.
const (
	left  = 0 // the customer
	right = 1 // the agent

	channels = 2
)

// MinLevel is the level of silence, in dBov.
const MinLevel = -96.0

// fullScale is the magnitude from which a sample is clipped: the largest of mu-law; that
// of A-law is 32256. The next ones of either lie below 31,300.
const fullScale = 32124

// Meter measures one recording.
type Meter struct {
	parts   *[256]parts
	filled  int // frames of the block so far
	blocks  int // of the slot
	parties [channels]party
	turns   turns
}

// party is one channel of the recording.
type party struct {
	block   parts
	slot    uint64 // sum of squares so far
	clipped int64  // samples
	level   activeLevel
}

// parts is what is summed up over the samples of a block, in one word: the sum of the
// magnitudes in the lowest bits, above it how many are clipped, above that the sum of
// the squares. No sum of a block reaches into the bits of another.
type parts uint64

const (
	clippedAt = 19 // bits.Len(blockFrames * 1 << 15)
	squaresAt = 23 // clippedAt + bits.Len(blockFrames)
)

func (p parts) magnitudes() uint64 { return uint64(p) & (1<<clippedAt - 1) }

func (p parts) clipped() int64 { return int64(p >> clippedAt & (1<<(squaresAt-clippedAt) - 1)) }

func (p parts) squares() uint64 { return uint64(p >> squaresAt) }

// NewMeter returns a meter for a recording in c, which is PCMA or PCMU; of one that is
// linear, c is what it was.
func NewMeter(c media.Codec) *Meter {
	m := &Meter{parts: &alawParts}
	if c == media.PCMU {
		m.parts = &ulawParts
	}
	for i := range m.parties {
		m.parties[i].level = newActiveLevel()
	}
	return m
}

var alawParts, ulawParts = partsOf(media.PCMA), partsOf(media.PCMU)

func partsOf(c media.Codec) (table [256]parts) {
	for i := range table {
		table[i] = partsOfSample(c.Decode(byte(i)))
	}
	return table
}

func partsOfSample(v int16) parts {
	magnitude := parts(max(int(v), -int(v)))
	p := magnitude*magnitude<<squaresAt | magnitude
	if magnitude >= fullScale {
		p |= 1 << clippedAt
	}
	return p
}

// AddLinear is Add for frames of 16-bit samples, little-endian.
func (m *Meter) AddLinear(frames []byte) {
	le := binary.LittleEndian
	for ; len(frames) >= 2*channels; frames = frames[2*channels:] {
		m.parties[left].block += partsOfSample(int16(le.Uint16(frames)))
		m.parties[right].block += partsOfSample(int16(le.Uint16(frames[2:])))
		if m.filled++; m.filled == blockFrames {
			m.filled = 0
			m.block()
		}
	}
}

// Add takes the next frames of the recording: an octet of the left channel and one of
// the right, in turn.
func (m *Meter) Add(frames []byte) {
	for m.filled == 0 && len(frames) >= blockFrames*channels {
		m.readBlock((*[blockFrames * channels]byte)(frames))
		frames = frames[blockFrames*channels:]
		m.block()
	}
	for len(frames) >= channels {
		n := min(len(frames)/channels, blockFrames-m.filled)
		m.read(frames[:n*channels])
		frames = frames[n*channels:]
		if m.filled += n; m.filled == blockFrames {
			m.filled = 0
			m.block()
		}
	}
}

// readBlock sums up a whole block. Its size is known, so that no index is checked.
func (m *Meter) readBlock(frames *[blockFrames * channels]byte) {
	var l, r parts
	for i := 0; i < len(frames); i += channels {
		l += m.parts[frames[i+left]]
		r += m.parts[frames[i+right]]
	}
	m.parties[left].block = l
	m.parties[right].block = r
}

// read sums up frames of one block.
func (m *Meter) read(frames []byte) {
	var l, r parts
	for ; len(frames) >= channels; frames = frames[channels:] {
		l += m.parts[frames[left]]
		r += m.parts[frames[right]]
	}
	m.parties[left].block += l
	m.parties[right].block += r
}

// block ends a block, and with it perhaps a slot.
func (m *Meter) block() {
	for i := range m.parties {
		p := &m.parties[i]
		p.level.block(p.block.magnitudes(), p.block.squares())
		p.slot += p.block.squares()
		p.clipped += p.block.clipped()
		p.block = 0
	}
	if m.blocks++; m.blocks < slotBlocks {
		return
	}
	m.blocks = 0
	var now [channels]uint8
	for i := range m.parties {
		now[i] = stepOf(m.parties[i].slot)
		m.parties[i].slot = 0
	}
	m.turns.slot(now)
}

// Figures are what a recording sounds like. Shares are of its time, less its pauses.
type Figures struct {
	Left, Right Voice   // the customer, the agent
	Silence     float64 // share of the time in which nobody spoke
	TalkOver    float64 // in which both did
}

// Voice is one party's side.
type Voice struct {
	// Active is the active speech level of ITU-T P.56, method B, in dBov: 0 is the
	// power of a square wave of full scale, -3.01 that of a sine. MinLevel where
	// they never spoke.
	Active  float64
	Talk    float64 // share of the time in which the party spoke
	Clipped float64 // share of the samples of their speech that are of full scale
	// FirstWord is when they first spoke, from the start of the recording; negative
	// where they never did.
	FirstWord time.Duration
}

// Figures returns what the frames so far sound like, if the recording rested for
// paused of their time. Meanwhile nobody spoke as far as the frames tell.
func (m *Meter) Figures(paused time.Duration) Figures {
	var f Figures
	voices := [channels]*Voice{&f.Left, &f.Right}
	var step [channels]int
	for i, v := range voices {
		v.Active = math.Round(100*m.parties[i].level.dBov()) / 100
		step[i] = stepAt(v.Active - margin)
		v.FirstWord = none
		if at, ok := m.turns.words[i].at(step[i]); ok {
			v.FirstWord = time.Duration(at) * time.Second / slotsPerSecond
		}
	}
	talk := [channels]int64{}
	var both int64
	talk[left], talk[right], both = m.turns.spoken(step[left], step[right])
	heard := talk[left] + talk[right] - both
	// The hangover reaches into pauses: there is never less time than speech.
	all := max(m.turns.slots-int64(paused*slotsPerSecond/time.Second), heard)
	for i, v := range voices {
		v.Talk = share(talk[i], all)
		if talk[i] == 0 {
			v.Active = MinLevel // the level of what is no speech
		}
		v.Clipped = share(min(m.parties[i].clipped, talk[i]*slotFrames), talk[i]*slotFrames)
	}
	f.Silence, f.TalkOver = share(all-heard, all), share(both, all)
	return f
}

// share is part of all, to four places.
func share(part, all int64) float64 {
	if all == 0 {
		return 0
	}
	return math.Round(1e4*float64(part)/float64(all)) / 1e4
}

// DBm0 is a level in dBov as the level at a point of zero relative level, for the law of
// a recording: a sine of full scale has 3.14 dBm0 in A-law and 3.17 in mu-law (G.711,
// section 4).
func DBm0(dBov float64, c media.Codec) float64 {
	sine := 3.14
	if c == media.PCMU {
		sine = 3.17
	}
	return math.Round(100*(dBov+sine+decibels(2))) / 100
}
