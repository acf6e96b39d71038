package record

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"ringpace/media"
)

// The layout of our files: RIFF, WAVE with the chunks fmt, fact, LIST (INFO: id,
// start, state, and in linear files the codec), data, and, where there are marks, cue and
// LIST (adtl: labels and regions). Two channels, left the customer, right the agent, of one
// octet a sample, or two in linear files.
const (
	channels = 2
	wavAlaw  = 6 // format tags, RFC 2361
	wavUlaw  = 7
	wavPCM   = 1

	// maxAudio is what the 32 bits of a RIFF size can hold, in octets, less room for the
	// other chunks: 74 hours of G.711.
	maxAudio = 1<<32 - 1<<20

	stateOpen     = "recording"
	stateComplete = "complete "
	startLayout   = "2006-01-02T15:04:05.000Z07:00"
)

// info is what a file says of itself.
type info struct {
	id       string
	start    time.Time
	complete bool
	codec    media.Codec // of the customer's leg: PCMA or PCMU
	linear   bool        // samples are 16-bit PCM, whichever codec they came in
}

// sample is the size of one sample, in octets.
func (i info) sample() int64 {
	if i.linear {
		return 2
	}
	return 1
}

// frame is the size of one sample of each channel, in octets.
func (i info) frame() int64 { return channels * i.sample() }

// maxFrames is how many frames a file can have.
func (i info) maxFrames() int64 { return maxAudio / i.frame() }

// format is the word for what the samples are.
func (i info) format() string {
	if i.linear {
		return linearWord + i.codec.String()
	}
	return i.codec.String()
}

// linearWord begins the format of a linear file; what follows is the codec that it was.
const linearWord = "L16/"

// setFormat reads what format said.
func (i *info) setFormat(word string) (err error) {
	word, i.linear = strings.CutPrefix(word, linearWord)
	if i.codec, err = media.ParseCodec(word); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// header is everything up to the data, for a number of frames (samples of both
// channels) and octets of chunks behind the data. Its size depends on the id and the format alone.
func header(i info, frames int64, trailer int) []byte {
	tag := uint16(wavAlaw)
	switch {
	case i.linear:
		tag = wavPCM
	case i.codec == media.PCMU:
		tag = wavUlaw
	}
	state := stateOpen
	if i.complete {
		state = stateComplete
	}
	le := binary.LittleEndian
	b := append([]byte("RIFF????WAVEfmt "), 18, 0, 0, 0)
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, media.ClockRate)
	b = le.AppendUint32(b, uint32(media.ClockRate*i.frame()))
	b = le.AppendUint16(b, uint16(i.frame()))
	b = le.AppendUint16(b, uint16(8*i.sample()))
	b = le.AppendUint16(b, 0) // no extension
	b = appendChunk(b, "fact", make([]byte, 4))
	list := appendChunk([]byte("INFO"), "INAM", text(i.id))
	list = appendChunk(list, "ICRD", text(i.start.UTC().Format(startLayout)))
	list = appendChunk(list, "ICMT", text(state))
	list = appendChunk(list, "ISFT", text("Ringpace"))
	if i.linear {
		list = appendChunk(list, "ISRC", text(i.codec.String()))
	}
	b = appendChunk(b, "LIST", list)
	b = append(b, "data\x00\x00\x00\x00"...)
	setLength(b, frames*i.frame(), trailer)
	return b
}

// factAt is where the header says how many frames there are; the chunk fmt lies before.
const factAt = 12 + 8 + 18 + 8

// frameAt is where it says how many octets a frame has.
const frameAt = 12 + 8 + 12

// setLength has a header vouch for that many octets of audio, and behind it.
func setLength(header []byte, audio int64, trailer int) {
	le, size := binary.LittleEndian, len(header)
	le.PutUint32(header[4:], uint32(int64(size)-8+audio+int64(trailer)))
	le.PutUint32(header[factAt:], uint32(audio/int64(le.Uint16(header[frameAt:]))))
	le.PutUint32(header[size-4:], uint32(audio))
}

