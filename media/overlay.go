package media

import (
	"math"
	"time"
)

// overlayLate is how late an overlay may begin, because nothing could be sent. Later it
// would tell of what is no news any more, and is left out.
const overlayLate = time.Second

// overlay is a prompt that is laid over one stream, by that stream's timestamps. The
// stream's lock covers it.
type overlay struct {
	samples []int16
	length  int       // samples in all, over which the prompt goes round
	asked   time.Time // when it was to begin
	begun   bool
	start   uint32 // timestamp at which it began
	over    bool
}

// Overlay lays p over whatever the far side of the session hears besides — the other
// party, silence, a prompt —, gain dB louder than it is, from the next packet on: what else
// is to be heard is neither held up nor left out. It goes on for length, to the end of the
// prompt's round; 0 is one round. There is one overlay at a time: the next takes the place
// of the one before, and stop ends it.
func (s *Session) Overlay(p *Prompt, gain float64, length time.Duration) (stop func()) {
	factor := math.Pow(10, gain/20)
	v := &overlay{samples: make([]int16, len(p.alaw)), asked: time.Now()}
	for i, x := range p.alaw {
		v.samples[i] = saturate(int32(math.RoundToEven(factor * float64(PCMA.Decode(x)))))
	}
	round := max(1, len(v.samples))
	v.length = max(1, int(math.Ceil(length.Seconds()*ClockRate/float64(round)))) * round
	s.out.layOver(v)
	return func() { s.out.takeOff(v) }
}

// add implements sounder.
func (v *overlay) add(sum []int32, timestamp uint32, now time.Time) (sounds bool) {
	if !v.begun {
		if now.Sub(v.asked) > overlayLate {
			v.over = true
			return false
		}
		v.begun, v.start = true, timestamp
	}
	at := int(int32(timestamp - v.start))
	if at < -ClockRate || at+len(sum) >= v.length { // or the timestamps have jumped
		v.over = true
	}
	for i := range sum {
		if k := at + i; k >= 0 && k < v.length && len(v.samples) > 0 {
			sum[i] += int32(v.samples[k%len(v.samples)])
			sounds = true
		}
	}
	return sounds
}

// layOver begins an overlay.
func (o *stream) layOver(v *overlay) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endOverlay()
	o.overlay = v
	o.overlays.admit(v)
	o.nap.wake()
}

// takeOff ends v if it is still heard.
func (o *stream) takeOff(v *overlay) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.overlay == v {
		o.endOverlay()
	}
}

func (o *stream) endOverlay() {
	if o.overlay != nil {
		o.overlays.dismiss(o.overlay)
		o.overlay = nil
	}
}

// lay mixes what is laid over the stream to the samples of a packet.
func (o *stream) lay(payload []byte, timestamp uint32, now time.Time) {
	o.overlays.mix(payload, o.format.codec.law(), timestamp, now, false)
	if o.overlay != nil && o.overlay.over {
		o.endOverlay()
	}
}
