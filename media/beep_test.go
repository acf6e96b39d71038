package media

import (
	"math"
	"slices"
	"testing"
	"time"
)

// testBeep is short and comes often, so that some fit into a second.
func testBeep() *Beep {
	return NewBeep(BeepConfig{Frequency: 1400, Level: -20, Length: 60 * ms, Every: 500 * ms})
}

// beepsIn finds where tones of 1400 Hz begin and end in samples, to 10 ms, and holds their
// level.
func beepsIn(t *testing.T, samples []int16, dBm0 float64) (spans [][2]int) {
	t.Helper()
	const window = 80
	amplitude := math.Pow(10, (dBm0-fullScale)/20)
	sounds := false
	for at := 0; at+window <= len(samples); at += window {
		var re, im float64
		for i, s := range samples[at : at+window] {
			angle := 2 * math.Pi * 1400 * float64(i) / ClockRate
			re, im = re+float64(s)/32768*math.Cos(angle), im+float64(s)/32768*math.Sin(angle)
		}
		level := 2 * math.Hypot(re, im) / window
		if level > 1.2*amplitude {
			t.Errorf("the beep has amplitude %.4f, want %.4f", level, amplitude)
		}
		switch now := level > 0.3*amplitude; {
		case now && !sounds:
			spans = append(spans, [2]int{at, at + window})
		case now:
			spans[len(spans)-1][1] = at + window
		}
		sounds = level > 0.3*amplitude
	}
	return spans
}

// beeping begins a beep by the talkers' clock.
func (k *talkers) beeping() *Beeping {
	b := testBeep().Begin()
	b.first = k.now.Add(beepAfter)
	return b
}

// TestBeep holds that a bridge with a beep differs from one without by the beep alone,
// which lasts and comes as long and as often as it should, with no packet more or less,
// and that the recording of the other side has what is heard.
func TestBeep(t *testing.T) {
	for formats, codec := range map[string]Codec{"8": PCMA, "0": PCMU} {
		talk := func(beeps bool) (*talkers, *keptTap) {
			k, recording := newTalkers(t, formats), &keptTap{}
			k.customer.says, k.agent.says = sine(codec, 440, 6000), sine(codec, 1130, 6000)
			k.agent.AddTapWithGuests(recording)
			if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
				t.Fatal(err)
			}
			k.pass(5)
			silence := []func(){}
			if beeps {
				b := k.beeping()
				silence = append(silence, b.To(k.customer.Session), b.Beside(k.agent.Session))
			}
			k.pass(100)
			for _, stop := range silence {
				stop()
			}
			k.pass(50)
			return k, recording
		}
		plain, _ := talk(false)
		k, recording := talk(true)
		want, got := plain.customer.heard(0), k.customer.heard(0)
		if len(got) != len(want) || len(got) < 150*160 {
			t.Fatalf("%s: %d samples, %d without the beep", codec, len(got), len(want))
		}
		checkUnbroken(t, k.customer.socket.sent[1:])
		rest := make([]int16, len(got))
		for i := range got {
			rest[i] = got[i] - want[i]
		}
		spans := beepsIn(t, rest, -20)
		if len(spans) != 4 {
			t.Fatalf("%s: beeps at %v, want four", codec, spans)
		}
		for i, span := range spans {
			at, length := span[0]-spans[0][0], span[1]-span[0]
			if off := at - i*4000; off < -80 || off > 80 || length < 400 || length > 640 {
				t.Errorf("%s: beep %d begins %d samples after the first and lasts %d", codec, i, at, length)
			}
		}
		step := 0.0 // from one sample to the next
		for i := 1; i < len(rest); i++ {
			step = max(step, math.Abs(float64(rest[i])-float64(rest[i-1])))
		}
		if steepest := 32768 * math.Pow(10, (-20-fullScale)/20) * 2 * math.Pi * 1400 / ClockRate; step > 1.2*steepest+512 { // coding is coarse at 6000
			t.Errorf("%s: it clicks: %.0f from one sample to the next", codec, step)
		}
		if !slices.Equal(recording.samples, got) {
			t.Errorf("%s: the recording is not what the customer hears", codec)
		}
		if !slices.Equal(k.agent.heard(0), plain.agent.heard(0)) {
			t.Errorf("%s: the agent hears it", codec)
		}
	}
}

// TestBeepAtOnceForAll has both parties hear the beep, each over the other's voice.
func TestBeepAtOnceForAll(t *testing.T) {
	k := newTalkers(t, "8")
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	b := k.beeping()
	b.To(k.customer.Session)
	b.To(k.agent.Session)
	k.pass(60)
	customer, agent := beepsIn(t, k.customer.heard(0), -20), beepsIn(t, k.agent.heard(0), -20)
	if len(customer) != 3 || !slices.Equal(customer, agent) {
		t.Errorf("the customer hears beeps at %v, the agent at %v", customer, agent)
	}
}

// TestBeepGoesOn holds that beeps are heard through a prompt and in silence, that a pause
// leaves them out, and that a beep which was due while nothing was sent comes late.
func TestBeepGoesOn(t *testing.T) {
	k := newTalkers(t, "8")
	b := k.beeping()
	b.To(k.customer.Session)
	heard := func(what string, times, want int) {
		t.Helper()
		from := len(k.customer.socket.sent)
		k.pass(times)
		if spans := beepsIn(t, k.customer.heard(from), -20); len(spans) != want {
			t.Errorf("%s: beeps at %v, want %d", what, spans, want)
		}
	}
	heard("in silence", 50, 2)
	music := k.customer.Play(PromptTone([]float64{425}, -20, time.Second), true)
	heard("with music", 50, 2)
	b.Pause()
	heard("paused", 50, 0)
	b.Resume()
	heard("again", 50, 2)
	music.Stop()
	// Nobody sends from just before a beep is due: 5 ticks are the way to the first.
	heard("until one is due", 4, 0)
	k.now = k.now.Add(200 * ms)
	heard("late", 25, 1)
	k.now = k.now.Add(10 * time.Second) // asleep
	heard("too late", 10, 0)
}

// TestBeepAllocatesNothing covers relayed packets, recorded ones, and those of the clock.
func TestBeepAllocatesNothing(t *testing.T) {
	s, agentPacket, at := benchBridge(t)
	b := NewBeep(BeepConfig{Frequency: 1400, Level: -20, Length: time.Second, Every: time.Second}).Begin()
	b.first = at
	b.To(s.bridge.customer)
	b.Beside(s)
	s.AddTapWithGuests(&nullTap{})
	relaysWithoutAllocating(t, s, agentPacket, at)
}

// TestAnnounceIsShown holds that a recording of an announcement has, packet for packet,
// what the far side hears, and is complete when the announcement is done.
func TestAnnounceIsShown(t *testing.T) {
	for _, formats := range []string{"8", "0"} {
		k, recording := newTalkers(t, formats), &keptTap{}
		k.pass(3)
		playing := k.customer.Announce(PromptTone([]float64{700}, -12, 250*ms), recording)
		from := len(k.customer.socket.sent)
		k.pass(12)
		select {
		case <-playing.Done():
			t.Error("done before its end")
		default:
		}
		k.pass(1)
		<-playing.Done()
		if !playing.Completed() || len(recording.samples) != 13*160 || !slices.Equal(recording.samples, k.customer.heard(from)) {
			t.Errorf("payload type %s: %d samples recorded are not what is heard", formats, len(recording.samples))
		}
		k.pass(2)
		if len(recording.samples) != 13*160 {
			t.Error("more was recorded than the announcement")
		}
	}
}
