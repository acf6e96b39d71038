package record

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ringpace/media"
	"ringpace/media/record/chain"
	"ringpace/media/record/vault"
)

// Defaults of a Config.
const (
	DefaultFlush   = 800 * time.Millisecond
	DefaultMinFree = 1 << 30   // octets
	DefaultMemory  = 128 << 20 // octets

	// maxAnswered is how long ago the start of a recording may lie.
	maxAnswered = time.Minute
)

// MaxFlush keeps the promise that a crash costs at most a second: packets come every 20 ms or
// so, a writer wakes in slots, and the disk takes its time.
const MaxFlush = 900 * time.Millisecond

// Config is what a recorder needs to know.
type Config struct {
	Dir     string // where recordings go; made if it is not there
	Pattern string // of paths below Dir, see DefaultPattern
	// Flush is how often each recording is written, at most MaxFlush; 0 is
	// DefaultFlush.
	Flush time.Duration
	// MinFree is how much room the disk is to have, in octets: with less, Full tells that
	// nothing more is to be dialed, and what is left is for the calls that ring, are up or
	// come in. 0 is DefaultMinFree.
	MinFree int64
	// Memory bounds what waits for a stalled disk, in octets, over all recordings; a
	// call with both channels fills 19 kB of it a second. It also bounds what calls that
	// are over leave to be written when the disk works again. 0 is DefaultMemory.
	Memory int64
	// Retention is how long recordings are kept; 0 is for ever.
	Retention time.Duration
	// Linear makes files of 16-bit PCM, of 32 kB a second, in place of G.711 as it came.
	Linear bool
	// EncryptTo are the recipients of recordings, see vault.ParseRecipients; without any
	// they are plain.
	EncryptTo []string
	// Writers is how many goroutines write; 0 is one for two processors, at most 4:
	// a disk that stalls holds up each of them, and never all that could run calls.
	Writers int
	Logger  *slog.Logger // nil discards
}

// Recorder writes recordings into a directory. Its methods are safe for concurrent
// use.
type Recorder struct {
	cfg     Config
	log     *slog.Logger
	pool    *chunkPool
	disk    *disk
	chain   *chain.Log
	readers *vault.Recipients // nil: recordings are plain
	writers []*writer
	sealer  *sealer
	stop    chan struct{} // closed when the recorder is
	next    atomic.Uint64 // picks the writer of a new recording
	running sync.WaitGroup

	dropped   atomic.Int64 // packets for which there was no room in memory
	unwritten atomic.Int64 // nanoseconds that recordings which are over lack

	// create makes a file that must not exist yet. Tests put faults in its place.
	create func(path string) (file, error)

	mu     sync.Mutex
	closed bool
	open   map[*Recording]struct{}
}

