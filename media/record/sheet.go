package record

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"time"
)

// sheet is a recording as its writer sees it: two tracks on a time line. Only the
// writer's goroutine uses it.
type sheet struct {
	path     string // relative to the directory; of the file, once that was made
	timeline timeline
	tracks   [channels]track
	begun    bool  // the time line's start is known
	zero     int64 // its start, in samples since the recording's base
	marks    []entry
}

// workspace is what a writer uses for one recording after the other.
type workspace struct {
	chunks []*chunk
	batch  [channels][]placed
	block  []byte // for reading files back
}

// flush places what came since the last time and writes it. Room in memory is given
// back whatever the disk does. Now is on the clock of arrivals; the last flush of a
// recording lies in the far future.
func (r *Recording) flush(w *workspace, now time.Duration) error {
	var err error
	s := &r.sheet
	if s.timeline.file == nil {
		err = r.open()
	}
	w.chunks = r.take(w.chunks[:0])
	s.gather(w)
	if !s.begun {
		s.begin(w, r.base, sampleCount(now))
	}
	for channel := range s.tracks {
		t := &s.tracks[channel]
		if !s.begun {
			t.keep(w.batch[channel])
			continue
		}
		t.place(w.batch[channel], &s.timeline, sampleCount(now))
	}
	for _, c := range w.chunks {
		r.recorder.pool.put(c)
	}
	clear(w.chunks)
	for channel := range w.batch {
		clear(w.batch[channel])
	}
	if err != nil {
		return err
	}
	return s.timeline.flush()
}

// never is later than every arrival.
const never = time.Duration(math.MaxInt64)

// gather sorts the entries by channel, after those that wait for their place.
func (s *sheet) gather(w *workspace) {
	for channel := range w.batch {
		t := &s.tracks[channel]
		w.batch[channel] = append(w.batch[channel][:0], t.pending...)
		clear(t.pending)
		t.pending = t.pending[:0]
	}
	for _, c := range w.chunks {
		for _, e := range c.entries {
			if e.kind == entryPause || e.kind == entryResume {
				s.marks = append(s.marks, e)
				continue
			}
			w.batch[e.channel] = append(w.batch[e.channel], placed{entry: e, payload: c.payload(e), at: sampleCount(e.arrival)})
		}
	}
}

// begin lets the time line start with the first packet with audio, of whichever
// channel, if it can be told yet.
func (s *sheet) begin(w *workspace, base time.Time, now int64) {
	zero := int64(math.MaxInt64)
	for _, batch := range w.batch {
		for i := range batch {
			if batch[i].kind != entryAudio {
				continue
			}
			if !enough(batch[i:], now) {
				return
			}
			zero = min(zero, earliest(batch[i:]))
			break
		}
	}
	if zero == math.MaxInt64 {
		return
	}
	s.beginAt(zero, base)
}

// beginAt sets the start of the time line, in samples since the recording's base.
func (s *sheet) beginAt(zero int64, base time.Time) {
	s.begun, s.zero = true, zero
	for i := range s.tracks {
		s.tracks[i].zero = zero
	}
	s.timeline.info.start = base.Add(duration(zero))
}

// pauses gives the stretches between the marks.
func (s *sheet) pauses() []span {
	var out []span
	front := s.timeline.front()
	for _, m := range s.marks {
		at := min(max(sampleCount(m.arrival)-s.zero, 0), front)
		switch {
		case m.kind == entryPause:
			out = append(out, span{at, front - at})
		case len(out) > 0:
			out[len(out)-1].length = at - out[len(out)-1].at
		}
	}
	return out
}

// complete ends the file and describes it. The summary is as good as can be told
// also when there is an error.
func (r *Recording) complete(w *workspace) (Summary, error) {
	err := r.flush(w, never)
	s := &r.sheet
	pauses := s.pauses()
	if err == nil {
		err = s.timeline.complete(pauses)
	}
	sum := Summary{
		ID: r.meta.ID, Path: s.path, Codec: s.timeline.info.codec, Start: s.timeline.info.start,
		Duration: duration(s.timeline.written), Bytes: s.timeline.dataAt + s.timeline.written*channels,
		Complete: err == nil, Pauses: spans(pauses), Dropped: r.dropped,
		Unwritten: duration(s.timeline.lost),
		Left:      s.tracks[left].channelSummary(), Right: s.tracks[right].channelSummary(),
	}
	if err == nil {
		sum.Bytes = s.timeline.size(pauses)
		sum.SHA256, err = digest(s.timeline.file, sum.Bytes, w)
	}
	if s.timeline.file != nil {
		if closing := s.timeline.file.Close(); err == nil {
			err = closing
		}
	}
	return sum, err
}

// digest reads the first size octets back, since the header, which comes first, is
// not known before the end.
func digest(f io.ReaderAt, size int64, w *workspace) (string, error) {
	if w.block == nil {
		w.block = make([]byte, 256<<10)
	}
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, onlyReader{io.NewSectionReader(f, 0, size)}, w.block); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// onlyReader hides WriteTo, which would not use the buffer.
type onlyReader struct{ io.Reader }
