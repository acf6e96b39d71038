package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Token lets its bearer in (RFC 6750).
type Token struct {
	Name   string // names the bearer in the log; unique
	Role   Role
	Agent  string // the agent's id, for RoleAgent
	Secret string // what the bearer shows; only a keyed hash of it is kept
}

// keyring knows the tokens by keyed hash, so that neither a core dump nor the time
// that a comparison takes gives a secret away.
type keyring struct {
	key []byte

	mu      sync.RWMutex  // protects all below, which a reload replaces
	entries []keyEntry    // compared all, whatever matches
	renewed chan struct{} // closed at the next replacement
}

type keyEntry struct {
	hash   [sha256.Size]byte
	caller Caller
}

func newKeyring() *keyring {
	k := &keyring{key: make([]byte, 32), renewed: make(chan struct{})}
	_, _ = rand.Read(k.key) // crypto/rand.Read never fails
	return k
}

// set replaces all tokens, or none if one is faulty.
func (k *keyring) set(tokens []Token) error {
	entries := make([]keyEntry, 0, len(tokens))
	names := make(map[string]bool, len(tokens))
	var faults []error
	for i, t := range tokens {
		switch {
		case t.Name == "" || names[t.Name]:
			faults = append(faults, fmt.Errorf("api: token %d needs a name of its own, not %q", i+1, t.Name))
		case t.Secret == "":
			faults = append(faults, fmt.Errorf("api: token %q has no secret", t.Name))
		case t.Role.rank() == 0:
			faults = append(faults, fmt.Errorf("api: token %q has role %q; admin, supervisor or agent it must be", t.Name, t.Role))
		case (t.Role == RoleAgent) != (t.Agent != ""):
			faults = append(faults, fmt.Errorf("api: token %q: an agent's id belongs to role agent, and only to it", t.Name))
		}
		names[t.Name] = true
		entries = append(entries, keyEntry{k.hash(t.Secret), Caller{Name: t.Name, Role: t.Role, Agent: t.Agent}})
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.entries = entries
	close(k.renewed)
	k.renewed = make(chan struct{})
	return nil
}

// changed returns a channel that is closed when the tokens are replaced.
func (k *keyring) changed() <-chan struct{} {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.renewed
}

func (k *keyring) hash(secret string) [sha256.Size]byte {
	return sha256.Sum256(append(k.key[:len(k.key):len(k.key)], secret...))
}

// find tells who shows the secret.
func (k *keyring) find(secret string) (Caller, bool) {
	hash := k.hash(secret)
	k.mu.RLock()
	defer k.mu.RUnlock()
	var found Caller
	var ok bool
	for i := range k.entries {
		if subtle.ConstantTimeCompare(hash[:], k.entries[i].hash[:]) == 1 {
			found, ok = k.entries[i].caller, true
		}
	}
	return found, ok
}

// none reports that no token is configured.
func (k *keyring) none() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.entries) == 0
}

// local reports whether a request comes from this very machine and was meant for
// it. The Host is looked at because a web page can make its own name resolve to
// 127.0.0.1 and so have a browser here ask us.
func local(remote, host string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || (err == nil && addr.Unmap().IsLoopback())
}

// bearer takes the secret out of an Authorization header (RFC 6750, section 2.1).
func bearer(header string) (string, bool) {
	scheme, secret, ok := strings.Cut(header, " ")
	secret = strings.TrimSpace(secret)
	return secret, ok && secret != "" && strings.EqualFold(scheme, "Bearer")
}

const (
	guessesAllowed = 20              // failed attempts in a row that one address has
	guessRegain    = 3 * time.Second // after which it gets one of them back
	guessersKept   = 10_000          // addresses remembered; beyond it the fully recovered go first
)

// guard slows down those who guess tokens: each address has a bucket of failures.
// IPv6 counts by /64, the least that a host gets.
type guard struct {
	mu   sync.Mutex               // protects debt
	debt map[netip.Addr]time.Time // when the address will have regained all its guesses
}

func newGuard() *guard { return &guard{debt: make(map[netip.Addr]time.Time)} }

func guardKey(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{} // a pipe or a socket without address: one bucket for all
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// wait is how long the address must wait before a token of its is looked at; 0:
// not at all.
func (g *guard) wait(remote string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.debt[guardKey(remote)]
	if !known {
		return 0
	}
	return max(at.Sub(now)-(guessesAllowed-1)*guessRegain, 0)
}

// failed notes a wrong token.
func (g *guard) failed(remote string, now time.Time) {
	key := guardKey(remote)
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.debt[key]; !known && len(g.debt) >= guessersKept {
		g.forget(now)
	}
	at := g.debt[key]
	if at.Before(now) {
		at = now
	}
	g.debt[key] = at.Add(guessRegain)
}

// forget makes room: those who have recovered, else anyone.
func (g *guard) forget(now time.Time) {
	for key, at := range g.debt {
		if at.Before(now) {
			delete(g.debt, key)
		}
	}
	for key := range g.debt {
		if len(g.debt) < guessersKept {
			return
		}
		delete(g.debt, key)
	}
}
