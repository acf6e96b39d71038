package record

import (
	"bytes"
	"cmp"
	"math"

	"ringpace/media"
)

// The rules of placement, in samples of 125 us.
const (
	// aheadLimit: a packet whose timestamp puts it further into the future than
	// this has a timestamp that jumped.
	aheadLimit = 200 * 8
	// behindLimit: one that arrives later than this after its place was held up on
	// the way, or its sender's timestamps stood still; what follows tells which.
	behindLimit = 200 * 8
	// heldUpLimit: no packet is held up for longer than this, whatever follows it; its
	// sender's timestamps jumped back.
	heldUpLimit = 30 * 8000
	// spurtLimit is the same both ways at a marker bit: senders that did not count
	// on through a silence start anew there.
	spurtLimit = 100 * 8
	// driftLimit: how far the sender's clock may run away from ours before the
	// track is set right, judged by the least delayed of driftWindow packets.
	driftLimit  = 40 * 8
	driftWindow = 250
	// anchorSlack: an anchor that jitter set by no more than this too late stays, since
	// to set it right would cost what was said in that time.
	anchorSlack = 100 * 8
	// lateLimit is how far back a late packet may belong.
	lateLimit = sequenceDepth * 60 * 8
	// lookahead is how many packets are looked at for the jitter of an anchor.
	lookahead = 50
	// evidence is how long a channel must have been heard before an anchor is set:
	// packets that were held up, on the way or by a busy machine, come in a burst
	// after the first. When that much did not come within evidenceWait, what there
	// is must do.
	evidence     = 200 * 8
	evidenceWait = 400 * 8
)

// placed is an entry with what the writer needs beside.
type placed struct {
	entry
	payload []byte // nil where muted
	at      int64  // arrival, in samples since the recording's base
}

// sink takes samples of G.711 at their place.
type sink interface {
	// put places n samples of a channel; nil samples are silence.
	put(channel uint8, position int64, samples []byte, n int, codec media.Codec)
	// move brings what a channel has from one place up to another nearer to the start, by
	// so many samples, and leaves silence. False: it cannot be done, and all is as before.
	move(channel uint8, from, to, by int64) bool
}

// track places the packets of one channel on the recording's time line. The first
// packet of a tap or source is placed by its arrival; those after it by their RTP
// timestamps, so that loss, reordering and silence keep time. The track is anchored
// anew when timestamps jump, and set right when clocks drift apart. What was placed too late,
// since it was held up for long, is moved to its place when packets come in time again.
type track struct {
	channel uint8
	codec   media.Codec // of the recording; 0: samples stay in the codec that they came in
	zero    int64       // the time line's start, in samples since the recording's base

	begun     bool
	segment   uint16
	ssrc      uint32
	anchored  bool
	pending   []placed // not placed yet, for want of evidence
	timestamp uint32   // this timestamp …
	newest    uint16   // … of the packet of this number …
	position  int64    // … lies here on the time line
	floor     int64    // nothing is placed before this
	front     int64    // the end of what is placed
	runs      []run    // in their order; the first begins with the source, or where its timestamps jumped

	least   int64 // delay of the least delayed packet in this drift window
	counted int
	usual   int64 // what it was in the anchor's first window, within anchorSlack
	settled bool  // that window is over

	sequence sequencer
	gaps     gapList
	cut      gapList // where packets came whose place was taken
	level    levelMeter
}

// place puts a batch of the channel's packets, in the order of arrival, into out. Those
// for whose place there is no evidence yet are kept for the next call, unless now, in
// samples since the recording's base, says that they waited long enough.
func (t *track) place(batch []placed, out sink, now int64) {
	for i := range batch {
		p := &batch[i]
		if !t.begun || p.segment != t.segment || p.ssrc != t.ssrc {
			t.begun, t.anchored = true, false
			t.segment, t.ssrc = p.segment, p.ssrc
			t.sequence.restart()
		}
		anchor := !t.anchored || t.sequence.isNewest(p.sequence) && t.broken(batch[i:])
		if anchor && p.kind == entryAudio && !enough(batch[i:], now) {
			t.keep(batch[i:])
			return
		}
		fresh, newest, missing := t.sequence.take(p.sequence)
		if !fresh || p.kind != entryAudio {
			continue
		}
		absent := int64(math.MaxInt64) // silence before it is what never came
		if anchor {
			newest = true
			if t.anchor(batch[i:], out) {
				absent = missing * int64(p.size) // as far as its number tells
			}
		}
		if missing == 0 {
			absent = 0
		}
		position := t.positionOf(p.timestamp)
		if !newest && (position+int64(p.size) > t.front || position < t.front-lateLimit) {
			continue // late by its sequence number, but not by its timestamp
		}
		t.put(p, position, newest, absent, out)
		if newest {
			t.timestamp, t.newest, t.position = p.timestamp, p.sequence, position
			t.drift(p.at-t.zero-position, out)
		}
	}
}

// enough reports whether the batch tells where its first packet belongs.
func enough(batch []placed, now int64) bool {
	first := batch[0].at
	return batch[len(batch)-1].at-first >= evidence || now-first >= evidenceWait
}

