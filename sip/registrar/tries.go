package registrar

import (
	"sync"
	"time"
)

// Failures says when the password of one user is being guessed, from whatever
// addresses: many may guess a little each. Who guesses from one address is the matter of
// ringpace/sip/defence, which bans it. Nothing is refused for this count: whoever
// knows the password must not be locked out by those who do not.
type Failures struct {
	PerUser int           // wrong passwords within Window; default 20
	Window  time.Duration // default 5 min
}

func (f Failures) orDefault() Failures {
	if f.PerUser <= 0 {
		f.PerUser = 20
	}
	if f.Window <= 0 {
		f.Window = 5 * time.Minute
	}
	return f
}

const maxTries = 1 << 15 // names that are counted in one window

// tries counts wrong passwords in windows. Names of nobody beyond maxTries are not
// counted: memory is bounded whatever a botnet sends.
type tries struct {
	limits Failures

	mu    sync.Mutex // protects the fields below
	since time.Time  // when the window began
	users map[string]int
}

// failed counts a wrong password for a user, who exists if known. hunted reports
// that there were too many already, and first that this one was the first too many.
func (t *tries) failed(user string, known bool, now time.Time) (hunted, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil || now.Sub(t.since) >= t.limits.Window {
		t.since, t.users = now, map[string]int{}
	}
	if _, counted := t.users[user]; counted || known || len(t.users) < maxTries {
		t.users[user]++
	}
	n := t.users[user]
	return n > t.limits.PerUser, n == t.limits.PerUser+1
}
