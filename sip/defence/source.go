package defence

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// key names a source: an IPv4 address, or the first 64 bits of an IPv6 address,
// which is what one subscriber has (RFC 6177 section 2).
type key [16]byte

func keyOf(a netip.Addr) key {
	a = a.Unmap()
	k := key(a.As16())
	if a.Is6() {
		clear(k[8:])
	}
	return k
}

// prefix is the source as it is shown and listed.
func (k key) prefix() netip.Prefix {
	a := netip.AddrFrom16(k)
	if a.Is4In6() {
		return netip.PrefixFrom(a.Unmap(), 32)
	}
	return netip.PrefixFrom(a, 64)
}

// Source is what counts as one source with an address: the address itself, or the
// /64 of an IPv6 address.
func Source(a netip.Addr) netip.Prefix { return keyOf(a).prefix() }

// source is what is remembered of one.
type source struct {
	key      key
	seen     time.Duration // since the guard began; 0: the entry is free
	tokens   float64       // messages that it may send now
	excess   float64       // messages dropped since the bucket was full last
	struck   time.Duration // when the latest of the following was counted
	hits     int           // scanner marks
	failures int           // failed digests
	refusals int           // requests that were refused
	proved   time.Duration // until when it counts as proved
}

// ways is how many sources share one set of the table.
const ways = 8

// table keeps the sources that were seen last: sets of a fixed size, chosen by a
// hash with a secret seed; in a full set the source that was silent longest goes.
// So it is bounded, and an attacker with many addresses can neither make it slow
// nor choose whom to push out. Sources that have proved themselves are kept apart:
// forged addresses, however many, push out none of them.
type table struct {
	seed   maphash.Seed
	sets   [][ways]source
	proved map[key]*source // no more than maxProved
}

func newTable(size int) *table {
	sets := 1
	for sets*ways < size {
		sets *= 2
	}
	return &table{seed: maphash.MakeSeed(), sets: make([][ways]source, sets), proved: map[key]*source{}}
}

// find returns the entry of a source, and whether it is a new one.
func (t *table) find(k key) (s *source, fresh bool) {
	if s := t.proved[k]; s != nil {
		return s, false
	}
	set := &t.sets[maphash.Comparable(t.seed, k)&uint64(len(t.sets)-1)]
	oldest := &set[0]
	for i := range set {
		s := &set[i]
		if s.key == k && s.seen != 0 {
			return s, false
		}
		if s.seen < oldest.seen {
			oldest = s
		}
	}
	*oldest = source{key: k}
	return oldest, true
}

// peek returns the entry of a source, or nil.
func (t *table) peek(k key) *source {
	if s := t.proved[k]; s != nil {
		return s
	}
	set := &t.sets[maphash.Comparable(t.seed, k)&uint64(len(t.sets)-1)]
	for i := range set {
		if s := &set[i]; s.key == k && s.seen != 0 {
			return s
		}
	}
	return nil
}

// prove keeps an entry of the table among those that proved themselves, until then,
// and returns where it is now. When there are too many, of some, which are never the
// same, the one goes whose proof ends, or ended, first.
func (t *table) prove(s *source, until time.Duration) *source {
	if kept := t.proved[s.key]; kept != nil {
		kept.proved = max(kept.proved, until)
		return kept
	}
	if len(t.proved) >= maxProved {
		const looked = 16
		var first *source
		n := 0
		for _, other := range t.proved { // begins anywhere
			if first == nil || other.proved < first.proved {
				first = other
			}
			if n++; n == looked {
				break
			}
		}
		delete(t.proved, first.key)
	}
	kept := *s
	kept.proved = until
	*s = source{} // free
	t.proved[kept.key] = &kept
	return &kept
}

// used is how many sources are remembered.
func (t *table) used() int {
	n := len(t.proved)
	for i := range t.sets {
		for j := range t.sets[i] {
			if t.sets[i][j].seen != 0 {
				n++
			}
		}
	}
	return n
}
