package media

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"math"
	"time"
)

// Prompt is a piece of audio, ready to be sent in either law. It does not change
// once made and may be played to any number of sessions at once.
type Prompt struct {
	alaw, ulaw []byte
}

// LoadPrompt reads a WAV file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64,
// A-law, mu-law; any rate from 4 to 192 kHz; channels are averaged. Errors wrap
// ErrWAV.
func LoadPrompt(r io.Reader) (*Prompt, error) {
	w, err := readWAV(r)
	if err != nil {
		return nil, err
	}
	return newPrompt(resample(w.samples, w.rate, ClockRate)), nil
}

// newPrompt encodes samples of ClockRate, full scale 1.
func newPrompt(samples []float32) *Prompt {
	p := &Prompt{alaw: make([]byte, len(samples)), ulaw: make([]byte, len(samples))}
	for i, x := range samples {
		v := int16(math.RoundToEven(max(-1, min(1, float64(x))) * math.MaxInt16))
		p.alaw[i], p.ulaw[i] = PCMA.Encode(v), PCMU.Encode(v)
	}
	return p
}

// Duration is how long the prompt plays.
func (p *Prompt) Duration() time.Duration { return samples(float64(len(p.alaw))) }

func (p *Prompt) samples(c Codec) []byte {
	if c == PCMU {
		return p.ulaw
	}
	return p.alaw
}

//go:embed prompts/*.wav prompts/words/*.wav
var defaults embed.FS

// SafeHarbour is the spoken default for a person who answered when no agent was
// free. It names no company: operations should record their own, with the name and
// number that their rules ask for.
func SafeHarbour() *Prompt { return defaultPrompt("safe-harbour") }

// Closed is the spoken default for callers outside opening hours that cannot be told.
func Closed() *Prompt { return defaultPrompt("closed") }

// AllBusy is the spoken default for callers for whom no agent came free.
func AllBusy() *Prompt { return defaultPrompt("busy") }

// CallbackOffer is the spoken default that asks to press one for a callback.
func CallbackOffer() *Prompt { return defaultPrompt("callback-offer") }

// CallbackKept is the spoken default that confirms one.
func CallbackKept() *Prompt { return defaultPrompt("callback-kept") }

// Recorded is the spoken default that tells of a recording and, unless key is 0, that
// pressing the key (0-9, * or #) refuses it.
func Recorded(key rune) *Prompt {
	switch key {
	case 0:
		return Words("recorded")
	case '*':
		return Words("recorded", "refuse", "star")
	case '#':
		return Words("recorded", "refuse", "hash")
	}
	return Words("recorded", "refuse", string(key))
}

// betweenWords is how long a speaker rests between the words of a sentence.
const betweenWords = 60 * time.Millisecond

// Words speaks an announcement that is put together of pieces, by their names in
// prompts/words. A name that is not there is a fault of the caller's, and panics.
func Words(names ...string) *Prompt {
	rest := PromptTone(nil, 0, betweenWords)
	all := &Prompt{}
	for i, name := range names {
		if i > 0 {
			all.append(rest)
		}
		all.append(defaultPrompt("words/" + name))
	}
	return all
}

func (p *Prompt) append(q *Prompt) {
	p.alaw, p.ulaw = append(p.alaw, q.alaw...), append(p.ulaw, q.ulaw...)
}

// QueueTone is a soft chime, looped to those who wait for an agent.
func QueueTone() *Prompt {
	return PromptTone([]float64{523.25, 659.25}, -22, 400*time.Millisecond, 4600*time.Millisecond)
}

func defaultPrompt(name string) *Prompt {
	file, err := defaults.ReadFile("prompts/" + name + ".wav")
	if err != nil {
		panic(fmt.Sprintf("media: embedded prompt %s: %v", name, err))
	}
	p, err := LoadPrompt(bytes.NewReader(file))
	if err != nil {
		panic(fmt.Sprintf("media: embedded prompt %s: %v", name, err))
	}
	return p
}