// New returns a recorder with its writers running. It fails where recordings could
// not be written at all.
func New(cfg Config) (*Recorder, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	readers, err := vault.ParseRecipients(cfg.EncryptTo)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r := &Recorder{
		cfg: cfg, log: cfg.Logger, pool: newChunkPool(cfg.Memory), readers: readers,
		disk:   newDisk(cfg.Dir, cfg.MinFree, cfg.Logger),
		create: createFile, open: make(map[*Recording]struct{}), stop: make(chan struct{}),
	}
	if err := probe(cfg.Dir); err != nil {
		return nil, fmt.Errorf("record: cannot write to the recording directory: %w", err)
	}
	if r.chain, err = chain.Open(cfg.Dir); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := r.recover(); err != nil {
		r.chain.Close()
		return nil, err
	}
	r.sealer = newSealer(r)
	watch := &vigil{recorder: r, stints: []*stint{&r.disk.looking, &r.sealer.work}}
	r.running.Go(r.disk.run)
	r.running.Go(r.sealer.run)
	if cfg.Retention > 0 {
		r.running.Go(r.retain)
	}
	for range cfg.Writers {
		w := newWriter(cfg.Flush)
		r.writers = append(r.writers, w)
		r.running.Go(w.run)
		watch.stints = append(watch.stints, &w.work)
	}
	r.running.Go(watch.run)
	return r, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("record: no directory to record to")
	}
	if c.Pattern == "" {
		c.Pattern = DefaultPattern
	}
	if c.Flush == 0 {
		c.Flush = DefaultFlush
	}
	if c.Flush < 0 || c.Flush > MaxFlush {
		return c, fmt.Errorf("record: flush interval %s is not within %s", c.Flush, MaxFlush)
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Writers <= 0 {
		c.Writers = min(max(1, runtime.NumCPU()/2), 4)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, checkPattern(c.Pattern)
}

// CheckPattern reports what is wrong with a path pattern.
func CheckPattern(pattern string) error { return checkPattern(pattern) }

// Start begins a recording. It does not touch the disk: the file is made by a
// writer, within the flush interval or as soon as it can be. It does so also while Full
// holds: who calls for a call that is there has no better choice.
func (r *Recorder) Start(m Meta) (*Recording, error) {
	if m.ID == "" {
		return nil, errors.New("record: a recording needs an id")
	}
	base := time.Now()
	answered := base.Sub(m.Start)
	if m.Start.IsZero() {
		m.Start = base
	}
	if !m.Codec.Audio() {
		m.Codec = media.PCMA
	}
	rec := &Recording{
		recorder: r, meta: m, base: base, done: make(chan struct{}),
		writer: r.writers[r.next.Add(1)%uint64(len(r.writers))],
	}
	rec.chunks = rec.room[:0]
	if c := r.pool.get(); c != nil {
		rec.chunks = append(rec.chunks, c)
	}
	rec.sheet.path = r.pathOf(m, 1) // until there is a file
	rec.sheet.timeline.info = info{id: m.ID, start: m.Start, codec: m.Codec, linear: r.cfg.Linear}
	for i := range rec.sheet.tracks {
		rec.sheet.tracks[i].channel = uint8(i)
		if !r.cfg.Linear {
			rec.sheet.tracks[i].codec = m.Codec
		}
	}
	if answered >= 0 && answered <= maxAnswered {
		rec.sheet.beginAt(-sampleCount(answered), base)
		rec.events = append(rec.events, event{-answered, "answered"})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	r.open[rec] = struct{}{}
	rec.writer.add(rec)
	return rec, nil
}

// Full reports that no more calls are to be dialed: less than MinFree is left, or writes
// fail, hang or take too long. Calls that ring, are up or come in are recorded as far as it
// goes.
func (r *Recorder) Full() bool { return r.disk.trouble() != "" }

// Trouble says in plain words why Full holds; empty if it does not.
func (r *Recorder) Trouble() string { return r.disk.trouble() }

// Changed gives a nudge after Full or Trouble changed.
func (r *Recorder) Changed() <-chan struct{} { return r.disk.changed }

// Close closes all recordings and stops the writers. It may be called more than
// once.
func (r *Recorder) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	open := make([]*Recording, 0, len(r.open))
	for rec := range r.open {
		open = append(open, rec)
	}
	r.mu.Unlock()
	var errs []error
	for _, rec := range open {
		if _, err := rec.Close(); err != nil {
			errs = append(errs, err)
		}
	}
	if first {
		for _, w := range r.writers {
			w.stop()
		}
		r.sealer.stop() // all are with it
		close(r.disk.stop)
		close(r.stop)
	}
	r.running.Wait()
	r.chain.Close()
	return errors.Join(errs...)
}

// chainDir is where the chain's files lie.
func (r *Recorder) chainDir() string { return filepath.Join(r.cfg.Dir, chain.Folder) }

// Tampered says in plain words what the recorder has seen happen to the chain of
// recordings that nobody may do; empty if nothing has.
func (r *Recorder) Tampered() string { return r.chain.Fault() }

// Remove removes the file of a recording that is closed, and notes in the chain who or
// what wanted it so. The path is the summary's. The error wraps chain.ErrHeld where the
// recording is under legal hold.
func (r *Recorder) Remove(id, path, why string) error {
	return r.chain.Remove(chain.Entry{Kind: chain.Discarded, ID: id, Path: path, Why: why})
}
