package media

import (
	"math"
	"slices"
	"testing"
	"time"
)

// TestOverlay holds that who hears a tone over the other party's voice hears every sample
// of that as without it, with the tone added, in as many packets and from the first one on;
// that the other party hears nothing of it; and that afterwards all is as before, to the
// octet.
func TestOverlay(t *testing.T) {
	for formats, codec := range map[string]Codec{"8": PCMA, "0": PCMU} {
		talk := func(tone bool) *talkers {
			k := newTalkers(t, formats)
			k.customer.says, k.agent.says = sine(codec, 440, 6000), sine(codec, 1130, 6000)
			if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
				t.Fatal(err)
			}
			if tone {
				k.agent.Overlay(PromptTone([]float64{1400}, -14, 200*ms), -6, 0)
			}
			k.pass(40)
			return k
		}
		plain, laid := talk(false), talk(true)
		want, got := plain.agent.heard(0), laid.agent.heard(0)
		if len(got) != len(want) || len(got) < 39*160 {
			t.Fatalf("%s: %d samples, %d without the tone", codec, len(got), len(want))
		}
		rest := make([]int16, len(got))
		for i := range got {
			rest[i] = got[i] - want[i]
		}
		spans := beepsIn(t, rest, -20)
		if len(spans) != 1 || spans[0][0] > 80 || math.Abs(float64(spans[0][1]-1600)) > 80 {
			t.Errorf("%s: the tone is at samples %v, want 0 to 1600", codec, spans)
		}
		if !slices.Equal(got[1760:], want[1760:]) {
			t.Errorf("%s: the voice is not as before after the tone", codec)
		}
		if !slices.Equal(laid.customer.heard(0), plain.customer.heard(0)) {
			t.Errorf("%s: the other party hears it", codec)
		}
		if n := len(laid.agent.out.overlays.voices); n != 0 {
			t.Errorf("%s: %d voices are left", codec, n)
		}
	}
}

// TestOverlayGoesRound holds that a tone goes on for as long as it is asked for, to the end
// of its round, that the next one takes its place, that it can be ended, and that one that
// could not begin is left out.
func TestOverlayGoesRound(t *testing.T) {
	tone := PromptTone([]float64{1400}, -20, 60*ms, 140*ms)
	for name, c := range map[string]struct {
		length time.Duration
		then   func(k *talkers, stop func())
		want   int
	}{
		"one round":  {0, nil, 1},
		"one second": {time.Second, nil, 5},
		"0.9 s":      {900 * ms, nil, 5},
		"stopped":    {time.Second, func(_ *talkers, stop func()) { stop() }, 2},
		"replaced": {time.Second, func(k *talkers, stop func()) {
			k.agent.Overlay(tone, 0, 400*ms)
			stop() // of the one before: nothing
		}, 4},
	} {
		k := newTalkers(t, "8")
		k.pass(1)
		stop := k.agent.Overlay(tone, 0, c.length) // over silence
		k.pass(20)
		if c.then != nil {
			c.then(k, stop)
		}
		k.pass(60)
		if spans := beepsIn(t, k.agent.heard(0), -20); len(spans) != c.want {
			t.Errorf("%s: tones at %v, want %d", name, spans, c.want)
		}
	}
	k := newTalkers(t, "8")
	k.pass(1)
	k.agent.Overlay(tone, 0, 0)
	k.now = k.now.Add(overlayLate)
	k.pass(10)
	if spans := beepsIn(t, k.agent.heard(0), -20); len(spans) != 0 || len(k.agent.out.overlays.voices) != 0 {
		t.Errorf("a tone comes late: %v", spans)
	}
}

// TestOverlayAllocatesNothing covers relayed packets and those of the clock.
func TestOverlayAllocatesNothing(t *testing.T) {
	s, agentPacket, at := benchBridge(t)
	s.bridge.customer.Overlay(PromptTone([]float64{480}, -20, time.Second), 0, time.Hour)
	relaysWithoutAllocating(t, s, agentPacket, at)
	if s.bridge.customer.out.overlay == nil {
		t.Error("the tone is over")
	}
}
