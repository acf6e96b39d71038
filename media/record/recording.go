package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"ringpace/media"
	"ringpace/media/record/chain"
)

// The channels of a recording.
const (
	left  = 0 // the customer
	right = 1 // the agent
)

// Meta is what a recording is of. Only ID is required.
type Meta struct {
	ID       string // of the attempt
	Campaign string
	Agent    string
	Number   string
	LeadID   string
	// Start is the instant of the answer: the file is named by it, and its first
	// sample is of it. With the zero value the recording begins with the first packet.
	Start time.Time
	Codec media.Codec // of the customer's leg and so of the file; the zero value is PCMA
}

// Recording is one call being recorded. Its methods are safe for concurrent use;
// its taps are fed by the sessions' reading goroutines and never wait for the disk.
type Recording struct {
	recorder *Recorder
	base     time.Time // arrivals are counted from here

	mu       sync.Mutex
	closed   bool
	paused   bool
	hushed   time.Duration // arrivals before it are kept as silence
	until    time.Duration // arrivals after it are not part of the recording; 0: no end yet
	chunks   []*chunk      // the last one is being filled
	room     [4]*chunk     // theirs, unless they are more: next to what each packet needs
	segments uint16
	dropped  int64
	missed   [channels][]span // when they came, in samples since base; see miss
	events   []event          // that the file is to mark

	writer    *writer
	meta      Meta
	finishing sync.Once
	discarded string        // why; "" for one that is kept
	emptied   bool          // of that; the sealer's
	done      chan struct{} // closed when the sealer is through with it
	summary   Summary
	err       error

	sheet  sheet // the writer's, and then the sealer's
	listed bool  // the chain has it; as sheet
}

// tap feeds one channel.
type tap struct {
	recording *Recording
	channel   uint8
	segment   uint16
}

// Customer returns the tap of the left channel.
func (r *Recording) Customer() media.Tap { return r.newTap(left) }

// Agent returns a tap of the right channel, a new one for each bridge: its first
// packet is placed on the time line by its arrival, those after it by their RTP
// timestamps.
func (r *Recording) Agent() media.Tap { return r.newTap(right) }

func (r *Recording) newTap(channel uint8) *tap {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.segments++
	return &tap{recording: r, channel: channel, segment: r.segments}
}

// Tap implements media.Tap.
func (t *tap) Tap(p *media.Packet) {
	e := entry{
		arrival: p.Arrival.Sub(t.recording.base), timestamp: p.Timestamp, ssrc: p.SSRC,
		sequence: p.Sequence, segment: t.segment, channel: t.channel, kind: entryOther,
		codec: p.Codec, marker: p.Marker,
	}
	payload := []byte(nil)
	if p.Codec.Audio() {
		payload = p.Payload
		e.kind, e.size = entryAudio, int32(len(payload))
	}
	t.recording.add(e, payload)
}

// Approach implements media.Approacher.
//
//go:norace
func (t *tap) Approach() uintptr {
	r := t.recording
	sum := uintptr(r.until)
	if c := r.room[0]; c != nil { // the one that is being filled, but while the disk stalls
		sum += c.approach()
	}
	return sum
}

// add keeps an entry for the writer. It runs on the packet path.
func (r *Recording) add(e entry, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.tooLate(e) {
		return
	}
	if (r.paused || e.arrival < r.hushed) && e.kind == entryAudio {
		e.muted, payload = true, nil
	}
	if n := len(r.chunks); n > 0 && r.chunks[n-1].add(e, payload) {
		return
	}
	c := r.recorder.pool.get()
	if c == nil {
		r.miss(e)
		return
	}
	c.add(e, payload)
	r.chunks = append(r.chunks, c)
}

// take gives what has come to the writer and leaves an empty chunk, so that the
// packet path need not ask for one. The slice it fills is the writer's.
func (r *Recording) take(into []*chunk) []*chunk {
	fresh := r.recorder.pool.get()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.chunks {
		c.entries = slices.DeleteFunc(c.entries, r.tooLate)
	}
	into = append(into, r.chunks...)
	clear(r.chunks)
	r.chunks = r.chunks[:0]
	if fresh != nil {
		r.chunks = append(r.chunks, fresh)
	}
	return into
}

