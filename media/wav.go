package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// The limits of what is read as a prompt.
const (
	maxWAV     = 128 << 20 // octets
	minWAVRate = 4000      // Hz
	maxWAVRate = 192000
	maxWAVChan = 32
)

// Format tags of the fmt chunk (RFC 2361).
const (
	wavPCM        = 0x0001
	wavFloat      = 0x0003
	wavAlaw       = 0x0006
	wavUlaw       = 0x0007
	wavExtensible = 0xFFFE
)

// wavFile is the audio of a WAV file: one channel, full scale 1.
type wavFile struct {
	rate    int
	samples []float32
}

// wavFormat is a fmt chunk.
type wavFormat struct {
	tag      uint16
	channels int
	rate     int
	bits     int // of one sample in the file
}

// readWAV reads a RIFF/WAVE stream. A data chunk that is longer than the file, as
// recorders that were cut off leave it and programs that write to a pipe, gives what is
// there; so does one of length 0 in a file whose length is not told either. Errors wrap
// ErrWAV.
func readWAV(r io.Reader) (*wavFile, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWAV, err)
	}
	if len(file) > maxWAV {
		return nil, fmt.Errorf("%w: larger than %d MiB", ErrWAV, maxWAV>>20)
	}
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, fmt.Errorf("%w: no RIFF/WAVE header", ErrWAV)
	}
	var format *wavFormat
	length := binary.LittleEndian.Uint32(file[4:])
	streamed := length == 0 || length == math.MaxUint32 // when the header was written, the length was not known
	for rest := file[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		body := rest[:min(size, uint64(len(rest)))]
		switch id {
		case "fmt ":
			if format, err = readWAVFormat(body); err != nil {
				return nil, err
			}
		case "data":
			if format == nil {
				return nil, fmt.Errorf("%w: no fmt chunk before the data", ErrWAV)
			}
			if size == 0 && streamed {
				body = rest
			}
			samples := format.decode(body)
			if len(samples) == 0 {
				return nil, fmt.Errorf("%w: no audio in it", ErrWAV)
			}
			return &wavFile{rate: format.rate, samples: samples}, nil
		}
		rest = rest[min(size+size&1, uint64(len(rest))):] // chunks are padded to even sizes
	}
	return nil, fmt.Errorf("%w: no data chunk", ErrWAV)
}

func readWAVFormat(b []byte) (*wavFormat, error) {
	if len(b) < 16 {
		return nil, fmt.Errorf("%w: fmt chunk of %d octets", ErrWAV, len(b))
	}
	f := &wavFormat{
		tag:      binary.LittleEndian.Uint16(b),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.tag == wavExtensible { // the sub-format's first two octets are the tag
		if len(b) < 26 {
			return nil, fmt.Errorf("%w: extensible format without sub-format", ErrWAV)
		}
		f.tag = binary.LittleEndian.Uint16(b[24:])
	}
	if f.channels < 1 || f.channels > maxWAVChan {
		return nil, fmt.Errorf("%w: %d channels", ErrWAV, f.channels)
	}
	if f.rate < minWAVRate || f.rate > maxWAVRate {
		return nil, fmt.Errorf("%w: %d Hz", ErrWAV, f.rate)
	}
	if f.sample() == nil {
		return nil, fmt.Errorf("%w: format %#04x with %d bits", ErrWAV, f.tag, f.bits)
	}
	return f, nil
}

// sample returns the reader of one sample, nil for a format that we cannot read.
func (f *wavFormat) sample() func(b []byte) float64 {
	switch [2]int{int(f.tag), f.bits} {
	case [2]int{wavPCM, 8}:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / 128 }
	case [2]int{wavPCM, 16}:
		return func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15) }
	case [2]int{wavPCM, 24}:
		return func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		}
	case [2]int{wavPCM, 32}:
		return func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31) }
	case [2]int{wavFloat, 32}:
		return func(b []byte) float64 { return finite(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))) }
	case [2]int{wavFloat, 64}:
		return func(b []byte) float64 { return finite(math.Float64frombits(binary.LittleEndian.Uint64(b))) }
	case [2]int{wavAlaw, 8}:
		return func(b []byte) float64 { return float64(PCMA.Decode(b[0])) / (1 << 15) }
	case [2]int{wavUlaw, 8}:
		return func(b []byte) float64 { return float64(PCMU.Decode(b[0])) / (1 << 15) }
	}
	return nil
}

// finite keeps what float files may hold beside audio away from the filter.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return max(-1, min(1, x))
}

// decode averages the channels. An incomplete last frame is dropped.
func (f *wavFormat) decode(b []byte) []float32 {
	width := f.bits / 8
	read := f.sample()
	frames := len(b) / (width * f.channels)
	out := make([]float32, frames)
	for i := range out {
		sum := 0.0
		for range f.channels {
			sum += read(b)
			b = b[width:]
		}
		out[i] = float32(sum / float64(f.channels))
	}
	return out
}
