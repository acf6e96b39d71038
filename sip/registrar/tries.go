package registrar

import (
	"sync"
	"time"
)

// Failures limits how often a password may be guessed.
type Failures struct {
	PerSource int           // from one address within Window; default 20
	PerUser   int           // at one user within Window, from whatever addresses; default 20
	Window    time.Duration // default 5 min
}

func (f Failures) orDefault() Failures {
	if f.PerSource <= 0 {
		f.PerSource = 20
	}
	if f.PerUser <= 0 {
		f.PerUser = 20
	}
	if f.Window <= 0 {
		f.Window = 5 * time.Minute
	}
	return f
}

const maxTries = 1 << 15 // sources, and users, that are counted in one window

// tries counts failures in windows. Sources and users beyond maxTries are not
// counted: memory is bounded whatever a botnet sends.
type tries struct {
	limits Failures

	mu      sync.Mutex // protects the fields below
	since   time.Time  // when the window began
	sources map[string]int
	users   map[string]int
}

// turn begins a new window when it is time. t.mu is held.
func (t *tries) turn(now time.Time) {
	if t.sources == nil || now.Sub(t.since) >= t.limits.Window {
		t.since, t.sources, t.users = now, map[string]int{}, map[string]int{}
	}
}

func (t *tries) failed(source, user string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	if _, known := t.sources[source]; known || len(t.sources) < maxTries {
		t.sources[source]++
	}
	if _, known := t.users[user]; known || len(t.users) < maxTries {
		t.users[user]++
	}
}

// succeeded clears the user's account, not the source's: who knows one password
// may still be guessing another.
func (t *tries) succeeded(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.users, user)
}

// blocked returns how long nothing that claims to be user is looked at from source.
func (t *tries) blocked(source, user string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	if t.sources[source] >= t.limits.PerSource || user != "" && t.users[user] >= t.limits.PerUser {
		return t.since.Add(t.limits.Window).Sub(now)
	}
	return 0
}
