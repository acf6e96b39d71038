package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"ringpace/media"
	"ringpace/media/quality"
	"ringpace/media/record/vault"
)

const (
	// holdFrames stay in memory after a flush and are written again with the
	// next, so that packets which come a little late need no second look at the file.
	holdFrames = 250 * 8
	// maxWindow is how much waits in memory while the file cannot be written: 240 kB.
	// In linear files it is twice that.
	maxWindow = 15 * media.ClockRate
	// silenceBlock is how much silence is written at once where nothing came, in
	// octets.
	silenceBlock = 32 << 10
)

// file is what a time line writes to.
type file interface {
	vault.File
	Sync() error
}

// timeline is the audio of one recording: the end of it in memory, what lies before
// in the file. A frame is one sample of each channel. One writer goroutine uses it.
type timeline struct {
	info   info
	file   file   // nil until it could be made
	dataAt int64  // offset of the first frame in the file
	head   []byte // the header, but for its lengths
	headOf info   // what it says

	base    int64  // the window's first frame
	window  []byte // interleaved
	written int64  // frames that the file holds, without a hole
	// lost are frames that were given up because the file could not be written. It has
	// silence there.
	lost stretches

	meter    *quality.Meter
	measured int64 // frames that it has seen
}

// front is the end of the time line, in frames.
func (l *timeline) front() int64 { return l.base + int64(len(l.window))/l.info.frame() }

// put places n samples of a channel, in G.711; nil samples leave silence. The codec is that
// of the file, unless it is linear.
func (l *timeline) put(channel uint8, position int64, samples []byte, n int, codec media.Codec) {
	end := position + int64(n)
	if end > l.info.maxFrames() {
		return
	}
	if end > l.base+maxWindow {
		l.leap(position)
	}
	l.extend(end)
	if samples == nil {
		return
	}
	if position < l.base {
		before := min(l.base-position, int64(n))
		l.patch(channel, position, samples[:before], codec)
		position, samples = position+before, samples[before:]
	}
	if len(samples) > 0 {
		l.lay(l.window[(position-l.base)*l.info.frame():], channel, samples, codec)
	}
}

// lay puts samples of a channel into frames.
func (l *timeline) lay(frames []byte, channel uint8, samples []byte, codec media.Codec) {
	at := int(channel)
	if !l.info.linear {
		for _, b := range samples {
			frames[at] = b
			at += channels
		}
		return
	}
	for _, b := range samples {
		binary.LittleEndian.PutUint16(frames[2*at:], uint16(codec.Decode(b)))
		at += channels
	}
}

// extend fills the window with silence up to a frame.
func (l *timeline) extend(end int64) {
	silence := silenceOf(l.info)
	for n := (end - l.front()) * l.info.frame(); n > 0; {
		k := min(n, int64(len(silence)))
		l.window = append(l.window, silence[:k]...)
		n -= k
	}
}

// The silence of either law and of linear files, in a block.
var (
	alawSilence = strings.Repeat(string([]byte{media.PCMA.Silence()}), silenceBlock)
	ulawSilence = strings.Repeat(string([]byte{media.PCMU.Silence()}), silenceBlock)
	zeros       = strings.Repeat("\x00", silenceBlock)
)

func silenceOf(i info) string {
	switch {
	case i.linear:
		return zeros
	case i.codec == media.PCMU:
		return ulawSilence
	}
	return alawSilence
}

// leap moves the window on to a place far ahead, or past what cannot be written.
func (l *timeline) leap(position int64) {
	front := l.front()
	if l.flush() != nil {
		from := max(l.base, l.written)
		l.lost = l.lost.with(span{from, front - from})
	}
	position = max(position, front) // what the other channel has there is kept
	l.measure(front)
	l.base, l.window = position, l.window[:0]
	l.measure(position)
}

// measure gives the meter the frames before end that it has not seen. What comes later
// still for their place, in time for the file, it does not see.
func (l *timeline) measure(end int64) {
	if l.meter == nil {
		l.meter = quality.NewMeter(l.info.codec)
	}
	silence, frame := silenceOf(l.info), l.info.frame()
	for l.measured < min(end, l.base) {
		n := min(l.base-l.measured, end-l.measured, silenceBlock/frame)
		l.hear([]byte(silence[:n*frame]))
		l.measured += n
	}
	if l.measured < end {
		l.hear(l.window[(l.measured-l.base)*frame : (end-l.base)*frame])
		l.measured = end
	}
}

// hear gives the meter frames.
func (l *timeline) hear(frames []byte) {
	if l.info.linear {
		l.meter.AddLinear(frames)
		return
	}
	l.meter.Add(frames)
}

// figures are the quality of the whole recording, which rested at these stretches.
func (l *timeline) figures(pauses []span) quality.Figures {
	l.measure(l.front())
	paused := int64(0)
	for _, p := range pauses {
		paused += p.length
	}
	return l.meter.Figures(duration(paused))
}

// patch writes samples that came so late that their place is in the file already.
// What lies beyond the file's end is given up, and so is what cannot be written.
func (l *timeline) patch(channel uint8, position int64, samples []byte, codec media.Codec) {
	n := min(int64(len(samples)), max(l.written-position, 0))
	if l.rewrite(channel, position, samples[:n], codec) != nil {
		n = 0
	}
	l.lost = l.lost.with(span{position + n, int64(len(samples)) - n})
}