// text is a string as RIFF keeps it.
func text(s string) []byte { return append([]byte(s), 0) }

// appendChunk appends a chunk, padded to an even size.
func appendChunk(b []byte, id string, body []byte) []byte {
	b = append(b, id...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// mark is a labelled place in a recording, in samples; a stretch where it has a length.
type mark struct {
	span
	label string
}

// cues are the chunks behind the data that hold the marks: a labelled point for each,
// with a region where it is a stretch. They are empty without marks.
func cues(marks []mark) []byte {
	if len(marks) == 0 {
		return nil
	}
	le := binary.LittleEndian
	points := le.AppendUint32(nil, uint32(len(marks)))
	labels := []byte("adtl")
	for i, m := range marks {
		id := uint32(i + 1)
		points = le.AppendUint32(points, id)
		points = le.AppendUint32(points, uint32(m.at)) // in play order
		points = append(points, "data"...)
		points = le.AppendUint32(points, 0)
		points = le.AppendUint32(points, 0)
		points = le.AppendUint32(points, uint32(m.at))
		labels = appendChunk(labels, "labl", append(le.AppendUint32(nil, id), text(m.label)...))
		if m.length > 0 {
			region := le.AppendUint32(le.AppendUint32(nil, id), uint32(m.length))
			region = append(region, "rgn \x00\x00\x00\x00\x00\x00\x00\x00"...) // no country, language, dialect, code page
			labels = appendChunk(labels, "ltxt", region)
		}
	}
	return appendChunk(appendChunk(nil, "cue ", points), "LIST", labels)
}

// wave is where things lie in a file of ours.
type wave struct {
	info
	dataAt int64 // offset of the data
	frames int64 // by the header
}

// parseWave reads the head of a file, which must reach into its data chunk's
// header. Errors wrap ErrDamaged.
func parseWave(b []byte) (wave, error) {
	w := wave{}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return w, fmt.Errorf("%w: no RIFF/WAVE header", ErrDamaged)
	}
	le := binary.LittleEndian
	for at := int64(12); at+8 <= int64(len(b)); {
		id, size := string(b[at:at+4]), int64(le.Uint32(b[at+4:]))
		at += 8
		if id == "data" {
			if w.codec == 0 {
				return w, fmt.Errorf("%w: no format that we write", ErrDamaged)
			}
			w.dataAt, w.frames = at, size/w.frame()
			return w, nil
		}
		if at+size > int64(len(b)) {
			break
		}
		body := b[at : at+size]
		switch id {
		case "fmt ":
			if size >= 16 && le.Uint16(body[2:]) == channels {
				w.linear = le.Uint16(body) == wavPCM && le.Uint16(body[14:]) == 16
				w.codec = map[uint16]media.Codec{wavAlaw: media.PCMA, wavUlaw: media.PCMU}[le.Uint16(body)]
				if w.linear {
					w.codec = media.PCMA // unless it says otherwise
				}
			}
		case "LIST":
			w.parseInfo(body)
		}
		at += size + size&1
	}
	return w, fmt.Errorf("%w: no data chunk", ErrDamaged)
}

func (w *wave) parseInfo(b []byte) {
	if len(b) < 4 || string(b[:4]) != "INFO" {
		return
	}
	for b = b[4:]; len(b) >= 8; {
		id, size := string(b[:4]), int(min(binary.LittleEndian.Uint32(b[4:]), uint32(len(b)-8)))
		value := b[8 : 8+size]
		b = b[min(8+size+size&1, len(b)):]
		if size > 0 && value[size-1] == 0 {
			value = value[:size-1]
		}
		switch id {
		case "INAM":
			w.id = string(value)
		case "ICRD":
			w.start, _ = time.Parse(startLayout, string(value))
		case "ICMT":
			w.complete = string(value) == stateComplete
		case "ISRC":
			if w.linear && string(value) == media.PCMU.String() {
				w.codec = media.PCMU
			}
		}
	}
}
