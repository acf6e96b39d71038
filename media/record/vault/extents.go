package vault

import (
	"encoding/binary"
	"slices"
	"sort"
)

// record is a stretch of the plain text in a spool.
type record struct {
	number, size uint32 // size in octets
	at           int64  // its place in the plain text
	lies         int64  // that of its cipher text in the file
}

// head appends what stands before the cipher text.
func (r record) head(b []byte) []byte {
	le := binary.LittleEndian
	return le.AppendUint64(le.AppendUint32(le.AppendUint32(b, r.number), r.size), uint64(r.at))
}

// parseHead reads what head wrote, at a place in the file.
func parseHead(b []byte, at int64) record {
	le := binary.LittleEndian
	return record{number: le.Uint32(b), size: le.Uint32(b[4:]), at: int64(le.Uint64(b[8:])), lies: at + recordHead}
}

// end is the place in the file behind it.
func (r record) end() int64 { return r.lies + int64(r.size) + tagSize }

// nonce is the one under which it is encrypted.
func (r record) nonce() []byte {
	return binary.LittleEndian.AppendUint32(make([]byte, 0, nonceSize), r.number)[:nonceSize]
}

// extent is the part of a record that no later one was written over.
type extent struct {
	from, to int64
	record
}

// extents are what counts of a log of records, in order; none lies over another.
type extents []extent

// add takes the next record, which goes before all that were.
func (x *extents) add(r record) {
	e := extent{r.at, r.at + int64(r.size), r}
	list := *x
	i := list.search(e.from)
	j := i
	for j < len(list) && list[j].from < e.to {
		j++
	}
	fresh := make([]extent, 0, 3)
	if j > i && list[i].from < e.from {
		fresh = append(fresh, extent{list[i].from, e.from, list[i].record})
	}
	fresh = append(fresh, e)
	if j > i && list[j-1].to > e.to {
		fresh = append(fresh, extent{e.to, list[j-1].to, list[j-1].record})
	}
	*x = slices.Replace(list, i, j, fresh...)
}

// search returns the index of the first extent that ends after a place.
func (x extents) search(place int64) int {
	return sort.Search(len(x), func(i int) bool { return x[i].to > place })
}

// within returns the extents that have part of [from, to).
func (x extents) within(from, to int64) []extent {
	i := x.search(from)
	j := i
	for j < len(x) && x[j].from < to {
		j++
	}
	return x[i:j]
}

// end is where the last one ends.
func (x extents) end() int64 {
	if len(x) == 0 {
		return 0
	}
	return x[len(x)-1].to
}