// Pause keeps silence instead of audio from now on, while a card number is told.
// What is said meanwhile is not even held in memory. The pause is marked in the file.
func (r *Recording) Pause() { r.setPaused(true) }

// Resume ends the pause.
func (r *Recording) Resume() { r.setPaused(false) }

// Hush keeps silence instead of what arrives within such a time from now, paused or not:
// what was said during a pause may be on its way yet when that ends.
func (r *Recording) Hush(tail time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hushed = max(r.hushed, time.Since(r.base)+tail)
}

func (r *Recording) setPaused(paused bool) {
	r.mu.Lock()
	if r.paused == paused {
		r.mu.Unlock()
		return
	}
	r.paused = paused
	now := time.Since(r.base)
	r.mu.Unlock()
	kind := entryResume
	if paused {
		kind = entryPause
	}
	r.add(entry{arrival: now, kind: kind}, nil)
}

// event is something in the call that the file marks.
type event struct {
	arrival time.Duration // since the recording's base
	label   string
}

// maxEvents bounds how often a call is marked.
const maxEvents = 1000

// Mark puts a mark at this instant into the file, by a cue point that players show: that
// the call was bridged, held, handed on. A file that a crash cut off has none.
func (r *Recording) Mark(label string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) < maxEvents {
		r.events = append(r.events, event{time.Since(r.base), label})
	}
}

// End says when the call ended: packets that arrived after it, which are on their way
// to the disk already or still come, are not kept. It returns at once; Close follows.
func (r *Recording) End(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = max(at.Sub(r.base), 1)
}

// tooLate reports whether an entry came after the end of the call. mu is held.
func (r *Recording) tooLate(e entry) bool { return r.until > 0 && e.arrival > r.until }

// Close writes what is left and returns the recording's figures. It waits for the
// disk. The error says that the file is not whole; the summary then describes what
// there is of it. It may be called more than once.
func (r *Recording) Close() (Summary, error) { return r.finish("") }

// Discard ends the recording and removes its file, with a line in the chain that says why,
// which must not be empty. Only the first of all calls of Close and Discard counts.
func (r *Recording) Discard(why string) error {
	_, err := r.finish(why)
	return err
}

func (r *Recording) finish(discarded string) (Summary, error) {
	r.finishing.Do(func() {
		r.mu.Lock()
		r.closed = true
		r.discarded = discarded
		r.mu.Unlock()
		r.writer.finish(r)
	})
	<-r.done
	if r.err != nil {
		return r.summary, fmt.Errorf("record: recording %s: %w", r.meta.ID, r.err)
	}
	return r.summary, nil
}

// end completes or discards a recording and takes it off the books.
func (r *Recording) end(w *workspace) (Summary, error) {
	defer func() {
		r.recorder.mu.Lock()
		delete(r.recorder.open, r)
		r.recorder.mu.Unlock()
		r.mu.Lock()
		rest := r.chunks
		r.chunks = nil
		r.mu.Unlock()
		for _, c := range rest {
			r.recorder.pool.put(c)
		}
	}()
	if r.discarded == "" {
		return r.complete(w)
	}
	if r.sheet.timeline.file == nil {
		return Summary{ID: r.meta.ID}, nil // it was never made
	}
	err := r.recorder.Remove(r.meta.ID, r.sheet.path, r.discarded)
	switch {
	case err == nil:
		err = r.sheet.timeline.file.Close()
	case errors.Is(err, chain.ErrHeld) && !r.emptied:
		return r.complete(w)
	default:
		r.empty(err)
	}
	return Summary{ID: r.meta.ID, Path: r.sheet.path}, err
}

// empty takes what there is out of the file of a recording that is not to be kept, and that
// could not be removed for now: else, where the process ends before it can be, the next one
// would take it for one that a crash cut off. The alarm is raised.
func (r *Recording) empty(why error) {
	name := r.recorder.nameOf(r.sheet.path)
	if !r.recorder.chain.Holds(r.meta.ID) {
		r.emptied = os.Truncate(name, 0) == nil
	}
	dir := r.recorder.chainDir()
	if fault := (*os.PathError)(nil); errors.As(why, &fault) && fault.Path == name {
		dir = filepath.Dir(name)
	}
	r.recorder.disk.wrote(dir, why)
}
