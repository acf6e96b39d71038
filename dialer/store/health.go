package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// knockEvery is how often Redis is looked for while it is away.
const knockEvery = 250 * time.Millisecond

// health is whether Redis is there.
type health struct {
	wake chan struct{} // has room for one; a call has failed, look again at once

	beating sync.Mutex // held while a beat is on its way, whose answer may say that leases are in doubt

	joined atomic.Bool // this boot has taken the node's name
	rival  rival       // the goroutine's that beats

	mu       sync.Mutex
	err      error     // why it is away; nil: it is there
	since    time.Time // of the last change
	changed  chan struct{}
	warnings []string
	doubted  time.Time     // when the leases of all nodes were last in doubt
	skew     time.Duration // by how much this node's clock is ahead of the one of Redis
}

// rival is another process that went by this node's name when this one came.
type rival struct {
	beat  string    // its last sign of life
	since time.Time // when it was seen first
	alive bool      // it gave another
}

// errTaking is why Redis is not used yet while it is found out whether a rival lives.
var errTaking = errors.New("another process goes by this node's name; waiting to see whether it lives")

// rivalled looks whether another process lives under this node's name, before it is
// taken over: one that died a moment ago gives no further sign. It returns nil where
// the name is free.
func (s *Store) rivalled(ctx context.Context) error {
	r := &s.health.rival
	if s.takeover <= 0 || r.alive {
		return s.rivalry()
	}
	beat, err := s.redis.HGet(ctx, nodesKey, s.node).Result()
	switch boot, _, _ := strings.Cut(beat, " "); {
	case errors.Is(err, redis.Nil), err == nil && boot == s.boot:
		return nil
	case err != nil:
		return explain(ctx, err)
	}
	switch {
	case r.since.IsZero():
		r.beat, r.since = beat, time.Now()
	case r.beat != beat:
		r.alive = true
	case time.Since(r.since) > s.takeover:
		return nil
	}
	if !r.alive {
		return fmt.Errorf("%w: %w", ErrAway, errTaking)
	}
	return s.rivalry()
}

func (s *Store) rivalry() error {
	if s.health.rival.alive {
		return fmt.Errorf("%w: %w: %s", ErrAway, ErrNodeTaken, s.node)
	}
	return nil
}

