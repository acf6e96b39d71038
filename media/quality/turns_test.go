package quality

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"ringpace/media"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Left speaks from 1 s to 4 s, right from 3 s to 8 s, of 10 s.
func TestSharesAndFirstWords(t *testing.T) {
	for _, level := range []float64{-12, -22, -32} {
		f := measure(media.PCMU, quiet(1).then(sine(600, level, 3)), quiet(3).then(sine(800, level-3, 5), quiet(2)))
		near(t, "left talks", f.Left.Talk, 0.3, 0.005)
		near(t, "right talks", f.Right.Talk, 0.5, 0.005)
		near(t, "both talk", f.TalkOver, 0.1, 0.005)
		near(t, "silence", f.Silence, 0.3, 0.005)
		near(t, "left's first word", f.Left.FirstWord.Seconds(), 1, 0.02)
		near(t, "right's first word", f.Right.FirstWord.Seconds(), 3, 0.02)
	}
}

// A pause of less than 0.2 s is part of the speech around it; a longer one is a pause in
// full, since nothing is added after a word.
func TestPausesWithinSpeech(t *testing.T) {
	word := sine(600, -20, 0.5)
	var l, r pcm
	for range 10 {
		l, r = l.then(word, quiet(0.15)), r.then(word, quiet(0.5))
	}
	f := measure(media.PCMA, l.then(quiet(3.5)), r)
	near(t, "short pauses", f.Left.Talk, 6.35/10, 0.01)
	near(t, "long pauses", f.Right.Talk, 0.5, 0.01)
}

// The other party's echo, and the noise of the line, are below what the louder speech of
// the channel lets count.
func TestEchoAndNoiseAreNotSpeech(t *testing.T) {
	agent := quiet(4).then(sine(500, -20, 5), quiet(1))
	customer := sine(700, -18, 2).then(quiet(8))
	for i, x := range noise(-50, 10) {
		customer[i] += x + agent[i]*math.Pow(10, -25./20)
	}
	f := measure(media.PCMA, customer, agent)
	near(t, "left talks", f.Left.Talk, 0.2, 0.01)
	near(t, "both talk", f.TalkOver, 0, 0.001)
	if f := measure(media.PCMA, noise(-52, 10), nil); f.Left.Talk != 0 || f.Left.Active != MinLevel || f.Left.FirstWord >= 0 || f.Silence != 1 {
		t.Errorf("noise alone: %+v", f)
	}
}

// The click of a handset that is lifted is no word.
func TestClicksAreNoWords(t *testing.T) {
	click := noise(-15, 0.04)
	f := measure(media.PCMA, quiet(0.2).then(click, quiet(1), click, quiet(0.5), babble(-20, 4, 1)), nil)
	if f.Left.FirstWord < 1700*time.Millisecond || f.Left.FirstWord > 2100*time.Millisecond {
		t.Errorf("first word at %v, want after 1.78 s", f.Left.FirstWord)
	}
}

func TestClippingIsAShareOfSpeech(t *testing.T) {
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		l := sine(440, 3, 5).then(quiet(5)) // 6 dB too loud for a sine
		f := measure(c, l, sine(440, -4, 10))
		// A sine of twice full scale is beyond it for two thirds of its time.
		near(t, "clipped", f.Left.Clipped, 2./3, 0.02)
		near(t, "not clipped", f.Right.Clipped, 0, 0)
	}
}

// While the recording rests nobody speaks, and it is nobody's silence either.
func TestPausedTimeDoesNotCount(t *testing.T) {
	m := NewMeter(media.PCMA)
	m.Add(frames(media.PCMA, sine(600, -20, 3).then(quiet(7)), nil))
	f := m.Figures(4 * time.Second)
	near(t, "left talks", f.Left.Talk, 0.5, 0.005)
	near(t, "silence", f.Silence, 0.5, 0.005)
}

func TestFiguresDoNotDependOnHowFramesCome(t *testing.T) {
	all := frames(media.PCMA, babble(-20, 8, 1), babble(-25, 9, 2))
	whole, pieces := NewMeter(media.PCMA), NewMeter(media.PCMA)
	whole.Add(all)
	for i, n := 0, 0; i < len(all); i += n {
		n = min(len(all)-i, 2*(1+i/2%37))
		pieces.Add(all[i : i+n])
	}
	if a, b := whole.Figures(0), pieces.Figures(0); a != b {
		t.Errorf("at once %+v, in pieces %+v", a, b)
	}
}

func TestLinearSamplesMeasureLikeTheirOctets(t *testing.T) {
	for _, c := range []media.Codec{media.PCMA, media.PCMU} {
		octets := frames(c, babble(-3, 8, 1), babble(-25, 9, 2))
		m, linear := NewMeter(c), []byte(nil)
		for _, b := range octets {
			linear = binary.LittleEndian.AppendUint16(linear, uint16(c.Decode(b)))
		}
		for i, n := 0, 0; i < len(linear); i += n {
			n = min(len(linear)-i, 4*(1+i/4%37))
			m.AddLinear(linear[i : i+n])
		}
		whole := NewMeter(c)
		whole.Add(octets)
		if a, b := whole.Figures(0), m.Figures(0); a != b || a.Left.Clipped == 0 {
			t.Errorf("%v: octets %+v, samples %+v", c, a, b)
		}
	}
	m := NewMeter(media.PCMA)
	for range media.ClockRate {
		m.AddLinear([]byte{0, 0x80, 1, 0}) // the largest magnitude that there is
	}
	if f := m.Figures(0); math.Abs(f.Left.Active) > 0.2 || f.Left.Clipped != 1 {
		t.Errorf("full scale is %+v", f.Left)
	}
}

func TestFiguresOfNothing(t *testing.T) {
	f := NewMeter(media.PCMA).Figures(time.Second)
	if f.Left.Active != MinLevel || f.Left.Talk != 0 || f.Silence != 0 || f.TalkOver != 0 || f.Left.FirstWord >= 0 {
		t.Errorf("%+v", f)
	}
}

func TestMeterAllocatesNothing(t *testing.T) {
	m, second := NewMeter(media.PCMA), frames(media.PCMA, babble(-20, 1, 1), babble(-20, 1, 2))
	if n := testing.AllocsPerRun(100, func() { m.Add(second) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// One second of a call: 100 packets of 20 ms.
func BenchmarkMeter(b *testing.B) {
	m, second := NewMeter(media.PCMA), frames(media.PCMA, babble(-20, 1, 1), babble(-20, 1, 2))
	b.ReportAllocs()
	for b.Loop() {
		m.Add(second)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/packet")
}
