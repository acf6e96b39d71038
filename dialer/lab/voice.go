package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"ringpace/media"
)

const sampleRate = 8000 // samples a second, of everything that the lab says

// CalleeVoice is what a callee says, about 12 s to be looped: a greeting of two
// syllables at once, a pause to hear who is calling, then phrases and pauses. It
// is a synthetic voice (pulses of the vocal cords through two moving formants),
// near enough to speech for a detector of speech. Voices differ by n.
func CalleeVoice(n uint64) *media.Prompt {
	s := newSpeaker(n)
	var pcm []float64
	pcm = append(pcm, s.phrase(0.55)...)
	pcm = append(pcm, quiet(1.4)...)
	for len(pcm) < 12*sampleRate {
		pcm = append(pcm, s.phrase(0.8+1.4*s.rand.Float64())...)
		pcm = append(pcm, quiet(0.4+0.8*s.rand.Float64())...)
	}
	return prompt(pcm)
}

// AgentVoice is what an agent says, to be looped: the same synthetic voice without
// pauses and never quieter than a murmur, so that whoever is joined to the agent
// hears something in every packet.
func AgentVoice(n uint64) *media.Prompt {
	s := newSpeaker(n)
	s.murmur = 0.3
	return prompt(s.phrase(8))
}

// Tone is a second of one frequency at a level that a meter can be set by
// (-12 dBFS), to be looped. Whole numbers of Hz leave no click at the seam.
func Tone(hz int) *media.Prompt {
	return prompt(tone(1, 0.25*math.Sqrt2, float64(hz)))
}

// busyTone is 480 and 620 Hz, half a second on and off (ITU-T E.180, North America).
func busyTone() *media.Prompt {
	return prompt(append(tone(0.5, 0.2, 480, 620), quiet(0.5)...))
}

// announcement is the special information tones of a vacant number (ITU-T E.180
// section 3.4) and some speech.
func announcement() *media.Prompt {
	var pcm []float64
	for _, hz := range []float64{985.2, 1428.5, 1776.7} {
		pcm = append(pcm, tone(0.33, 0.3, hz)...)
	}
	pcm = append(pcm, newSpeaker(404).phrase(2)...)
	return prompt(pcm)
}

// speaker makes speech-like sound. Levels are linear, full scale is 1.
type speaker struct {
	rand   *rand.Rand
	pitch  float64 // Hz
	murmur float64 // the least of the syllables' envelope, 0 to 1
}

func newSpeaker(n uint64) *speaker {
	r := rand.New(rand.NewPCG(n, 0x766f696365))
	return &speaker{rand: r, pitch: 95 + 125*r.Float64()}
}

// phrase is that many seconds of syllables, four or five a second.
func (s *speaker) phrase(seconds float64) []float64 {
	var out []float64
	for n := int(seconds * sampleRate); len(out) < n; {
		length := min(int((0.18+0.10*s.rand.Float64())*sampleRate), n-len(out))
		out = append(out, s.syllable(length)...)
	}
	return out
}

func (s *speaker) syllable(n int) []float64 {
	f1 := resonator{hz: 350 + 450*s.rand.Float64(), width: 90}
	f2 := resonator{hz: 1000 + 1200*s.rand.Float64(), width: 120}
	pitch := s.pitch * (0.9 + 0.2*s.rand.Float64())
	out := make([]float64, n)
	var phase, peak float64
	for i := range out {
		var pulse float64
		phase += pitch * (1 + 0.02*math.Sin(2*math.Pi*5*float64(i)/sampleRate)) / sampleRate
		if phase >= 1 {
			phase--
			pulse = 1
		}
		out[i] = f1.step(pulse) + 0.5*f2.step(pulse)
		peak = max(peak, math.Abs(out[i]))
	}
	if peak == 0 {
		return out
	}
	for i := range out {
		envelope := math.Sin(math.Pi * (float64(i) + 0.5) / float64(n))
		out[i] *= 0.4 / peak * max(envelope, s.murmur)
	}
	return out
}

// resonator is one formant: a filter of two poles.
type resonator struct {
	hz, width float64
	y1, y2    float64
}

func (f *resonator) step(x float64) float64 {
	r := math.Exp(-math.Pi * f.width / sampleRate)
	y := (1-r)*x + 2*r*math.Cos(2*math.Pi*f.hz/sampleRate)*f.y1 - r*r*f.y2
	f.y2, f.y1 = f.y1, y
	return y
}

func tone(seconds, level float64, hz ...float64) []float64 {
	out := make([]float64, int(seconds*sampleRate))
	for i := range out {
		for _, f := range hz {
			out[i] += level * math.Sin(2*math.Pi*f*float64(i)/sampleRate)
		}
	}
	return out
}

func quiet(seconds float64) []float64 { return make([]float64, int(seconds*sampleRate)) }

// prompt makes a prompt of samples by way of a WAV file in memory.
func prompt(pcm []float64) *media.Prompt {
	p, err := media.LoadPrompt(bytes.NewReader(wav(pcm)))
	if err != nil {
		panic(fmt.Sprintf("lab: the prompt that was just made: %v", err)) // cannot happen: wav writes what LoadPrompt reads
	}
	return p
}

// wav is samples as a WAV file: PCM, 16 bit, mono, 8 kHz.
func wav(pcm []float64) []byte {
	size := uint32(2 * len(pcm))
	b := make([]byte, 0, 44+size)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, 2*sampleRate)
	b = binary.LittleEndian.AppendUint16(b, 2)  // bytes a frame
	b = binary.LittleEndian.AppendUint16(b, 16) // bits a sample
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for _, s := range pcm {
		v := int16(math.Round(32767 * max(-1, min(1, s))))
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}
