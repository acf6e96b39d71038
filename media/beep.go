package media

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// beepAfter is how long after Begin the first beep comes: when all who are to hear
	// it surely listen.
	beepAfter = 100 * time.Millisecond
	// beepLate is by how much a beep may come late, because nothing was sent when it was
	// due (a party that is silent is stood in for after fillAfter). One that is later
	// is left out.
	beepLate = 2 * fillAfter
	// beepAdrift: when the timestamps of a stream are so far from the clock on the wall,
	// they have jumped.
	beepAdrift = ClockRate / 2
)

// BeepConfig says what a beep is like.
type BeepConfig struct {
	Frequency float64       // Hz
	Level     float64       // dBm0
	Length    time.Duration // of one
	Every     time.Duration // from the beginning of one to that of the next
}

// Beep is a short tone that comes again and again: what tells those who talk that they
// are recorded. It does not change once made, and may sound in any number of
// conversations.
type Beep struct {
	tone  []int16
	every int64 // samples
}

// NewBeep makes a beep.
func NewBeep(c BeepConfig) *Beep {
	b := &Beep{every: int64(c.Every.Seconds()*ClockRate + 0.5)}
	for _, x := range toneSamples([]float64{c.Frequency}, c.Level, c.Length) {
		b.tone = append(b.tone, int16(math.RoundToEven(float64(x)*math.MaxInt16)))
	}
	return b
}

// Beeping is a beep in one conversation, in which all hear it at the same instants. Its
// methods are safe for concurrent use.
type Beeping struct {
	beep   *Beep
	first  time.Time // when the first one begins
	paused atomic.Bool
}

// Begin begins a conversation's beeps, the first of which is near.
func (b *Beep) Begin() *Beeping { return &Beeping{beep: b, first: time.Now().Add(beepAfter)} }

// Pause leaves beeps out from now on; one that sounds goes on to its end.
func (b *Beeping) Pause() { b.paused.Store(true) }

// Resume ends the pause: the next beep comes when it would have come without.
func (b *Beeping) Resume() { b.paused.Store(false) }

// To has the far side of a session hear the beep, from the next packet on, whatever it
// hears besides: the other party, silence or a prompt. silence ends it.
func (b *Beeping) To(s *Session) (silence func()) {
	beeper := &beeper{of: b}
	s.out.admitBeep(beeper)
	return func() { s.out.dismissBeep(beeper) }
}

// Beside has recordings of a session's party (AddTapWithGuests) hold the beep, as the other
// party hears it over this one's voice. silence ends it.
func (b *Beeping) Beside(s *Session) (silence func()) {
	beeper := &beeper{of: b}
	s.chorus.admit(beeper)
	return func() { s.chorus.dismiss(beeper) }
}

// beeper lays a beep over one stream, by that stream's timestamps. The lock of the mixer
// that it is in covers it. Places are counted in samples since the first beep was due.
type beeper struct {
	of        *Beeping
	placed    bool
	timestamp uint32 // this timestamp …
	place     int64  // … is at this place
	next      int64  // place at which the beep begins that is due, or sounds
	sounding  bool
}

// add implements sounder.
func (b *beeper) add(sum []int32, timestamp uint32, now time.Time) (sounds bool) {
	wall := int64(samplesIn(now.Sub(b.of.first)))
	place := b.place + int64(int32(timestamp-b.timestamp))
	if adrift := place - wall; !b.placed || adrift > beepAdrift || adrift < -beepAdrift {
		place = wall
		b.placed, b.sounding, b.next = true, false, b.due(place)
	}
	b.timestamp, b.place = timestamp, place
	n, tone := int64(len(sum)), b.of.beep.tone
	if !b.sounding {
		if b.next >= place+n {
			return false
		}
		late := place - b.next
		if b.of.paused.Load() || late > int64(samplesIn(beepLate)) {
			b.next = b.due(place + n)
			return false
		}
		b.sounding, b.next = true, max(b.next, place)
	}
	for i := range sum {
		if at := place + int64(i) - b.next; at >= 0 && at < int64(len(tone)) {
			sum[i] += int32(tone[at])
			sounds = true
		}
	}
	if place+n >= b.next+int64(len(tone)) {
		b.sounding, b.next = false, b.due(place+n)
	}
	return sounds
}

// due is where the first beep begins that is not before a place.
func (b *beeper) due(place int64) int64 {
	every := b.of.beep.every
	return max(0, (place+every-1)/every) * every
}

// admitBeep has a beep laid over the stream from the next packet on.
func (o *stream) admitBeep(b *beeper) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.overlays.admit(b)
}

// dismissBeep ends what admitBeep began.
func (o *stream) dismissBeep(b *beeper) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.overlays.dismiss(b)
}