// keep copies packets, whose payloads are only lent, for the next batch.
func (t *track) keep(batch []placed) {
	for _, p := range batch {
		p.payload = bytes.Clone(p.payload)
		t.pending = append(t.pending, p)
	}
}

// positionOf is where a timestamp lies by the present anchor.
func (t *track) positionOf(timestamp uint32) int64 {
	return t.position + int64(int32(timestamp-t.timestamp))
}

// late is how much later than its place a packet arrived.
func (t *track) late(p *placed) int64 { return p.at - t.zero - t.positionOf(p.timestamp) }

// broken reports whether the first packet of the batch cannot be placed by the
// present anchor.
func (t *track) broken(batch []placed) bool {
	p := &batch[0]
	if p.kind != entryAudio {
		return false
	}
	late, behind := t.late(p), int64(behindLimit)
	switch {
	case late < -aheadLimit || p.marker && late < -spurtLimit:
		return true
	case p.marker:
		behind = spurtLimit
	}
	return late > behind && (late > heldUpLimit || !t.catchesUp(batch, behind))
}

// catchesUp reports whether later packets of the same source arrived in time, which
// says that the first ones were held up, and not that timestamps stood still.
func (t *track) catchesUp(batch []placed, behind int64) bool {
	for i := range batch {
		p := &batch[i]
		if p.segment != t.segment || p.ssrc != t.ssrc {
			return false
		}
		if p.kind == entryAudio && t.late(p) <= behind {
			return true
		}
	}
	return false
}

// anchor places the first packet of the batch by its arrival, less what the jitter
// of the packets after it shows it to be late. Where that lies before the end of what is
// there, it is moved on by part of a packet, so that those behind the end are whole. False:
// it was the packets before that were held up, and the anchor stays.
func (t *track) anchor(batch []placed, out sink) bool {
	p := &batch[0]
	at := earliest(batch) - t.zero
	late := at - t.positionOf(p.timestamp)
	switch {
	case !t.goesOn(p):
		t.runs = append(t.runs[:0], run{max(at, t.front), max(at-t.front, 0)})
	case late > 0:
		t.begin(run{at, late})
	default:
		rest := t.moveBack(-late, out)
		if rest == 0 {
			t.counted = 0
			return false
		}
		at = t.positionOf(p.timestamp) - rest
		t.runs = append(t.runs[:0], run{from: t.front})
	}
	if before := t.front - at; before > 0 {
		at += before % int64(p.size)
	}
	t.anchored = true
	t.timestamp, t.newest, t.position = p.timestamp, p.sequence, at
	t.floor = t.front
	t.counted, t.usual, t.settled = 0, 0, false
	return true
}

// earliest is the arrival of the batch's first packet, as it would have been with
// the least delay that its source's next packets had.
func earliest(batch []placed) int64 {
	first := &batch[0]
	best := first.at
	for i := range batch[:min(len(batch), lookahead)] {
		p := &batch[i]
		if p.segment != first.segment || p.ssrc != first.ssrc || i > 0 && p.marker {
			break
		}
		if p.kind != entryAudio {
			continue
		}
		at := p.at - int64(int32(p.timestamp-first.timestamp))
		if at < best-aheadLimit {
			break // a jump, not jitter
		}
		best = min(best, at)
	}
	return best
}

// put places one packet, without what would overwrite another anchor's samples, which is
// told. Of the silence before it, up to so many samples are for packets that never came.
func (t *track) put(p *placed, position int64, newest bool, absent int64, out sink) {
	n, samples := int64(p.size), p.payload
	if skip := max(t.floor, 0) - position; skip > 0 {
		if from, to := max(position, 0), position+min(skip, n); samples != nil && to > from {
			t.cut.add(from, to-from)
		}
		if skip >= n {
			return
		}
		position, n = position+skip, n-skip
		if samples != nil {
			samples = samples[skip:]
		}
	}
	switch {
	case absent > 0 && position > t.front:
		t.gaps.add(t.front, min(absent, position-t.front)) // first, for the rest may be moved over
	case !newest:
		t.gaps.fill(position, n)
	}
	t.front = max(t.front, position+n)
	codec := cmp.Or(t.codec, p.codec)
	if samples != nil {
		media.Transcode(samples, p.codec, codec)
		t.level.add(samples, codec)
	}
	out.put(t.channel, position, samples, int(n), codec)
}

// drift sets the track right when even the least delayed packets have come to
// arrive far from their place.
func (t *track) drift(late int64, out sink) {
	if t.counted == 0 || late < t.least {
		t.least = late
	}
	if t.counted++; t.counted < driftWindow {
		return
	}
	t.counted = 0
	off := t.least - t.usual
	if off < -driftLimit {
		off = -t.moveBack(-off, out)
	}
	if !t.settled && off < 0 && off >= -anchorSlack {
		t.usual, off = off, 0
	}
	t.settled = true
	switch {
	case off > driftLimit:
		t.begin(run{t.front + off, off})
	case off < -driftLimit:
		t.runs = append(t.runs[:0], run{from: t.front})
	default:
		return
	}
	t.position += off
	t.floor = t.front
}
