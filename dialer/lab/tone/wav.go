package tone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// Sound is decoded audio: one slice of 16-bit linear samples per channel, all
// of one length. Of a stereo recording channel 0 is left and 1 is right.
type Sound struct {
	Rate     int // samples per second and channel
	Channels [][]int16
}

// Duration is the length of the sound.
func (s Sound) Duration() time.Duration {
	if s.Rate == 0 || len(s.Channels) == 0 {
		return 0
	}
	return time.Duration(len(s.Channels[0])) * time.Second / time.Duration(s.Rate)
}

// ErrNotWAV tells that a file does not begin as RIFF WAVE with a format and a
// data chunk.
var ErrNotWAV = errors.New("not a WAV file")

// Format tags of WAVEFORMATEX.
const (
	formatPCM        = 1
	formatALaw       = 6
	formatMuLaw      = 7
	formatExtensible = 0xfffe
)

// ReadFile reads and decodes the WAV file at path.
func ReadFile(path string) (Sound, error) {
	file, err := os.Open(path)
	if err != nil {
		return Sound{}, err
	}
	defer file.Close()
	sound, err := Read(file)
	if err != nil {
		return Sound{}, fmt.Errorf("%s: %w", path, err)
	}
	return sound, nil
}

// Read decodes a WAV file of 16-bit PCM, A-law or mu-law with any number of
// channels. A data chunk whose stated length is longer than the file (one that
// was still being written) yields what is there.
func Read(r io.Reader) (Sound, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return Sound{}, err
	}
	if len(raw) < 12 || string(raw[:4]) != "RIFF" || string(raw[8:12]) != "WAVE" {
		return Sound{}, ErrNotWAV
	}
	var format []byte
	for rest := raw[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:8]))
		rest = rest[8:]
		body := rest[:min(size, uint64(len(rest)))]
		switch id {
		case "fmt ":
			format = body
		case "data":
			return decode(format, body)
		}
		rest = rest[min(size+size%2, uint64(len(rest))):] // chunks are padded to even length
	}
	return Sound{}, fmt.Errorf("%w: no data chunk", ErrNotWAV)
}

func decode(format, data []byte) (Sound, error) {
	if len(format) < 16 {
		return Sound{}, fmt.Errorf("%w: no format chunk before the data", ErrNotWAV)
	}
	tag := binary.LittleEndian.Uint16(format)
	channels := int(binary.LittleEndian.Uint16(format[2:]))
	rate := int(binary.LittleEndian.Uint32(format[4:]))
	bits := int(binary.LittleEndian.Uint16(format[14:]))
	if tag == formatExtensible && len(format) >= 26 {
		tag = binary.LittleEndian.Uint16(format[24:]) // the first two octets of the sub-format GUID
	}
	var sample func(at int) int16
	width := 1
	switch {
	case tag == formatPCM && bits == 16:
		width = 2
		sample = func(at int) int16 { return int16(binary.LittleEndian.Uint16(data[at:])) }
	case tag == formatALaw && bits == 8:
		sample = func(at int) int16 { return DecodeALaw(data[at]) }
	case tag == formatMuLaw && bits == 8:
		sample = func(at int) int16 { return DecodeMuLaw(data[at]) }
	default:
		return Sound{}, fmt.Errorf("WAV format %d of %d bits is not one that is decoded here", tag, bits)
	}
	if channels == 0 || rate == 0 {
		return Sound{}, fmt.Errorf("%w: %d channels at %d Hz", ErrNotWAV, channels, rate)
	}
	sound := Sound{Rate: rate, Channels: make([][]int16, channels)}
	frames := len(data) / (width * channels)
	for channel := range channels {
		sound.Channels[channel] = make([]int16, frames)
		for frame := range frames {
			sound.Channels[channel][frame] = sample((frame*channels + channel) * width)
		}
	}
	return sound, nil
}

// WriteFile writes sound to path as WAV of 16-bit PCM.
func WriteFile(path string, sound Sound) error {
	channels := len(sound.Channels)
	if channels == 0 {
		return errors.New("a WAV file needs at least one channel")
	}
	frames := len(sound.Channels[0])
	size := frames * channels * 2
	if size > math.MaxUint32-36 {
		return fmt.Errorf("%d frames do not fit a WAV file", frames)
	}
	le := binary.LittleEndian
	wav := make([]byte, 0, 44+size)
	wav = append(wav, "RIFF"...)
	wav = le.AppendUint32(wav, uint32(36+size))
	wav = append(wav, "WAVEfmt "...)
	wav = le.AppendUint32(wav, 16)
	wav = le.AppendUint16(wav, formatPCM)
	wav = le.AppendUint16(wav, uint16(channels))
	wav = le.AppendUint32(wav, uint32(sound.Rate))
	wav = le.AppendUint32(wav, uint32(sound.Rate*channels*2))
	wav = le.AppendUint16(wav, uint16(channels*2))
	wav = le.AppendUint16(wav, 16)
	wav = append(wav, "data"...)
	wav = le.AppendUint32(wav, uint32(size))
	for frame := range frames {
		for _, channel := range sound.Channels {
			wav = le.AppendUint16(wav, uint16(channel[frame]))
		}
	}
	return os.WriteFile(path, wav, 0o644)
}
