package detect

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sound is a stretch of a party's audio: noise with a tone on it, in dBFS.
type sound struct {
	length      time.Duration
	noise, tone float64
}

const none = -120.0

// hear feeds a detector with 20 ms packets and returns what it found, as times since
// the start; -1 for nothing.
func hear(d *SpeechStart, codec media.Codec, sounds ...sound) (started, ended time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	begin := time.Now()
	at, k := begin, 0
	for _, s := range sounds {
		noise, tone := math.Pow(10, s.noise/20), math.Pow(10, s.tone/20)
		for left := s.length; left > 0; left -= 20 * time.Millisecond {
			payload := make([]byte, 160)
			for i := range payload {
				x := noise*random.NormFloat64() + tone*math.Sqrt2*math.Sin(float64(k)*2*math.Pi*310/8000)
				payload[i] = codec.Encode(int16(max(-1, min(1, x)) * 32767))
				k++
			}
			at = at.Add(20 * time.Millisecond)
			d.Tap(&media.Packet{Codec: codec, Payload: payload, Arrival: at})
		}
	}
	read := func(c <-chan time.Time) time.Duration {
		select {
		case t := <-c:
			return t.Sub(begin)
		default:
			return -1
		}
	}
	return read(d.Started()), read(d.GreetingEnd())
}

func TestSpeechStart(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	cases := []struct {
		name           string
		sounds         []sound
		started, ended time.Duration
	}{
		{"a quiet line", []sound{{5 * s, -65, none}}, -1, -1},
		{"dead silence", []sound{{5 * s, none, none}}, -1, -1},
		{"a noisy line", []sound{{10 * s, -38, none}}, -1, -1},
		{"speech after a second", []sound{{s, -60, none}, {800 * ms, -60, -20}, {s, -60, none}}, s, 1800 * ms},
		{"speech at once", []sound{{600 * ms, -60, -18}, {s, -60, none}}, 0, 600 * ms},
		{"a quiet voice", []sound{{s, -65, none}, {600 * ms, -65, -38}, {s, -65, none}}, s, 1600 * ms},
		{"a voice over noise", []sound{{s, -40, none}, {600 * ms, -40, -20}, {s, -40, none}}, s, 1600 * ms},
		{"a click", []sound{{s, -60, none}, {20 * ms, -60, -10}, {s, -60, none}}, -1, -1},
		{"a pause within the greeting", []sound{{s, -60, none}, {400 * ms, -60, -20}, {400 * ms, -60, none}, {400 * ms, -60, -20}, {s, -60, none}}, s, 2200 * ms},
		{"no end yet", []sound{{s, -60, none}, {800 * ms, -60, -20}, {600 * ms, -60, none}}, s, -1},
	}
	for _, c := range cases {
		for _, codec := range []media.Codec{media.PCMA, media.PCMU} {
			started, ended := hear(NewSpeechStart(SpeechConfig{}), codec, c.sounds...)
			if (started-c.started).Abs() > 20*ms || (ended-c.ended).Abs() > 20*ms {
				t.Errorf("%s, %v: started %v, ended %v; want %v, %v", c.name, codec, started, ended, c.started, c.ended)
			}
		}
	}
}

// TestSilenceSuppression: a party that stops sending is silent.
func TestSilenceSuppression(t *testing.T) {
	d := NewSpeechStart(SpeechConfig{})
	hear(d, media.PCMA, sound{500 * time.Millisecond, none, -20})
	last := d.lastActive
	d.Tap(&media.Packet{Codec: media.ComfortNoise, Payload: []byte{60}, Arrival: last.Add(2 * time.Second)})
	select {
	case at := <-d.GreetingEnd():
		if !at.Equal(last) {
			t.Errorf("greeting ended at %v, the last sound was at %v", at, last)
		}
	default:
		t.Error("the greeting did not end")
	}
}

func TestTapAllocatesNothing(t *testing.T) {
	d := NewSpeechStart(SpeechConfig{})
	p := &media.Packet{Codec: media.PCMA, Payload: make([]byte, 160), Arrival: time.Now()}
	if n := testing.AllocsPerRun(100, func() { d.Tap(p) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func FuzzTap(f *testing.F) {
	f.Add([]byte{1, 2, 3}, int64(5))
	f.Fuzz(func(t *testing.T, b []byte, step int64) {
		d := NewSpeechStart(SpeechConfig{MinSpeech: time.Duration(step)})
		at := time.Unix(0, 0)
		for range 20 {
			at = at.Add(time.Duration(step % int64(time.Hour)))
			d.Tap(&media.Packet{Codec: media.PCMU, Payload: b, Arrival: at})
		}
	})
}
