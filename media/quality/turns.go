package quality

import (
	"math"
	"math/bits"

	"ringpace/media"
)

// Who speaks is judged for slots of 10 ms by their power, in steps of a factor of two.
const (
	slotBlocks = 8
	slotFrames = slotBlocks * blockFrames

	// stepFloor: a slot whose sum of squares has fewer bits than this, -48 dBov, is
	// silence in any case, whoever speaks.
	stepFloor = 20
	steps     = 18 // with that of silence

	// bridged is how many slots a pause within speech has at most.
	bridged = 20
	// wordSlots are the loud slots of a first word. A click has fewer.
	wordSlots = 10
)

// stepOf is the step of a slot with that sum of squares.
func stepOf(squares uint64) uint8 {
	return uint8(max(0, min(steps-1, bits.Len64(squares)-stepFloor)))
}

// stepAt is the step whose least power is next to a level in dBov.
func stepAt(dBov float64) int {
	lowest := decibels(float64(int(1)<<stepFloor) / slotFrames / (1 << 30))
	return max(1, min(steps-1, 1+int(math.Round((dBov-lowest)/decibels(2)))))
}

// turns counts who speaks when, for every step that may turn out to part speech from
// noise.
type turns struct {
	slots  int64
	recent [bridged][channels]uint8 // the newest last; pauses in it are filled already
	// together counts the slots in which the left and the right channel had these steps.
	together [steps][steps]int64
	words    [channels]firstWord
}

// slot takes the steps of a slot.
func (t *turns) slot(now [channels]uint8) {
	if t.slots >= bridged {
		t.together[t.recent[0][left]][t.recent[0][right]]++
	}
	for c, step := range now {
		t.words[c].slot(t.slots, int(step))
		if step > t.recent[bridged-1][c] {
			t.bridge(c, step)
		}
	}
	copy(t.recent[:], t.recent[1:])
	t.recent[bridged-1] = now
	t.slots++
}

// bridge fills the pauses that end with this step.
func (t *turns) bridge(channel int, step uint8) {
	before := uint8(0)
	for i := range t.recent {
		at := &t.recent[i][channel]
		before = max(before, *at)
		*at = max(*at, min(before, step))
	}
}

// spoken sums the slots in which the steps were at least these: of the left channel, of
// the right one, and of both at once.
func (t *turns) spoken(leftStep, rightStep int) (leftSlots, rightSlots, both int64) {
	count := func(l, r int, n int64) {
		if l >= leftStep {
			leftSlots += n
		}
		if r >= rightStep {
			rightSlots += n
		}
		if l >= leftStep && r >= rightStep {
			both += n
		}
	}
	for l := range t.together {
		for r, n := range t.together[l] {
			count(l, r, n)
		}
	}
	for _, s := range t.recent[bridged-min(bridged, t.slots):] {
		count(int(s[left]), int(s[right]), 1)
	}
	return leftSlots, rightSlots, both
}

// firstWord looks for the first word of one channel, at every step.
type firstWord struct {
	found int // the highest step at which there was one
	begun [steps]int64
	last  [steps]int64 // slot at which the step was reached
	loud  [steps]int
}

func (w *firstWord) slot(now int64, step int) {
	for s := w.found + 1; s <= step; s++ {
		if w.loud[s] == 0 || now-w.last[s] > bridged {
			w.begun[s], w.loud[s] = now, 0
		}
		w.last[s] = now
		if w.loud[s]++; w.loud[s] == wordSlots {
			w.found = s
		}
	}
}

// at is the slot in which the first word begins; false where none was heard.
func (w *firstWord) at(step int) (int64, bool) { return w.begun[step], step <= w.found }

// slotsPerSecond turns slots into time.
const slotsPerSecond = media.ClockRate / slotFrames
