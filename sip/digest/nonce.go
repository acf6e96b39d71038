package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

const (
	nonceLife = 2 * time.Minute // how long a nonce of ours is accepted
	maxNonces = 1 << 16         // of each generation: what memory they may take
	window    = 64              // how far behind the highest count one may come late
)

// nonces makes nonces and tells whether one is ours, fresh, and not replayed. They
// carry their time and a signature, so that a flood of requests without
// credentials costs no memory; only those that came back with the right password
// are remembered, for as long as they live.
type nonces struct {
	key [32]byte

	mu        sync.Mutex // protects the fields below
	since     time.Time  // when now began
	now, past map[string]*counts
}

// counts is what a nonce has been used for (RFC 7616 section 3.3, nonce-count).
// Requests may overtake each other on UDP, so a count may come late, but only once.
type counts struct {
	highest uint32
	seen    uint64 // bit n: highest-n was used
}

// nonceSize is the time in ms, a random number, and the signature.
const nonceSize = 8 + 8 + 16

// make returns a nonce for use from that source address.
func (n *nonces) make(now time.Time, source string) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, nonceSize), uint64(now.UnixMilli()))
	b = b[:16]
	_, _ = rand.Read(b[8:16]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(b, n.sign(b, source)...))
}

func (n *nonces) sign(stamp []byte, source string) []byte {
	h := hmac.New(sha256.New, n.key[:])
	h.Write(stamp)
	h.Write([]byte(source))
	return h.Sum(nil)[:16]
}

// check reports whether a nonce is ours, and whether it is still fresh.
func (n *nonces) check(nonce, source string, now time.Time) (ours, fresh bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceSize || !hmac.Equal(b[16:], n.sign(b[:16], source)) {
		return false, false
	}
	age := now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]))))
	return true, age >= 0 && age <= nonceLife
}

// use takes one count of a fresh nonce. It reports false when that was taken
// before, or is so far behind that it could have been.
func (n *nonces) use(nonce string, count uint32, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.now == nil || now.Sub(n.since) > nonceLife {
		// What is older than one generation has expired, and needs no memory.
		n.past, n.now, n.since = n.now, map[string]*counts{}, now
	}
	c := n.now[nonce]
	if c == nil {
		c = n.past[nonce]
	}
	if c == nil {
		if len(n.now) >= maxNonces {
			return false // what is not remembered could be replayed
		}
		n.now[nonce] = &counts{highest: count, seen: 1}
		return true
	}
	if count > c.highest {
		c.seen = c.seen<<(count-c.highest) | 1 // by 64 and more: nothing is left
		c.highest = count
		return true
	}
	behind := c.highest - count
	if behind >= window || c.seen&(1<<behind) != 0 {
		return false
	}
	c.seen |= 1 << behind
	return true
}
