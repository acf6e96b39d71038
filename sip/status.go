package sip

import (
	"context"
	"log/slog"
	"time"
)

// TrunkState is how a trunk is doing.
type TrunkState string

// The states. Without registration a trunk is up or down; with it, the state is
// that of the registration, unless the health check has taken the trunk out.
const (
	StateUp          TrunkState = "up"          // no registration; no health check, or a good one
	StateRegistering TrunkState = "registering" // the first registration is on its way
	StateRegistered  TrunkState = "registered"
	StateRefused     TrunkState = "refused"     // the server does not take us: credentials, account
	StateUnreachable TrunkState = "unreachable" // the server is not found or does not answer
	StateDown        TrunkState = "down"        // taken out by the health check, or because its calls fail
	StateStopped     TrunkState = "stopped"     // Run has returned
)

// TrunkStatus is a snapshot of a trunk.
type TrunkStatus struct {
	Name    string
	State   TrunkState
	Reason  string    // in plain words: what was tried, what came of it, what to do
	Since   time.Time // of State
	Expires time.Time // of the registration that holds, zero without one
	NextTry time.Time // of registering or refreshing, zero without registration
	Until   time.Time // out until then because calls failed, zero otherwise
	Usable  bool      // calls may be sent
	Share   float64   // how much of its calls the trunk should get: 1 all, 0 none, between while it comes back
	Room    int       // how many calls more may be sent now: math.MaxInt, except while it is out or comes back
	Path    []string  // of the registration (RFC 3327): the proxies between us and the registrar
}

// Status returns the trunk's state.
func (t *Trunk) Status() TrunkStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.snapshot(time.Now())
}

// snapshot computes what depends on the time. t.mu is held.
func (t *Trunk) snapshot(now time.Time) TrunkStatus {
	s := t.status
	s.Expires, s.NextTry, s.Path = t.reg.expires, t.reg.nextTry, t.reg.path
	registered := !t.cfg.Register || now.Before(t.reg.expires)
	if registered && !t.health.down && s.State != StateStopped {
		s.Share, s.Room = t.calls.share(now), t.calls.room(now)
	}
	if t.calls.out(now) {
		s.Until = t.calls.until
	}
	s.Usable = s.Share > 0
	return s
}

// Changed returns a channel that gets a value, never more than one, when the
// status has changed.
func (t *Trunk) Changed() <-chan struct{} { return t.changed }

// update changes registration and health under the lock, derives the state, and
// tells if it is another one.
func (t *Trunk) update(change func()) {
	t.mu.Lock()
	now := time.Now()
	before := t.snapshot(now)
	change()
	state, reason := t.derive(now)
	if state != t.status.State {
		t.status.Since = now
	}
	t.status.State, t.status.Reason = state, reason
	after := t.snapshot(now)
	t.mu.Unlock()
	if before.State == after.State && before.Reason == after.Reason && before.Share == after.Share {
		return
	}
	if before.State != after.State {
		level, words := slog.LevelInfo, "sip: trunk is "+string(state)
		switch state {
		case StateRefused, StateUnreachable, StateDown:
			level = slog.LevelWarn
		}
		t.e.log.Log(context.Background(), level, words, "trunk", t.cfg.Name, "reason", reason)
	}
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// derive names the state. t.mu is held.
func (t *Trunk) derive(now time.Time) (TrunkState, string) {
	calls := t.calls.words(now)
	switch {
	case t.stopped:
		return StateStopped, "stopped"
	case t.cfg.Register && t.reg.state != StateRegistered:
		return t.reg.state, t.reg.reason
	case t.health.down:
		return StateDown, t.health.reason
	case t.calls.out(now):
		return StateDown, calls
	case t.cfg.Register:
		return StateRegistered, joinWords(t.reg.reason, calls)
	}
	return StateUp, joinWords("calls are sent to "+t.cfg.Server, calls)
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}
