package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"time"

	"ringpace/media/record/chain"
)

// Limits of a Config.
const (
	DefaultParallel = 2
	MaxParallel     = 32
)

// Config is what an uploader needs to know.
type Config struct {
	Dir       string // of recordings
	Endpoint  string // see ParseEndpoint
	Bucket    string
	Prefix    string // of all keys, without a slash at the end; may be empty
	Region    string // "" is DefaultRegion
	AccessKey string
	SecretKey string
	Style     string // StyleAuto (or ""), StylePath, StyleHost
	CAFile    string // PEM; "" for the system's authorities
	Parallel  int    // uploads at a time; 0 is DefaultParallel
	// Clear has the file of a recording removed here KeepLocal after it was uploaded.
	Clear     bool
	KeepLocal time.Duration
	Logger    *slog.Logger // nil discards
}

// Recorder is the recorder whose recordings are uploaded: a *record.Recorder.
type Recorder interface {
	Kept() <-chan struct{}
	Uploaded(kept chain.Entry, object string) error
	Clear(uploaded chain.Entry) error
	SyncChain() error
}

// pace is how patient an uploader is; tests have their own.
type pace struct {
	look    time.Duration // at the chain, where nobody gives a nudge
	first   time.Duration // pause after the first fault
	longest time.Duration // and after many
	silence time.Duration // a fault that may pass raises the alarm after it
	settle  time.Duration // a recording that a crash cut off may still be discarded
	copies  time.Duration // between copies of the chain
	sweep   time.Duration // between looks for files that are to be removed here
	stall   time.Duration
}

func usualPace() pace {
	return pace{
		look: 30 * time.Second, first: time.Second, longest: 5 * time.Minute, silence: 5 * time.Minute,
		settle: 10 * time.Minute, copies: 5 * time.Minute, sweep: 10 * time.Minute, stall: stallAfter,
	}
}

// Uploader brings the recordings of one directory to a storage.
type Uploader struct {
	cfg      Config
	log      *slog.Logger
	recorder Recorder
	storage  *storage
	pace     pace
	stop     context.CancelFunc
	running  sync.WaitGroup

	// What follows belongs to run.
	backlog *chain.Backlog
	pending []job // that Next has given, by due; those under way are not among them
	busy    map[string]job
	taken   map[string]bool // by path: busy or pending
	results chan result
	faults  int // of the storage, one after the other
	resume  time.Time
	stuck   map[string]string // by path: why the storage does not get that recording

	mu    sync.Mutex // covers what follows
	stats Stats
	fault fault
	since time.Time // of fault
	first string    // what is stuck, in words
	seen  string    // what was done to the chain
}

// job is a recording to be uploaded.
type job struct {
	chain.Entry
	due   time.Time
	tries int // that failed for its own sake
}

// result is how an upload ended.
type result struct {
	job
	fault *fault // nil: it is done
	ended bool   // the uploader is being closed
}

// Start begins to upload what waits, and what will.
func Start(c Config, r Recorder) (*Uploader, error) { return start(c, r, usualPace()) }

func start(c Config, r Recorder, p pace) (*Uploader, error) {
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.Parallel <= 0 {
		c.Parallel = DefaultParallel
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := openStorage(c)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	s.stall = p.stall
	ctx, stop := context.WithCancel(context.Background())
	u := &Uploader{
		cfg: c, log: c.Logger, recorder: r, storage: s, pace: p, stop: stop,
		backlog: chain.NewBacklog(c.Dir), busy: map[string]job{}, taken: map[string]bool{}, results: make(chan result), stuck: map[string]string{},
	}
	u.running.Go(func() { u.run(ctx) })
	u.running.Go(func() { u.copyChain(ctx) })
	if c.Clear {
		u.running.Go(func() { u.sweep(ctx) })
	}
	return u, nil
}

// Close ends all uploads where they are. What waits goes on waiting in the chain.
func (u *Uploader) Close() {
	u.stop()
	u.running.Wait()
	u.storage.close()
}

// Object is where the storage has, or will have, what lies at a path below the recording
// directory.
func (u *Uploader) Object(rel string) string { return u.storage.object(rel) }

// run gives out the work until ctx is done.
func (u *Uploader) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case r := <-u.results:
			u.settle(r, time.Now())
		case <-u.recorder.Kept():
		case <-timer.C:
		}
		if err := u.backlog.Read(); err != nil {
			u.log.Error("what waits to be uploaded cannot be read", "error", err)
		}
		now := time.Now()
		next := u.dispatch(ctx, now)
		u.report(now)
		timer.Reset(next)
	}
	for len(u.busy) > 0 {
		r := <-u.results
		delete(u.busy, r.Path)
	}
}

// dispatch begins what may be begun, and returns when there may be more.
func (u *Uploader) dispatch(ctx context.Context, now time.Time) time.Duration {
	parallel := u.cfg.Parallel
	if u.faults > 0 {
		if now.Before(u.resume) {
			return u.resume.Sub(now)
		}
		parallel = 1 // one tries for all
	}
	for len(u.busy) < parallel {
		j, ok := u.next(now)
		if !ok {
			break
		}
		u.busy[j.Path] = j
		go func() { u.results <- u.upload(ctx, j) }()
	}
	if len(u.pending) > 0 && len(u.busy) < parallel {
		return min(max(u.pending[0].due.Sub(now), 0), u.pace.look)
	}
	return u.pace.look
}

