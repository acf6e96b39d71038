package record

import "slices"

const (
	// maxRuns bounds the runs of a track that are known.
	maxRuns = 32
	// moveLimit is how long a stretch may be that is moved, in samples.
	moveLimit = 60 * 8000
)

// run is a stretch of a track, up to its end, that begins later than what came before it
// leads to: its packets were held up, or its sender's timestamps stood still for a while.
// Which of both it was is told by what comes later: packets that were held up are followed
// by some in time.
type run struct {
	from int64 // its first sample
	room int64 // silence before it, in samples, that comes of its being late
}

// begin notes that a run begins.
func (t *track) begin(r run) {
	if len(t.runs) == maxRuns {
		t.runs = slices.Delete(t.runs, 0, 1)
	}
	t.runs = append(t.runs, r)
}

// goesOn reports whether a packet's timestamp is as far from that of the newest one as
// its sequence number tells.
func (t *track) goesOn(p *placed) bool {
	return t.anchored && int32(p.timestamp-t.timestamp) == int32(int16(p.sequence-t.newest))*p.size
}

// moveBack is told that packets come so much earlier than their place, in samples: those
// before were held up. It moves them back to where they belong, run by run, as far as there
// is room, and returns by how much the track is too late still.
func (t *track) moveBack(early int64, out sink) int64 {
	for i := len(t.runs) - 1; i >= 0 && early > 0; i-- {
		from, by := t.runs[i].from, min(early, t.runs[i].room)
		if room := t.runs[i].room; i > 0 && max(early, room)-min(early, room) <= driftLimit {
			by, early = room, room // as it was sent, one sample behind the other
		}
		if by == 0 {
			continue
		}
		if t.front-from > moveLimit || !out.move(t.channel, from, t.front, by) {
			break
		}
		t.gaps.move(from, by)
		if t.floor > from {
			t.floor -= by
		}
		t.front -= by
		t.position -= by
		early -= by
		t.runs[i].room -= by
		for j := i; j < len(t.runs); j++ {
			t.runs[j].from -= by
		}
	}
	return early
}
