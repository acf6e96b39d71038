package detect

import (
	"math"
	"time"

	"ringpace/media"
)

// Defaults of a SpeechConfig.
const (
	DefaultMinSpeech  = 60 * time.Millisecond
	DefaultMinSilence = 700 * time.Millisecond
	DefaultThreshold  = -42.0 // dBFS
	DefaultMargin     = 12.0  // dB
)

const (
	block     = 10 * time.Millisecond // levels are taken over this
	blockSize = int(block * media.ClockRate / time.Second)

	// The noise floor is learnt from the first blocks, where somebody may be
	// speaking already: it is not believed to be above maxFirstFloor, in dBFS.
	learning      = 5
	maxFirstFloor = -45.0
	minFloor      = -75.0 // below what G.711 can say

	// How fast the floor rises when all is louder than it, in dB for each block; it
	// falls at once.
	riseSilent = 0.03
	riseSpeech = 0.005
)

// SpeechConfig tunes the detector; zero values are the defaults.
type SpeechConfig struct {
	MinSpeech  time.Duration // this much sound within 1.6 times as long is speech
	MinSilence time.Duration // this much silence after speech ends the greeting
	Threshold  float64       // least level of speech, in dBFS
	Margin     float64       // least distance of speech from the noise floor, in dB
}

// SpeechStart finds the start of speech and the end of the greeting on one leg, from
// the level of the sound above a noise floor that follows the line. It does not tell
// voices from tones. Its instants are of the sound itself, as it arrived, and not of
// the decision some packets later.
type SpeechStart struct {
	threshold, margin float64 // as factors of power
	need, window      int     // blocks
	minSilence        time.Duration
	rise              [2]float64

	started, ended chan time.Time // one value each

	blocks     int     // seen
	floor      float64 // power of the noise, full scale 1
	recent     uint64  // the last blocks, the newest in bit 0: loud or not
	speaking   bool
	over       bool
	lastActive time.Time // end of the last loud block
}

// NewSpeechStart returns a detector; add it to a session as a tap.
func NewSpeechStart(cfg SpeechConfig) *SpeechStart {
	if cfg.MinSpeech == 0 {
		cfg.MinSpeech = DefaultMinSpeech
	}
	if cfg.MinSilence == 0 {
		cfg.MinSilence = DefaultMinSilence
	}
	if cfg.Threshold == 0 {
		cfg.Threshold = DefaultThreshold
	}
	if cfg.Margin == 0 {
		cfg.Margin = DefaultMargin
	}
	need := min(max(int(cfg.MinSpeech/block), 1), 39)
	return &SpeechStart{
		threshold: power(cfg.Threshold), margin: power(cfg.Margin),
		need: need, window: (need*8 + 4) / 5, minSilence: cfg.MinSilence,
		rise:    [2]float64{power(riseSilent), power(riseSpeech)},
		started: make(chan time.Time, 1), ended: make(chan time.Time, 1),
	}
}

// power turns decibels into a factor of power.
func power(db float64) float64 { return math.Pow(10, db/10) }

// Started gives the instant at which speech began, once.
func (d *SpeechStart) Started() <-chan time.Time { return d.started }

// GreetingEnd gives the instant at which the first utterance was over, once, after
// the silence that shows it. While the party sends no packets at all it cannot come.
func (d *SpeechStart) GreetingEnd() <-chan time.Time { return d.ended }

// Tap implements media.Tap.
func (d *SpeechStart) Tap(p *media.Packet) {
	if d.over {
		return
	}
	if p.Codec.Audio() {
		samples := p.Payload
		for len(samples) >= blockSize {
			// The packet was sent when its last sample had been taken.
			end := p.Arrival.Add(-time.Duration(len(samples)-blockSize) * time.Second / media.ClockRate)
			d.block(float64(p.Codec.Energy(samples[:blockSize]))/float64(blockSize)/(1<<30), end)
			samples = samples[blockSize:]
		}
	}
	if d.speaking && p.Arrival.Sub(d.lastActive) >= d.minSilence {
		d.over = true
		d.ended <- d.lastActive
	}
}

// block takes the power of one block that ended at an instant.
func (d *SpeechStart) block(p float64, end time.Time) {
	d.learn(p)
	active := p >= d.threshold && p >= d.floor*d.margin
	d.recent <<= 1
	if !active {
		return
	}
	d.recent |= 1
	if d.speaking {
		d.lastActive = end
		return
	}
	loud, first := 0, 0
	for i := range d.window {
		if d.recent>>i&1 != 0 {
			loud, first = loud+1, i
		}
	}
	if loud >= d.need {
		d.speaking, d.lastActive = true, end
		d.started <- end.Add(-time.Duration(first+1) * block)
	}
}

// learn follows the noise floor.
func (d *SpeechStart) learn(p float64) {
	p = max(p, power(minFloor))
	switch {
	case d.blocks == 0:
		d.floor = min(p, power(maxFirstFloor))
	case p < d.floor:
		d.floor = p
	case d.blocks < learning:
	case d.recent&1 != 0:
		d.floor *= d.rise[1]
	default:
		d.floor *= d.rise[0]
	}
	d.blocks++
}
