package media

import "time"

// relayInput maps the source's sequence numbers and timestamps to the stream's.
type relayInput struct {
	synced         bool
	ssrc           uint32
	first          uint16 // sequence number at which the mapping begins
	highest        uint16
	newest         uint16 // sequence number of the newest audio packet
	timestamp      uint32 // of that
	at             time.Time
	sequenceOffset uint16
	timeOffset     uint32
	skipped        uint16 // where the run of packets begins that were left out last
	skips          uint16 // how many they were
}

// sync starts a new mapping with the packet h.
func (in *relayInput) sync(h header, sequence uint16, timestamp uint32, now time.Time) {
	*in = relayInput{
		synced: true, ssrc: h.ssrc, first: h.sequence, highest: h.sequence - 1, newest: h.sequence - 1,
		timestamp: h.timestamp, at: now,
		sequenceOffset: sequence - h.sequence, timeOffset: timestamp - h.timestamp,
	}
}

// jumped reports whether the source's numbers moved in a way that neither loss nor
// silence explains, so that passing them on would break the stream.
func (in *relayInput) jumped(h header, codec Codec, now time.Time) bool {
	step := int16(h.sequence - in.highest)
	if step > maxDropout || step < -maxMisorder {
		return true
	}
	if !codec.Audio() {
		return false // an event's timestamp stays at its start
	}
	if int16(h.sequence-in.newest) <= 0 { // late; or the source counts anew from a little lower
		return int32(h.timestamp-in.timestamp) > 0
	}
	if step == 1 && h.timestamp-in.timestamp-1 < maxFrame {
		return false // the next one, however late: it, or we, were held up
	}
	elapsed := int32(now.Sub(in.at).Microseconds() * (ClockRate / 1000) / 1000)
	off := int32(h.timestamp-in.timestamp) - elapsed
	return off > ClockRate || off < -ClockRate
}

// misplaced reports whether a late packet's timestamp is not of the time that its
// number is of.
func (in *relayInput) misplaced(h header) bool {
	return int16(h.sequence-in.newest) <= 0 && int32(h.timestamp-in.timestamp) < -maxMisorder*maxFrame
}

// skip leaves a packet out without a hole in the sequence numbers.
func (in *relayInput) skip(h header) {
	if int16(h.sequence-in.highest) <= 0 {
		return
	}
	if h.sequence != in.skipped+in.skips {
		if in.skips > 0 {
			in.first = in.skipped + in.skips // what is older has no number any more
		}
		in.skipped, in.skips = h.sequence, 0
	}
	in.skips++
	in.sequenceOffset--
	in.highest = h.sequence
}

// offsetAt is the offset of a sequence number: packets that are left out count only
// for those behind them.
func (in *relayInput) offsetAt(sequence uint16) uint16 {
	if int16(sequence-in.skipped) < 0 && in.skips > 0 {
		return in.sequenceOffset + in.skips
	}
	return in.sequenceOffset
}
