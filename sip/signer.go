package sip

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strings"
	"sync"

	sipgo "github.com/emiago/sipgo/sip"
)

// signer makes identifiers that prove later that this process made them.
type signer struct {
	key  [32]byte
	macs sync.Pool // of *mac: a call needs half a dozen sums
}

// mac is a keyed hash and room for what goes into it.
type mac struct {
	hash.Hash
	text []byte
}

const branchCookie = sipgo.RFC3261BranchMagicCookie // RFC 3261 section 8.1.1.7

// branch returns a new Via branch for a transaction of that Call-ID and From
// tag: 64 random bits and 64 bits that only this endpoint can compute.
func (s *signer) branch(callID, fromTag string) string {
	r := random(8)
	return branchCookie + r + s.sum("branch", r, callID, fromTag)
}

// ownBranch reports whether branch came from s.branch with these values.
func (s *signer) ownBranch(branch, callID, fromTag string) bool {
	rest, ok := strings.CutPrefix(branch, branchCookie)
	if !ok || len(rest) != 32 {
		return false
	}
	return hmac.Equal([]byte(rest[16:]), []byte(s.sum("branch", rest[:16], callID, fromTag)))
}

// tag returns the To tag for an INVITE from the far side. It is the same for all
// responses to it and to its CANCEL (RFC 3261 section 9.2), whoever makes them.
func (s *signer) tag(callID, fromTag, branch string) string {
	return s.sum("tag", callID, fromTag, branch)
}

func (s *signer) sum(parts ...string) string {
	m, ok := s.macs.Get().(*mac)
	if !ok {
		m = &mac{Hash: hmac.New(sha256.New, s.key[:])}
	}
	defer s.macs.Put(m)
	m.text = m.text[:0]
	for _, p := range parts {
		m.text = append(m.text, 0)
		m.text = append(m.text, p...)
	}
	m.Reset()
	m.Write(m.text)
	m.text = m.Sum(m.text[:0])
	return hex.EncodeToString(m.text[:8])
}

// entropy is read in pieces of a page: each call of the system costs as much as
// hashing some messages.
var entropy = sync.Pool{New: func() any { return bufio.NewReaderSize(rand.Reader, 4096) }}

// random returns n random bytes in hexadecimal.
func random(n int) string {
	var b [32]byte
	r := entropy.Get().(*bufio.Reader)
	_, _ = io.ReadFull(r, b[:n]) // never fails
	entropy.Put(r)
	return hex.EncodeToString(b[:n])
}
