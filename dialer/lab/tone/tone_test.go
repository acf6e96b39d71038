package tone

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestDominant(t *testing.T) {
	noise := make([]int16, 8000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = int16(random.IntN(2000) - 1000)
	}
	mixed := Sine(8000, 440, -13, time.Second)
	for i := range mixed {
		mixed[i] += noise[i]
	}
	cases := map[string]struct {
		samples []int16
		hz      float64
		level   float64
		purity  float64 // the least share
	}{
		"a quiet low tone":  {Sine(8000, 200, -40, time.Second), 200, -40, 0.99},
		"a usual tone":      {Sine(8000, 440, -13, time.Second), 440, -13, 0.99},
		"between the grid":  {Sine(8000, 1004, -13, time.Second), 1005, -13, 0.8},
		"a high tone":       {Sine(8000, 3400, -3, time.Second), 3400, -3, 0.99},
		"shorter than 0.2s": {Sine(8000, 600, -13, 60*time.Millisecond), 600, -13, 0.9},
		"under noise":       {mixed, 440, -13, 0.9},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Dominant(c.samples, 8000)
			if math.Abs(got.Hz-c.hz) > grid {
				t.Errorf("frequency %v Hz, want %v", got.Hz, c.hz)
			}
			if math.Abs(got.Level-c.level) > 1.5 {
				t.Errorf("level %.1f dBFS, want %.1f", got.Level, c.level)
			}
			if got.Share < c.purity {
				t.Errorf("share %.3f, want at least %.3f", got.Share, c.purity)
			}
		})
	}
	if share := Dominant(noise, 8000).Share; share > 0.2 {
		t.Errorf("noise seems a tone: share %.3f", share)
	}
	for _, silence := range [][]int16{nil, make([]int16, 8000)} {
		if got := Dominant(silence, 8000); got.Hz != 0 || !math.IsInf(got.Level, -1) {
			t.Errorf("silence reads as %+v", got)
		}
	}
}

func TestSpansFindWhereAToneSounds(t *testing.T) {
	silence := make([]int16, 8000)
	sound := slices.Concat(
		silence, Sine(8000, 440, -13, 2*time.Second), // 1 s to 3 s
		silence[:80], Sine(8000, 440, -13, time.Second), // a break of 10 ms
		silence, Sine(8000, 600, -13, time.Second), // another tone
	)
	want := []Span{{time.Second, 4010 * time.Millisecond}}
	got := Spans(sound, 8000, 440, 100*time.Millisecond)
	if len(got) != 1 || !near(got[0], want[0]) {
		t.Errorf("bridged spans are %v, want %v", got, want)
	}
	if got := Spans(sound, 8000, 440, 0); len(got) != 2 {
		t.Errorf("unbridged spans are %v, want two", got)
	}
	if got := Spans(sound, 8000, 1000, time.Second); got != nil {
		t.Errorf("a tone that was never there sounds at %v", got)
	}
}

func near(got, want Span) bool {
	const tolerance = 15 * time.Millisecond
	return (got.From-want.From).Abs() < tolerance && (got.To-want.To).Abs() < tolerance
}

// The reference points are from the tables of ITU-T G.711 (1a and 2a).
func TestG711Decoding(t *testing.T) {
	for octet, want := range map[byte]int16{0x55: -8, 0xd5: 8, 0x2a: -32256, 0xaa: 32256} {
		if got := DecodeALaw(octet); got != want {
			t.Errorf("A-law %#x is %d, want %d", octet, got, want)
		}
	}
	for octet, want := range map[byte]int16{0xff: 0, 0x7f: 0, 0x00: -32124, 0x80: 32124} {
		if got := DecodeMuLaw(octet); got != want {
			t.Errorf("mu-law %#x is %d, want %d", octet, got, want)
		}
	}
	samples := Sine(8000, 440, -13, 500*time.Millisecond)
	for name, law := range map[string]struct {
		encode func([]int16) []byte
		decode func(byte) int16
	}{"A-law": {EncodeALaw, DecodeALaw}, "mu-law": {EncodeMuLaw, DecodeMuLaw}} {
		heard := make([]int16, len(samples))
		for i, octet := range law.encode(samples) {
			heard[i] = law.decode(octet)
		}
		if got := Dominant(heard, 8000); got.Hz != 440 || math.Abs(got.Level+13) > 0.2 || got.Share < 0.99 {
			t.Errorf("%s does not carry the tone: %+v", name, got)
		}
	}
}

func TestReadStereo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stereo.wav")
	stereo := Sound{Rate: 8000, Channels: [][]int16{
		Sine(8000, 440, -13, time.Second), Sine(8000, 600, -13, time.Second),
	}}
	if err := WriteFile(path, stereo); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Duration() != time.Second || len(got.Channels) != 2 {
		t.Fatalf("read back %v with %d channels", got.Duration(), len(got.Channels))
	}
	for channel, hz := range []float64{440, 600} {
		if reading := Dominant(got.Channels[channel], got.Rate); reading.Hz != hz {
			t.Errorf("channel %d holds %v Hz, want %v", channel, reading.Hz, hz)
		}
	}
}

func TestReadRefusesWhatIsNoWAV(t *testing.T) {
	for _, raw := range []string{"", "RIFF", "RIFF\x00\x00\x00\x00WAVE", "RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00ab"} {
		if _, err := Read(bytes.NewReader([]byte(raw))); !errors.Is(err, ErrNotWAV) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.wav")
	if err := WriteFile(path, Sound{Rate: 8000, Channels: [][]int16{{1, 2, 3}}}); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, raw []byte) {
		sound, err := Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if sound.Rate <= 0 || len(sound.Channels) == 0 || sound.Duration() < 0 {
			t.Errorf("nonsense without an error: %d Hz, %d channels", sound.Rate, len(sound.Channels))
		}
	})
}
