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

//go:embed prompts/*/*.wav
var defaults embed.FS

// Language is one of those that the defaults are spoken in, by ISO 639. They were made
// by a machine (prompts/speak.sh) and are meant for the time until somebody has recorded
// the operation's own.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh" // Mandarin
)

// SafeHarbour is the spoken default for a person who answered when no agent was
// free. It names no company: operations should record their own, with the name and
// number that their rules ask for.
func SafeHarbour(l Language) *Prompt { return defaultPrompt(l, "safe-harbour") }

// Closed is the spoken default for callers outside opening hours that cannot be told.
func Closed(l Language) *Prompt { return defaultPrompt(l, "closed") }

// AllBusy is the spoken default for callers for whom no agent came free.
func AllBusy(l Language) *Prompt { return defaultPrompt(l, "busy") }

// CallbackOffer is the spoken default that asks to press one for a callback.
func CallbackOffer(l Language) *Prompt { return defaultPrompt(l, "callback-offer") }

// CallbackKept is the spoken default that confirms one.
func CallbackKept(l Language) *Prompt { return defaultPrompt(l, "callback-kept") }

// Recorded is the spoken default that tells of a recording and, unless key is 0, that
// pressing the key (0-9, * or #) refuses it.
func Recorded(l Language, key rune) *Prompt {
	switch key {
	case 0:
		return Words(l, "recorded")
	case '*':
		return Words(l, "recorded", "refuse", "star")
	case '#':
		return Words(l, "recorded", "refuse", "hash")
	}
	return Words(l, "recorded", "refuse", string(key))
}

// betweenWords is how long a speaker rests between the words of a sentence.
const betweenWords = 60 * time.Millisecond

// Words speaks an announcement that is put together of pieces, by their names in the
// language's directory below prompts. A name that is not there is a fault of the
// caller's, and panics.
func Words(l Language, names ...string) *Prompt {
	rest := PromptTone(nil, 0, betweenWords)
	all := &Prompt{}
	for i, name := range names {
		if i > 0 {
			all.append(rest)
		}
		all.append(defaultPrompt(l, name))
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

func defaultPrompt(l Language, name string) *Prompt {
	path := fmt.Sprintf("prompts/%s/%s.wav", l, name)
	file, err := defaults.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("media: embedded prompt: %v", err))
	}
	p, err := LoadPrompt(bytes.NewReader(file))
	if err != nil {
		panic(fmt.Sprintf("media: embedded prompt %s: %v", path, err))
	}
	return p
}