// Join waits until this process has the node's name, and returns ErrNodeTaken where
// another lives under it. It waits for nothing where Redis is away.
func (s *Store) Join(ctx context.Context) error {
	tick := time.NewTicker(knockEvery)
	defer tick.Stop()
	for {
		switch _, away := s.Status(); {
		case errors.Is(away, ErrNodeTaken):
			return away
		case !errors.Is(away, errTaking):
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func newHealth() *health {
	return &health{
		wake: make(chan struct{}, 1), changed: make(chan struct{}),
		err: errors.New("not reached yet"), since: time.Now(),
	}
}

// set notes what a round trip met with, and reports whether that is a change.
func (h *health) set(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(h.err, ErrClosed) || (h.err == nil) == (err == nil) && !errors.Is(err, ErrClosed) {
		return false
	}
	h.err, h.since = err, time.Now()
	close(h.changed)
	h.changed = make(chan struct{})
	return true
}

// heard notes what a beat has told: whether this node's own lease was not what it should
// be, and what the Redis clock showed after asked.
func (h *health) heard(late bool, asked, shown time.Time) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if late {
		h.doubted = now
	}
	h.skew = now.Add(-now.Sub(asked) / 2).Round(0).Sub(shown)
}

// Skew is by how much this node's clock is ahead of the one of Redis, by which all nodes
// go; to within the time of a round trip.
func (s *Store) Skew() time.Duration {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.skew
}

// doubted is when leases were last in doubt: a clock that was set may have had those of
// living nodes lapse, until their next beat.
func (s *Store) doubted() time.Time {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.doubted
}

// why changes the reason for which Redis is away.
func (h *health) why(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil && !errors.Is(h.err, ErrClosed) {
		h.err = err
	}
}

// Up reports whether Redis is there. While it is not, nothing may be dialed.
func (s *Store) Up() bool {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.err == nil
}

// Status returns since when Redis is there or away, and why it is away (nil: it is
// there).
func (s *Store) Status() (since time.Time, away error) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.since, s.health.err
}

// Changed returns a channel that is closed at the next change of Up. Take it
// before asking Up.
func (s *Store) Changed() <-chan struct{} {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return s.health.changed
}

// Warnings returns what is wrong with the way Redis is set up, in words for the
// operator.
func (s *Store) Warnings() []string {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	return append([]string(nil), s.health.warnings...)
}

// reachable fails fast while Redis is away.
func (s *Store) reachable() error {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	switch {
	case s.health.err == nil:
		return nil
	case errors.Is(s.health.err, ErrClosed):
		return ErrClosed
	case errors.Is(s.health.err, ErrAway):
		return s.health.err
	}
	return fmt.Errorf("%w: %w", ErrAway, s.health.err)
}

func isAway(err error) bool { return errors.Is(err, ErrAway) || errors.Is(err, ErrClosed) }

// outcome explains the error of a round trip and takes note if Redis is away.
func (s *Store) outcome(caller context.Context, err error) error {
	err = explain(caller, err)
	if errors.Is(err, ErrAway) {
		s.lost(err)
	}
	return err
}

func (s *Store) lost(err error) {
	if s.health.set(err) {
		s.log.Error("redis is away: no new calls", "err", err)
	}
	select {
	case s.health.wake <- struct{}{}:
	default:
	}
}

// watch says each second that this node lives (more often if its lease is short),
// and so finds out when Redis goes and comes. It returns when ctx is done.
func (s *Store) watch(ctx context.Context) {
	beatEvery := min(time.Second, s.nodeLease/4)
	timer := time.NewTimer(beatEvery)
	defer timer.Stop()
	for {
		wait := beatEvery
		if !s.Up() {
			wait = knockEvery
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-s.health.wake: // shortens the wait
			continue
		case <-timer.C:
		}
		s.beat(ctx, "beat")
	}
}

// beat runs the node script. It is the one call that is made while Redis is away.
// The first of a process joins: it takes the name over from the former boot.
func (s *Store) beat(ctx context.Context, how string) {
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if how == "beat" && !s.health.joined.Load() {
		how = "join"
	}
	if how == "join" {
		if err := s.rivalled(short); err != nil {
			s.lost(err)
			s.health.why(err)
			return
		}
	}
	s.health.beating.Lock()
	defer s.health.beating.Unlock()
	asked := time.Now()
	answer, err := s.scripts.node.Run(short, s.redis, []string{nodesKey},
		s.node, s.boot, s.nodeLease.Milliseconds(), how).Slice()
	if err != nil {
		if err = explain(ctx, err); ctx.Err() == nil {
			if !errors.Is(err, ErrAway) {
				err = fmt.Errorf("%w: %w", ErrAway, err)
			}
			s.lost(err)
		}
		return
	}
	word, now := "", int64(0)
	if len(answer) == 2 {
		word, _ = answer[0].(string)
		now, _ = answer[1].(int64)
	}
	s.health.heard(word == "late", asked, time.UnixMilli(now))
	if word == "taken" {
		s.lost(fmt.Errorf("%w: %w: %s", ErrAway, ErrNodeTaken, s.node))
		return
	}
	if how == "leave" {
		return
	}
	s.health.joined.Store(true)
	if s.Up() {
		return
	}
	s.prepare(ctx)
	if err := s.restore(ctx); err != nil {
		s.log.Error("live attempts cannot be recorded again", "err", err)
		return
	}
	if s.health.set(nil) {
		s.log.Info("redis is there")
		s.outbox.nudge()
	}
}

// prepare loads the scripts, so that none costs two round trips, and looks how
// Redis is set up.
func (s *Store) prepare(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	for _, script := range s.scripts.all {
		if err := script.Load(short, s.redis).Err(); err != nil {
			s.log.Debug("script not loaded ahead", "err", err)
			break
		}
	}
	warnings := s.inspect(short)
	for _, w := range warnings {
		s.log.Warn(w)
	}
	s.health.mu.Lock()
	s.health.warnings = warnings
	s.health.mu.Unlock()
}

// inspect asks for the settings that lose calls. A server that does not tell
// (a managed one) is taken on trust.
func (s *Store) inspect(ctx context.Context) []string {
	setting := func(name string) (string, bool) {
		all, err := s.redis.ConfigGet(ctx, name).Result()
		value, ok := all[name]
		return value, err == nil && ok
	}
	var warnings []string
	aof, ok := setting("appendonly")
	save, ok2 := setting("save")
	if ok && ok2 && aof == "no" && save == "" {
		warnings = append(warnings, "redis keeps nothing on disk: if it restarts, all leads and open "+
			"attempts are lost (set appendonly yes)")
	}
	if policy, ok := setting("maxmemory-policy"); ok && policy != "noeviction" {
		warnings = append(warnings, "redis may throw leads away when its memory is full: set "+
			"maxmemory-policy noeviction (it is "+policy+")")
	}
	return warnings
}
