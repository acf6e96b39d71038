package media

import (
	"sync/atomic"
	"time"
)

// SessionStats are the figures of one session since it began.
type SessionStats struct {
	Codec     Codec  // negotiated; 0 before
	Encrypted bool   // SRTP was agreed on
	Sent      uint64 // packets
	Received  uint64 // packets taken
	Lost      uint64 // packets that never came, by sequence number
	Bursts    uint64 // runs of lost packets, however long
	Late      uint64 // packets that came out of order or twice
	// Discarded counts packets that were not taken: Malformed and Strangers.
	Discarded uint64
	Malformed uint64 // not RTP, or of an unknown payload type
	Strangers uint64 // valid, from a source that is not the party's
	Unsent    uint64 // packets for the far side that found no way: on hold, send errors, no event payload type
	Jitter    time.Duration

	// What the far side reported by RTCP; zero before its first report.
	Reported     bool
	RemoteLost   uint64
	RemoteJitter time.Duration
	RoundTrip    time.Duration
}

// EngineStats are the figures of an engine.
type EngineStats struct {
	Sessions  int // open
	Bridges   int // open
	PortsUsed int // pairs; 0 where the operating system chooses the ports
	PortsFree int // pairs that could be taken now

	Received  uint64 // packets taken, over all sessions ever
	Sent      uint64
	Lost      uint64 // packets that never came, by sequence number; it never falls, even if they come late
	Malformed uint64
	Strangers uint64
	Exhausted uint64 // sessions refused for want of ports
	ClockLate uint64 // ticks of the 20 ms clock that came more than one period late
}

// counters are totals that outlive sessions.
type counters struct {
	received, sent, malformed, strangers, exhausted atomic.Uint64
}

// reception follows the sequence numbers and arrival times of one source, as
// RFC 3550 appendix A.1, A.3 and A.8 do, without A.1's probation of new sources: the
// guard has that task. Figures of earlier sources are added up.
type reception struct {
	ssrc     uint32
	started  bool
	base     uint32 // extended sequence number of the source's first packet
	highest  uint32 // extended
	first    uint32 // timestamp of the source's first packet
	newest   uint32 // timestamp of the packet with the highest number
	astray   uint16 // number of the last packet that was far off
	run      int    // packets far off, in sequence, since one that was not
	current  uint64 // packets of this source
	received uint64 // packets of all sources
	lostOld  uint64 // packets that earlier sources lost
	late     uint64
	bursts   uint64 // gaps in the sequence numbers; one that late packets fill stays counted

	transit    int32 // arrival minus timestamp of the last packet, in samples
	hasTransit bool
	jitter     float64 // samples, section 6.4.1

	reportExpected, reportReceived uint64 // at the last report, for the fraction lost
}

// maxMisorder and maxDropout bound what is taken for reordering and for loss
// (RFC 3550 appendix A.1). A source whose numbers are further off has begun anew, or it
// is a packet of long ago that comes again: restartRun packets in sequence, with none
// of the old numbers among them, show a new beginning, and replayRun do where their
// timestamps are those of what the source sent before.
const (
	maxDropout  = 3000
	maxMisorder = 100
	restartRun  = 2
	replayRun   = 25
)

// update takes one packet and reports whether it is of the stream: one whose number
// is far off is not, until the source is known to have begun anew. Events repeat
// their timestamp, so that their transit time says nothing (timed false).
func (r *reception) update(h header, arrival time.Duration, timed bool) bool {
	step := int32(int16(h.sequence - uint16(r.highest)))
	same := r.started && h.ssrc == r.ssrc
	far := step > maxDropout || step < -maxMisorder
	if same && far && r.stray(h) {
		r.late++
		return false
	}
	r.run = 0
	r.received++
	switch {
	case !same || far:
		r.lostOld += r.lostNow()
		r.started, r.ssrc = true, h.ssrc
		// Room below, so that reordered packets before the first do not wrap.
		r.base = 1<<16 | uint32(h.sequence)
		r.highest = r.base
		r.first, r.newest = h.timestamp, h.timestamp
		r.current, r.hasTransit = 0, false
		r.reportExpected, r.reportReceived = 0, 0
	case step > 0:
		if step > 1 {
			r.bursts++
		}
		r.highest += uint32(step)
		r.newest = h.timestamp
	default:
		r.late++
	}
	r.current++
	if timed {
		r.measure(h.timestamp, arrival)
	}
	return true
}

// stray judges a packet whose number is far off.
func (r *reception) stray(h header) bool {
	if r.run == 0 || h.sequence != r.astray+1 {
		r.run = 0
	}
	r.run++
	r.astray = h.sequence
	if r.newest-h.timestamp <= r.newest-r.first {
		return r.run < replayRun
	}
	return r.run < restartRun
}

// measure updates the jitter estimate; arrival is on any steady clock.
func (r *reception) measure(timestamp uint32, arrival time.Duration) {
	transit := int32(uint32(arrival.Microseconds()*(ClockRate/1000)/1000) - timestamp)
	if r.hasTransit {
		d := float64(transit - r.transit)
		if d < 0 {
			d = -d
		}
		if d < ClockRate { // more is a jump of the timestamp, not jitter
			r.jitter += (d - r.jitter) / 16
		}
	}
	r.transit, r.hasTransit = transit, true
}

// expected is how many packets of this source there should have been.
func (r *reception) expected() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.highest-r.base) + 1
}

func (r *reception) lostNow() uint64 {
	if e := r.expected(); e > r.current {
		return e - r.current
	}
	return 0
}

func (r *reception) lost() uint64 { return r.lostOld + r.lostNow() }
