package vault

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"math"
	"testing"
)

// nonceBook is an AEAD that notes the nonces under which it encrypts.
type nonceBook struct {
	cipher.AEAD
	seals map[string]int
}

func (n *nonceBook) Seal(dst, nonce, plain, extra []byte) []byte {
	n.seals[string(nonce)]++
	return n.AEAD.Seal(dst, nonce, plain, extra)
}

// TestNonces: nothing is ever encrypted twice under one nonce of one key, which would give it
// away (NIST SP 800-38D, section 8): not what is written over, not what the disk did not take,
// not the parts of a long write. And no two recordings have the same key.
func TestNonces(t *testing.T) {
	_, d, s := newSpool(t)
	book := &nonceBook{AEAD: s.aead, seals: map[string]int{}}
	s.aead = book
	records := 0
	write := func(size int, at int64, failed error) {
		t.Helper()
		d.failed = failed
		if _, err := s.WriteAt(make([]byte, size), at); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		records++
	}
	full := errors.New("no space left on device")
	for k := range int64(300) {
		write(44, 0, nil) // the header, again and again
		write(160, 44+160*k, nil)
		if k%50 == 0 {
			write(160, 44+160*k, full)
			write(160, 44+160*k, full)
		}
	}
	write(3*maxRecord+1, 1<<20, nil)
	records += 3
	if len(book.seals) != records {
		t.Errorf("%d records have %d nonces", records, len(book.seals))
	}
	for nonce, n := range book.seals {
		if n != 1 || len(nonce) != nonceSize {
			t.Errorf("nonce %x is used %d times", nonce, n)
		}
	}
	seen := map[string]uint32{}
	for _, number := range []uint32{0, 1, 255, 256, 1 << 16, 1 << 24, math.MaxUint32} {
		nonce := string(record{number: number}.nonce())
		if other, ok := seen[nonce]; ok {
			t.Errorf("records %d and %d have one nonce", other, number)
		}
		seen[nonce] = number
	}
	_, _, other := newSpool(t)
	same := [2][]byte{s.aead.Seal(nil, make([]byte, nonceSize), []byte("key"), nil), other.aead.Seal(nil, make([]byte, nonceSize), []byte("key"), nil)}
	if bytes.Equal(same[0], same[1]) {
		t.Error("two recordings have one key")
	}
}

// FuzzExtents writes records over each other, of up to 15 octets at up to 255, and holds
// what counts of them against memory that is written over.
func FuzzExtents(f *testing.F) {
	f.Add([]byte{0, 10, 5, 10, 3, 1, 3, 15, 100, 2, 0, 15, 99, 4})
	f.Add([]byte{0, 4, 4, 4, 8, 4, 2, 8, 2, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		var want, got [300]byte
		var x extents
		end := int64(0)
		for n := uint32(1); len(b) >= 2 && n < 250; n, b = n+1, b[2:] {
			at, size := int64(b[0]), int64(b[1]%15)+1
			x.add(record{number: n, size: uint32(size), at: at})
			copy(want[at:at+size], bytes.Repeat([]byte{byte(n)}, int(size)))
			end = max(end, at+size)
		}
		last := int64(0)
		for _, e := range x {
			if e.from < last || e.to <= e.from || e.from < e.at || e.to > e.at+int64(e.size) {
				t.Fatalf("extents %v", x)
			}
			last = e.to
			copy(got[e.from:e.to], bytes.Repeat([]byte{byte(e.number)}, int(e.to-e.from)))
		}
		if got != want || x.end() != end {
			t.Errorf("%v hold %v to %d, want %v to %d", x, got, x.end(), want, end)
		}
		for _, e := range x.within(20, 40) {
			if e.to <= 20 || e.from >= 40 {
				t.Errorf("%v is not within 20 to 40", e)
			}
		}
	})
}
