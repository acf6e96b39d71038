package digest

import "sync"

// Account is who we are at a server: what the clients of all its calls and
// registrations share. It may be used from any goroutine.
type Account struct {
	username, password string
	uses               uses
}

// NewAccount returns an account whose credentials nobody has asked for yet. Without
// username it answers no challenge.
func NewAccount(username, password string) *Account {
	return &Account{username: username, password: password}
}

// Client returns a client of the account that has not been challenged.
func (a *Account) Client() *Client { return &Client{account: a} }

// maxUses is how many nonces of each generation are remembered.
const maxUses = 512

// uses counts how often each nonce of a server's was used (RFC 7616 section 3.4, nc).
// A server may give the same nonce to several calls: who began at 1 for each would
// be taken for a replay. The nonces that were used longest ago are forgotten.
type uses struct {
	mu        sync.Mutex // protects the fields below
	now, past map[use]int
}

// use is a nonce at the realm that it is for.
type use struct{ realm, nonce string }

// next is the count for the next use of a nonce.
func (u *uses) next(realm, nonce string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := use{realm, nonce}
	n, known := u.now[key]
	if !known {
		n = u.past[key]
		if u.now == nil || len(u.now) >= maxUses {
			u.past, u.now = u.now, map[use]int{}
		}
	}
	u.now[key] = n + 1
	return n + 1
}
