package vault

import (
	"bytes"
	"testing"
)

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
