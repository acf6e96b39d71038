package record

// How far sequence numbers may move before a source is taken to have started anew
// (RFC 3550 appendix A.1), and how far back repeats are told from late packets.
const (
	maxDropout    = 3000
	maxMisorder   = 100
	sequenceDepth = 64
)

// sequencer follows the sequence numbers of one channel: it tells repeats from late
// packets and counts what never came.
type sequencer struct {
	started   bool
	base      int64 // extended sequence numbers
	highest   int64
	seen      uint64 // bit k: highest-k came
	came      int64  // since base, without repeats
	lostOld   int64  // by earlier sources
	cameTotal int64
}

// restart begins with another source.
func (s *sequencer) restart() {
	s.lostOld += s.lostNow()
	s.started = false
}

// isNewest reports whether a packet goes further than all before.
func (s *sequencer) isNewest(sequence uint16) bool {
	step := int16(sequence - uint16(s.highest))
	return !s.started || step > 0 || step < -maxMisorder
}

// take notes a packet. Fresh is false for one that came before, or so late that
// nobody can tell; newest is true if it goes further than all before; missing is
// then how many were left out since.
func (s *sequencer) take(sequence uint16) (fresh, newest bool, missing int64) {
	step := int64(int16(sequence - uint16(s.highest)))
	if s.started && (step > maxDropout || step < -maxMisorder) {
		s.restart()
	}
	switch {
	case !s.started:
		s.started = true
		s.base = 1<<16 + int64(sequence)
		s.highest, s.seen, s.came = s.base, 1, 0
		newest = true
	case step > 0:
		s.highest += step
		s.seen = s.seen<<step | 1
		newest, missing = true, step-1
	case step <= -sequenceDepth || s.seen&(1<<-step) != 0:
		return false, false, 0
	default:
		s.seen |= 1 << -step
		s.base = min(s.base, s.highest+step)
	}
	s.came++
	s.cameTotal++
	return true, newest, missing
}

func (s *sequencer) lostNow() int64 {
	if !s.started {
		return 0
	}
	return s.highest - s.base + 1 - s.came
}

// lost is how many packets never came, over all sources.
func (s *sequencer) lost() int64 { return s.lostOld + s.lostNow() }
