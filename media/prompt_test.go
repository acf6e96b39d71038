package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"
)

// TestLoadPrompt loads one second of a 1 kHz tone in every form and measures it.
func TestLoadPrompt(t *testing.T) {
	le := binary.LittleEndian
	forms := []struct {
		name      string
		tag, bits int
		put       func(b []byte, x float64) []byte
	}{
		{"PCM 8", wavPCM, 8, func(b []byte, x float64) []byte { return append(b, byte(128+127*x)) }},
		{"PCM 16", wavPCM, 16, func(b []byte, x float64) []byte { return le.AppendUint16(b, uint16(int16(x*32767))) }},
		{"PCM 24", wavPCM, 24, func(b []byte, x float64) []byte {
			v := uint32(int32(x * (1<<23 - 1)))
			return append(b, byte(v), byte(v>>8), byte(v>>16))
		}},
		{"PCM 32", wavPCM, 32, func(b []byte, x float64) []byte { return le.AppendUint32(b, uint32(int32(x*(1<<31-1)))) }},
		{"float 32", wavFloat, 32, func(b []byte, x float64) []byte { return le.AppendUint32(b, math.Float32bits(float32(x))) }},
		{"float 64", wavFloat, 64, func(b []byte, x float64) []byte { return le.AppendUint64(b, math.Float64bits(x)) }},
		{"A-law", wavAlaw, 8, func(b []byte, x float64) []byte { return append(b, PCMA.Encode(int16(x*32767))) }},
		{"mu-law", wavUlaw, 8, func(b []byte, x float64) []byte { return append(b, PCMU.Encode(int16(x*32767))) }},
	}
	for _, form := range forms {
		rates := []int{8000, 16000}
		if form.name == "PCM 16" {
			rates = []int{8000, 11025, 16000, 22050, 32000, 44100, 48000}
		}
		for _, rate := range rates {
			for channels := 1; channels <= 2; channels++ {
				var data []byte
				for i := range rate {
					x := 0.5 * math.Sin(2*math.Pi*1000*float64(i)/float64(rate))
					for range channels {
						data = form.put(data, x)
					}
				}
				p, err := LoadPrompt(bytes.NewReader(wavOf(form.tag, channels, rate, form.bits, data)))
				if err != nil {
					t.Fatalf("%s, %d Hz, %d channels: %v", form.name, rate, channels, err)
				}
				if off := (p.Duration() - time.Second).Abs(); off > ms {
					t.Errorf("%s, %d Hz: lasts %v", form.name, rate, p.Duration())
				}
				for _, codec := range []Codec{PCMA, PCMU} {
					tone, rest := measure(p.samples(codec)[400:7600], codec, 1000)
					if math.Abs(tone-0.5) > 0.015 || rest > 0.02 {
						t.Errorf("%s, %d Hz, %d channels, %v: tone of %.3f, want 0.5; rest %.4f", form.name, rate, channels, codec, tone, rest)
					}
				}
			}
		}
	}
}

// measure gives the amplitude of a tone and the root mean square of all else.
func measure(octets []byte, codec Codec, freq float64) (tone, rest float64) {
	var re, im, total float64
	for i, b := range octets {
		x := float64(codec.Decode(b)) / 32768
		angle := 2 * math.Pi * freq * float64(i) / ClockRate
		re, im, total = re+x*math.Cos(angle), im+x*math.Sin(angle), total+x*x
	}
	n := float64(len(octets))
	tone = 2 * math.Hypot(re, im) / n
	return tone, math.Sqrt(max(0, total/n-tone*tone/2))
}

// TestResampleKeepsAliasesOut: what lies above half the new rate must go.
func TestResampleKeepsAliasesOut(t *testing.T) {
	for _, c := range []struct{ freq, least, most float64 }{
		{300, 0.98, 1.02}, {3000, 0.98, 1.02}, {3400, 0.95, 1.05}, {4500, 0, 0.001}, {7000, 0, 0.001}, {12345, 0, 0.001},
	} {
		in := make([]float32, 48000)
		for i := range in {
			in[i] = float32(math.Sin(2 * math.Pi * c.freq * float64(i) / 48000))
		}
		out := resample(in, 48000, 8000)
		sum := 0.0
		for _, x := range out[400:7600] {
			sum += float64(x) * float64(x)
		}
		if got := math.Sqrt(2 * sum / 7200); got < c.least || got > c.most {
			t.Errorf("%v Hz comes out with amplitude %.4f", c.freq, got)
		}
	}
}

func TestLoadPromptRefuses(t *testing.T) {
	good := wavOf(wavPCM, 1, 8000, 16, make([]byte, 320))
	for name, b := range map[string][]byte{
		"nothing":       nil,
		"no WAV":        []byte("ID3\x04 this is an MP3 file"),
		"no data chunk": good[:40],
		"no audio":      wavOf(wavPCM, 1, 8000, 16, nil),
		"half a sample": wavOf(wavPCM, 1, 8000, 16, []byte{1}),
		"ADPCM":         wavOf(2, 1, 8000, 4, make([]byte, 320)),
		"12 bits":       wavOf(wavPCM, 1, 8000, 12, make([]byte, 320)),
		"no channels":   wavOf(wavPCM, 0, 8000, 16, make([]byte, 320)),
		"1 Hz":          wavOf(wavPCM, 1, 1, 16, make([]byte, 320)),
	} {
		if _, err := LoadPrompt(bytes.NewReader(b)); !errors.Is(err, ErrWAV) {
			t.Errorf("%s: %v, want ErrWAV", name, err)
		}
	}
	// A file that was cut off plays as far as it goes.
	if p, err := LoadPrompt(bytes.NewReader(good[:len(good)-160])); err != nil || p.Duration() != 10*ms {
		t.Errorf("cut off: %v", err)
	}
}

func TestDefaultPrompts(t *testing.T) {
	for _, l := range []Language{English, Chinese} {
		for name, p := range map[string]*Prompt{
			"safe harbour": SafeHarbour(l), "opening hours": Words(l, "closed-now", "open-again", "today", "to", "9"), "closed": Closed(l),
			"busy": AllBusy(l), "offer": CallbackOffer(l), "kept": CallbackKept(l), "recorded": Recorded(l, '9'),
		} {
			if p.Duration() < 4*time.Second || p.Duration() > 20*time.Second {
				t.Errorf("%s: %s lasts %v", l, name, p.Duration())
			}
			if level := float64(PCMA.Energy(p.alaw)) / float64(len(p.alaw)) / (1 << 30); 10*math.Log10(level) < -30 {
				t.Errorf("%s: %s has a level of %.1f dBFS", l, name, 10*math.Log10(level))
			}
		}
		told := Recorded(l, 0).Duration()
		for _, key := range "0123456789*#" {
			if Recorded(l, key).Duration() <= told {
				t.Errorf("%s: the key %c is not told", l, key)
			}
		}
	}
}

func TestPromptTone(t *testing.T) {
	p := PromptTone([]float64{425}, -10, 200*ms, 100*ms, 200*ms)
	if p.Duration() != 500*ms {
		t.Errorf("lasts %v", p.Duration())
	}
	tone, _ := measure(p.alaw[80:1520], PCMA, 425)
	if db := 20*math.Log10(tone) + 3.14; math.Abs(db+10) > 0.3 {
		t.Errorf("level %.2f dBm0, want -10", db)
	}
	if quiet, _ := measure(p.alaw[1600:2400], PCMA, 425); quiet > 0.001 {
		t.Errorf("the pause sounds with %.4f", quiet)
	}
}
