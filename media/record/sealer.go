package record

import (
	"sync"
	"time"

	"ringpace/media/record/chain"
)

// sealInterval is how often what could not be sealed is tried again.
const sealInterval = 2 * time.Second

// sealer is one goroutine that completes the recordings whose calls are over: the rest
// of the audio, the marks, the final header, all brought to the disk, the digest, and last
// the line in the chain, in this order, so that no line promises what a power cut could
// take. It works beside the writers, since bringing a file to the disk takes its time. What
// cannot be sealed, also where there is no file yet, is kept and tried again until it can,
// as long as the process lives.
type sealer struct {
	recorder *Recorder
	work     stint

	mu       sync.Mutex
	queue    []*Recording
	dirty    bool // lines of recordings that began are to be brought to the disk
	stopping bool
	wake     chan struct{} // one deep
	kept     chan struct{} // one deep: tells that recordings were completed
}

func newSealer(r *Recorder) *sealer {
	return &sealer{recorder: r, work: stint{limit: sealLimit}, wake: make(chan struct{}, 1), kept: make(chan struct{}, 1)}
}

// take has r sealed. It never blocks.
func (s *sealer) take(r *Recording) {
	s.mu.Lock()
	s.queue = append(s.queue, r)
	s.mu.Unlock()
	s.nudge()
}

// sync has the chain brought to the disk. It never blocks.
func (s *sealer) sync() {
	s.mu.Lock()
	s.dirty = true
	s.mu.Unlock()
	s.nudge()
}

// stop ends the goroutine when everything has been tried once more.
func (s *sealer) stop() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.nudge()
}

func (s *sealer) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run works until stop.
func (s *sealer) run() {
	var space workspace
	var again []*Recording // that failed, and are no longer waited for
	ticker := time.NewTicker(sealInterval)
	defer ticker.Stop()
	for {
		retry := false
		select {
		case <-s.wake:
		case <-ticker.C:
			retry = true
		}
		s.mu.Lock()
		fresh, dirty, stopping := s.queue, s.dirty, s.stopping
		s.queue, s.dirty = nil, false
		s.mu.Unlock()
		if retry || stopping {
			again = s.seal(again, &space, false)
		}
		again = append(again, s.seal(fresh, &space, true)...)
		s.spare(again)
		if dirty || len(fresh) > 0 || retry && len(again) > 0 {
			s.work.begin()
			s.recorder.disk.wrote(s.recorder.chainDir(), s.recorder.chain.Sync())
			s.work.end()
			select {
			case s.kept <- struct{}{}:
			default:
			}
		}
		for _, r := range fresh {
			close(r.done)
		}
		if stopping {
			s.giveUp(again)
			return
		}
	}
}

// seal completes recordings and returns those that could not be. Only the first attempt's
// outcome is told to those who wait for it.
func (s *sealer) seal(list []*Recording, space *workspace, first bool) (failed []*Recording) {
	for _, r := range list {
		s.work.begin()
		sum, err := r.end(space)
		s.work.end()
		if first {
			r.summary, r.err = sum, err
		} else if err == nil {
			s.recorder.log.Info("a recording could be written after all", "id", r.meta.ID, "path", sum.Path)
		}
		if err != nil {
			failed = append(failed, r)
		}
	}
	return failed
}

// spare bounds the memory of those that wait for the disk by Config.Memory: the sound of
// the last of them is given up, as far as it is not in the file, and is silence there.
func (s *sealer) spare(list []*Recording) {
	held := int64(0)
	for _, r := range list {
		l := &r.sheet.timeline
		if l.written == l.front() { // only the seal or the chain fails
			continue
		}
		size := int64(len(l.window))
		if held += size; held <= s.recorder.cfg.Memory {
			continue
		}
		held -= size
		before := l.lost.total()
		l.leap(l.front())
		l.window = nil
		s.recorder.log.Error("sound of a recording is given up: too much waits to be written", "id", r.meta.ID, "length", duration(l.lost.total()-before))
	}
}

// giveUp lets go of recordings when the process ends. Those that have a file are the next
// process's to salvage. Of those that never had one nothing is left but a line that says so,
// if the chain takes it.
func (s *sealer) giveUp(list []*Recording) {
	for _, r := range list {
		if f := r.sheet.timeline.file; f != nil {
			f.Close()
			continue
		}
		line := r.summary.entry(chain.Lost)
		line.DurationMS, line.Why = duration(r.sheet.timeline.front()).Milliseconds(), r.err.Error()
		_, err := s.recorder.chain.Append(line)
		s.recorder.log.Error("a recording is lost: its file could not be made until the end", "id", line.ID, "path", line.Path, "why", line.Why, "chain", err)
	}
	if err := s.recorder.chain.Sync(); err != nil {
		s.recorder.log.Error("the chain of recordings cannot be brought to the disk", "error", err)
	}
}
