package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"ringpace/media/record/chain"
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
	missed   stretches // where packets came that found no room in memory
	told     bool      // that audio was given up
	sealed   *Summary  // the file is final, and encrypted; only the chain lacks it
}

// workspace is what a writer uses for one recording after the other.
type workspace struct {
	chunks []*chunk
	batch  [channels][]placed
	block  []byte // for reading files back
}

// flush places what came since the last time and writes it. Room in memory is given
// back whatever the disk does. Now is on the clock of arrivals; the last flush of a
// recording lies in the far future. A failure raises the alarm.
func (r *Recording) flush(w *workspace, now time.Duration) error {
	err := r.file()
	s := &r.sheet
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
	if now == never {
		r.account()
	}
	if len(s.timeline.lost) > 0 && !s.told {
		s.told = true
		r.recorder.log.Error("audio of a recording is given up: the disk fails for longer than memory lasts", "id", r.meta.ID)
	}
	if err == nil {
		err = s.timeline.flush()
	}
	if err != nil {
		r.recorder.disk.wrote(filepath.Dir(filepath.Join(r.recorder.cfg.Dir, filepath.FromSlash(s.path))), err)
	}
	return err
}

// file sees that there is a file, and that the chain knows of it.
func (r *Recording) file() error {
	if r.sheet.timeline.file == nil {
		return r.open()
	}
	if err := r.rescue(); err != nil {
		return err
	}
	if !r.listed {
		r.list()
	}
	return nil
}

// rescue writes the recording anew where its file was removed beneath it, from what
// the kernel keeps of it as long as it is open.
func (r *Recording) rescue() error {
	l := &r.sheet.timeline
	if !unlinked(l.file) {
		return nil
	}
	f, path, err := r.newFile()
	if err != nil {
		return err
	}
	r.recorder.log.Error("the file of a recording was removed while it was made; it is written anew", "id", r.meta.ID, "was", r.sheet.path, "is", path)
	_, err = io.Copy(io.NewOffsetWriter(f, 0), io.NewSectionReader(l.file, 0, l.place(l.written)))
	if err != nil {
		f.Close()
		return errors.Join(err, os.Remove(filepath.Join(r.recorder.cfg.Dir, filepath.FromSlash(path))))
	}
	l.file.Close()
	l.file = f
	r.sheet.path = path
	r.list()
	return nil
}

// unlinked reports whether a file has lost its last name.
func unlinked(f file) bool {
	stat, err := f.Stat()
	if err != nil {
		return false
	}
	inode, ok := stat.Sys().(*syscall.Stat_t)
	return ok && inode.Nlink == 0
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

// waits reports whether there are packets for whose place there is no evidence yet.
func (s *sheet) waits() bool {
	for i := range s.tracks {
		if len(s.tracks[i].pending) > 0 {
			return true
		}
	}
	return false
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

// maxGapMarks bounds the gaps that the file lists, of each channel.
const maxGapMarks = 2000

// fileMarks are the marks of the file, in the order of their places: what happened in the
// call, the pauses, and the silence that was put in for what never came or could not be
// written.
func (r *Recording) fileMarks(pauses []span) []mark {
	s := &r.sheet
	var marks []mark
	front := s.timeline.front()
	place := func(arrival time.Duration) int64 { return min(max(sampleCount(arrival)-s.zero, 0), front) }
	r.mu.Lock()
	for _, e := range r.events {
		marks = append(marks, mark{span{place(e.arrival), 0}, e.label})
	}
	r.mu.Unlock()
	for _, p := range pauses {
		marks = append(marks, mark{span{p.at, 0}, "paused"}, mark{span{p.at + p.length, 0}, "resumed"})
	}
	for channel, name := range []string{"customer", "agent"} {
		gaps := s.tracks[channel].gaps.spans
		for _, g := range gaps[:min(len(gaps), maxGapMarks)] {
			marks = append(marks, mark{g, "nothing came of the " + name})
		}
		cut := s.tracks[channel].cut.spans
		for _, c := range cut[:min(len(cut), maxGapMarks)] {
			marks = append(marks, mark{c, "the " + name + " said more: it came when its place was taken"})
		}
	}
	unwritten := s.unwritten()
	for _, u := range unwritten[:min(len(unwritten), maxGapMarks)] {
		marks = append(marks, mark{u, "could not be written: the disk failed"})
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	return marks
}

// complete ends the file, describes it, brings it to the disk and notes it in the chain.
// The summary is as good as can be told also when there is an error; then all is as before,
// to be tried again.
func (r *Recording) complete(w *workspace) (Summary, error) {
	s := &r.sheet
	if s.sealed != nil {
		return r.note(*s.sealed)
	}
	err := r.flush(w, never)
	pauses := s.pauses()
	marks := r.fileMarks(pauses)
	sum := Summary{
		ID: r.meta.ID, Path: s.path, Codec: s.timeline.info.codec, Start: s.timeline.info.start,
		Duration: duration(s.timeline.written), Bytes: s.timeline.place(s.timeline.written),
		Pauses: spans(pauses), Dropped: r.dropped,
		Unwritten: spans(s.unwritten()),
		Left:      s.tracks[left].channelSummary(), Right: s.tracks[right].channelSummary(),
		Quality: s.timeline.figures(pauses), Measured: true, Encrypted: r.recorder.readers != nil,
	}
	if err != nil {
		return sum, err
	}
	if r.recorder.readers != nil {
		if err := r.seal(marks, &sum); err != nil {
			return sum, err
		}
		return r.note(sum)
	}
	if err := s.timeline.complete(marks); err != nil {
		return sum, err
	}
	sum.Bytes = s.timeline.size(marks)
	if sum.SHA256, err = digest(s.timeline.file, sum.Bytes, w); err != nil {
		return sum, err
	}
	return r.note(sum)
}

// note has the chain vouch for the file, which is final.
func (r *Recording) note(sum Summary) (Summary, error) {
	sum.Complete = true
	ref, err := r.recorder.chain.Append(sum.entry(chain.Kept))
	if err != nil {
		r.recorder.disk.wrote(r.recorder.chainDir(), err)
		return sum, err
	}
	sum.Chain = ref
	r.recorder.tellUnwritten(sum)
	return sum, r.sheet.timeline.file.Close()
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