// rewrite puts samples of a channel into frames that the file has.
func (l *timeline) rewrite(channel uint8, position int64, samples []byte, codec media.Codec) error {
	if len(samples) == 0 {
		return nil
	}
	frames := make([]byte, int64(len(samples))*l.info.frame())
	at := l.place(position)
	if _, err := l.file.ReadAt(frames, at); err != nil {
		return err
	}
	l.lay(frames, channel, samples, codec)
	_, err := l.file.WriteAt(frames, at)
	return err
}

// move brings what a channel has from one place up to another nearer to the start, by so
// many frames, and leaves silence. False: it cannot be done, and all is as before.
func (l *timeline) move(channel uint8, from, to, by int64) bool {
	start, frame, sample := from-by, l.info.frame(), l.info.sample()
	inFile := max(min(to, l.base)-start, 0) * frame // of them, octets
	for _, one := range l.lost {
		if one.at < to && start < one.end() {
			return false
		}
	}
	if start < 0 || to > l.front() || inFile > 0 && (l.file == nil || min(to, l.base) > l.written) {
		return false
	}
	frames := make([]byte, (to-start)*frame)
	if inFile > 0 {
		if _, err := l.file.ReadAt(frames[:inFile], l.place(start)); err != nil {
			return false
		}
	}
	inWindow := l.window[max(start-l.base, 0)*frame:]
	copy(frames[inFile:], inWindow)
	silence := silenceOf(l.info)
	for at := int64(channel) * sample; at < int64(len(frames)); at += frame {
		if next := at + by*frame; next < int64(len(frames)) {
			copy(frames[at:at+sample], frames[next:next+sample])
		} else {
			copy(frames[at:at+sample], silence)
		}
	}
	if inFile > 0 {
		if _, err := l.file.WriteAt(frames[:inFile], l.place(start)); err != nil {
			return false
		}
	}
	copy(inWindow, frames[inFile:])
	return true
}

// place is where a frame lies in the file.
func (l *timeline) place(frame int64) int64 { return l.dataAt + frame*l.info.frame() }

// begin takes the file, which is empty, and writes its first header.
func (l *timeline) begin(f file) error {
	head := l.header()
	l.file, l.dataAt = f, int64(len(head))
	_, err := f.WriteAt(head, 0)
	return err
}

// header is that of what is written, in the time line's own memory: it is needed at
// every flush, and only its lengths change, but for the start that is learned late.
func (l *timeline) header() []byte {
	if l.head == nil || l.headOf != l.info {
		l.head, l.headOf = header(l.info, 0, 0), l.info
	}
	setLength(l.head, l.written*l.info.frame(), 0)
	return l.head
}

// flush writes the window, and then the header that vouches for it: a file that is
// cut off at any instant plays up to its header's size. After an error everything
// is kept for the next flush.
func (l *timeline) flush() error {
	if l.file == nil {
		return errNoFile
	}
	if err := l.writeSilence(); err != nil {
		return err
	}
	if len(l.window) > 0 {
		if _, err := l.file.WriteAt(l.window, l.place(l.base)); err != nil {
			return err
		}
	}
	l.written = l.front()
	if _, err := l.file.WriteAt(l.header(), 0); err != nil {
		return err
	}
	if surplus := l.written - holdFrames - l.base; surplus > 0 {
		l.measure(l.base + surplus)
		l.window = append(l.window[:0], l.window[surplus*l.info.frame():]...)
		l.base += surplus
	}
	return nil
}

var errNoFile = errors.New("record: the file could not be made")

// writeSilence brings the file up to the window where the window leapt.
func (l *timeline) writeSilence() error {
	if l.written >= l.base {
		return nil
	}
	block := []byte(silenceOf(l.info))
	for l.written < l.base {
		n := min(l.base-l.written, silenceBlock/l.info.frame())
		if _, err := l.file.WriteAt(block[:n*l.info.frame()], l.place(l.written)); err != nil {
			return err
		}
		l.written += n
	}
	return nil
}

// complete writes the rest, the marks and the final header, and brings
// all to the disk.
func (l *timeline) complete(marks []mark) error {
	if err := l.flush(); err != nil {
		return err
	}
	trailer := cues(marks)
	if len(trailer) > 0 {
		if _, err := l.file.WriteAt(trailer, l.place(l.written)); err != nil {
			return err
		}
	}
	final := l.info
	final.complete = true
	if _, err := l.file.WriteAt(header(final, l.written, len(trailer)), 0); err != nil {
		return err
	}
	return l.file.Sync()
}

// whole is the complete file, with the marks, as far as it is written. The file itself need
// not hold more than the audio.
func (l *timeline) whole(marks []mark) io.Reader {
	trailer := cues(marks)
	final := l.info
	final.complete = true
	return io.MultiReader(
		bytes.NewReader(header(final, l.written, len(trailer))),
		io.NewSectionReader(l.file, l.dataAt, l.written*l.info.frame()),
		bytes.NewReader(trailer),
	)
}

// size is the length of the complete file, in octets.
func (l *timeline) size(marks []mark) int64 {
	return l.place(l.written) + int64(len(cues(marks)))
}