// next is the recording whose turn it is.
func (u *Uploader) next(now time.Time) (job, bool) {
	for len(u.pending) > 0 && !u.pending[0].due.After(now) {
		j := u.pending[0]
		u.pending = slices.Delete(u.pending, 0, 1)
		if u.backlog.Waits(j.Entry) {
			return j, true
		}
		delete(u.stuck, j.Path) // it was removed by rule
		delete(u.taken, j.Path)
	}
	for {
		e, ok := u.backlog.Next()
		if !ok {
			return job{}, false
		}
		j := job{Entry: e, due: now}
		if e.Kind == chain.Salvaged {
			j.due = e.At.Add(u.pace.settle)
		}
		if u.taken[e.Path] {
			continue // the chain was cut, and is read again
		}
		u.taken[e.Path] = true
		if j.due.After(now) {
			u.put(j)
			continue
		}
		return j, true
	}
}

// put has a recording wait for its time.
func (u *Uploader) put(j job) {
	at, _ := slices.BinarySearchFunc(u.pending, j, func(a, b job) int {
		if c := a.due.Compare(b.due); c != 0 {
			return c
		}
		return int(min(max(a.N-b.N, -1), 1))
	})
	u.pending = slices.Insert(u.pending, at, j)
}

// settle takes in how an upload ended.
func (u *Uploader) settle(r result, now time.Time) {
	delete(u.busy, r.Path)
	if r.ended {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if r.fault != nil {
		u.stats.Failed++
	}
	if r.fault == nil || r.fault.scope == single {
		u.faults = 0
		if u.fault.text != "" {
			u.log.Info("recordings are uploaded again", "endpoint", u.cfg.Endpoint, "bucket", u.cfg.Bucket)
		}
		u.fault = fault{}
	}
	switch {
	case r.fault == nil:
		u.stats.Uploaded++
		u.stats.Bytes += uint64(r.Bytes)
		delete(u.stuck, r.Path)
		delete(u.taken, r.Path)
	case r.fault.scope == single:
		r.tries++
		r.due = now.Add(u.pause(r.tries + 6)) // from about a minute on
		u.put(r.job)
		if u.stuck[r.Path] != r.fault.text {
			u.log.Error("a recording is not uploaded", "id", r.ID, "path", r.Path, "why", r.fault.text)
		}
		u.stuck[r.Path] = r.fault.text
	default:
		r.due = now
		u.put(r.job)
		u.faults++
		u.resume = now.Add(u.pause(u.faults))
		if u.fault.text == "" {
			u.since = now
			u.log.Warn("recordings are not uploaded; it is tried again", "why", r.fault.text)
		}
		u.fault = *r.fault
	}
}

// pause is how long to wait after so many faults: twice as long each time up to a limit,
// by up to a half shorter, so that many nodes do not come back at once.
func (u *Uploader) pause(faults int) time.Duration {
	d := min(u.pace.first<<min(max(faults-1, 0), 20), u.pace.longest)
	return d - rand.N(d/2+1)
}

// upload brings one recording to the storage and notes it.
func (u *Uploader) upload(ctx context.Context, j job) result {
	if err := u.transfer(ctx, j.Entry); err != nil {
		if ctx.Err() != nil {
			return result{job: j, ended: true}
		}
		f := u.faultOf(err)
		return result{job: j, fault: &f}
	}
	return result{job: j}
}

// localError is a fault of the recording's file, or of the chain.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

func (u *Uploader) faultOf(err error) fault {
	var local localError
	if errors.As(err, &local) {
		return fault{single, local.Error()}
	}
	return u.storage.faultOf(err)
}

// mediaType is that of a recording, encrypted or not.
func mediaType(rel string) string {
	if path.Ext(rel) == ".wav" {
		return "audio/wav"
	}
	return "application/octet-stream"
}

// transfer uploads the file of a recording, proves that the storage has it, writes that
// into the chain, and removes the file if that is due at once.
func (u *Uploader) transfer(ctx context.Context, e chain.Entry) error {
	f, err := openFile(u.cfg.Dir, e.Path)
	if err != nil {
		return localError{err}
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return localError{err}
	}
	c, err := measure(ctx, f, stat.Size())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && c.sha256 != e.SHA256:
		return localError{errors.New("its file is not what it was when it was kept; ringpace recordings verify tells more")}
	case err != nil:
		return localError{err}
	}
	switch same, err := u.storage.has(ctx, e.Path, c); {
	case err == nil && !same:
		return localError{fmt.Errorf("%s is there already and holds something else; give each node a prefix of its own (recording.upload.prefix)", u.Object(e.Path))}
	case err == nil: // a crash came between the upload and the line
	case !isUnseen(err): // it may be there
		return err
	default:
		if err := u.storage.create(ctx, e.Path, mediaType(e.Path), c, err); err != nil {
			return err
		}
	}
	if err := u.recorder.Uploaded(e, u.Object(e.Path)); err != nil {
		return localError{err}
	}
	if u.cfg.Clear && u.cfg.KeepLocal == 0 {
		u.clear(chain.Entry{ID: e.ID, Path: e.Path, Bytes: e.Bytes, Object: u.Object(e.Path)})
	}
	return nil
}
