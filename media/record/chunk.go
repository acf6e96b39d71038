package record

import (
	"sync/atomic"
	"time"
	"unsafe"

	"ringpace/media"
)

// The size of a chunk: what one second of a call with packets of 20 ms both ways
// needs.
const (
	chunkEntries = 104
	chunkData    = chunkEntries * packetData
	packetData   = 160 // octets, in 20 ms
)

// entryKind says what an entry of a chunk is.
type entryKind uint8

const (
	entryAudio  entryKind = iota // a packet with samples
	entryOther                   // a packet without: an event, comfort noise
	entryPause                   // the recording was paused
	entryResume                  // and goes on
)

// entry is one thing that happened, in the order of arrival.
type entry struct {
	arrival   time.Duration // since the recording's base
	timestamp uint32
	ssrc      uint32
	sequence  uint16
	segment   uint16 // which tap of the recording saw it
	channel   uint8  // left or right
	kind      entryKind
	codec     media.Codec
	marker    bool
	muted     bool  // came while paused: its samples were not kept
	start     int32 // of the payload in the chunk's data
	size      int32 // samples, also where they were not kept
}

// chunk takes entries on the packet path and gives them to the writer.
type chunk struct {
	entries []entry // the array never grows
	data    []byte  // nor does this
}

func newChunk() *chunk {
	return &chunk{entries: make([]entry, 0, chunkEntries), data: make([]byte, 0, chunkData)}
}

// add takes one entry with its payload and reports false when there is no room.
func (c *chunk) add(e entry, payload []byte) bool {
	if len(c.entries) == cap(c.entries) || len(c.data)+len(payload) > cap(c.data) {
		return false
	}
	e.start = int32(len(c.data))
	c.data = append(c.data, payload...)
	c.entries = append(c.entries, e)
	return true
}

func (c *chunk) payload(e entry) []byte {
	if e.muted || e.kind != entryAudio {
		return nil
	}
	return c.data[e.start : e.start+e.size]
}

// chunkPool hands out chunks up to a limit, which bounds the memory that waits for
// a stalled disk. It is safe for concurrent use and never blocks.
type chunkPool struct {
	free  chan *chunk
	made  atomic.Int64
	limit int64
}

func newChunkPool(memory int64) *chunkPool {
	limit := max(memory/(chunkData+chunkEntries*40), 16)
	return &chunkPool{free: make(chan *chunk, limit), limit: limit}
}

// get returns an empty chunk, or nil when the limit is reached.
func (p *chunkPool) get() *chunk {
	select {
	case c := <-p.free:
		return c
	default:
	}
	if p.made.Add(1) > p.limit {
		p.made.Add(-1)
		return nil
	}
	return newChunk()
}

// used is how many chunks are in use.
func (p *chunkPool) used() int64 { return p.made.Load() - int64(len(p.free)) }

// put takes back a chunk whose entries have been used.
func (p *chunkPool) put(c *chunk) {
	c.entries, c.data = c.entries[:0], c.data[:0]
	p.free <- c // has room for all that were made
}

// approach reads an octet of each cache line into which the next packet will be written.
// Others may take the chunk meanwhile: what it returns says nothing.
//
//go:norace
func (c *chunk) approach() (sum uintptr) {
	if n := len(c.entries); n < cap(c.entries) {
		sum = uintptr(c.entries[:n+1][n].size)
	}
	n := len(c.data)
	next := c.data[n:min(n+packetData, cap(c.data))]
	return sum + media.Touch(unsafe.Pointer(unsafe.SliceData(next)), uintptr(len(next)))
}
