package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"testing"
	"time"
)

// oddWAV is a second of 1 kHz at half of full scale, in an unusual form.
type oddWAV struct {
	name string
	file []byte
}

// chunk is one of a RIFF file, padded to an even length.
func chunk(id string, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	return append(append(b, body...), make([]byte, len(body)%2)...)
}

// riff is a WAV file of chunks.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// formatChunk is a fmt chunk of 16-bit PCM, or of what tag says; extensible has more
// after it.
func formatChunk(tag, channels, rate int, more ...byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*2))
	b = le.AppendUint16(b, uint16(channels*2))
	b = le.AppendUint16(b, 16)
	return chunk("fmt ", append(b, more...))
}

// oddWAVs are forms that programs write beside the plain one.
func oddWAVs() []oddWAV {
	le := binary.LittleEndian
	pcm := func(channels, rate int) (data []byte) {
		for i := range rate {
			x := int16(16384 * math.Sin(2*math.Pi*1000*float64(i)/float64(rate)))
			for range channels {
				data = le.AppendUint16(data, uint16(x))
			}
		}
		return data
	}
	sized := func(size uint32, file []byte) []byte { // of its data chunk, and of all
		le.PutUint32(file[bytes.Index(file, []byte("data"))+4:], size)
		le.PutUint32(file[4:], size)
		return file
	}
	plain, data := formatChunk(wavPCM, 1, 8000), chunk("data", pcm(1, 8000))
	list := chunk("LIST", []byte("INFOISFT\x05\x00\x00\x00Lavf\x00\x00"))
	extension := append([]byte{22, 0, 16, 0, 4, 0, 0, 0, wavPCM, 0}, "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
	return []oddWAV{
		{"extensible", riff(formatChunk(wavExtensible, 1, 8000, extension...), data)},
		{"size of an extension", riff(formatChunk(wavPCM, 1, 8000, 0, 0), data)},
		{"LIST before fmt", riff(list, plain, data)},
		{"LIST before data", riff(plain, list, data)},
		{"LIST after data", riff(plain, data, list)},
		{"odd chunks before", riff(chunk("junk", []byte{1, 2, 3}), plain, chunk("bext", []byte{1}), chunk("fact", make([]byte, 4)), data)},
		{"data without its pad", riff(plain, chunk("data", append(pcm(1, 8000), 7)))},
		{"streamed, all ones", sized(math.MaxUint32, riff(plain, data))},
		{"streamed, zero", sized(0, riff(plain, data))},
		{"longer than the file", sized(1<<31-1, riff(plain, data))},
		{"192 kHz", riff(formatChunk(wavPCM, 1, 192000), chunk("data", pcm(1, 192000)))},
		{"six channels", riff(formatChunk(wavPCM, 6, 8000), chunk("data", pcm(6, 8000)))},
		{"32 channels", riff(formatChunk(wavPCM, 32, 8000), chunk("data", pcm(32, 8000)))},
	}
}

// TestOddWAVs loads them and measures the tone: what is around the audio is not played.
// Files that sox and ffmpeg write are among them where those are installed.
func TestOddWAVs(t *testing.T) {
	files := oddWAVs()
	for name, line := range map[string][]string{
		"sox, 24 bits, 44.1 kHz, stereo": {"sox", "-n", "-r", "44100", "-b", "24", "-c", "2", "-t", "wav", "-", "synth", "1", "sine", "1000", "vol", "0.5"},
		"sox, mu-law":                    {"sox", "-n", "-r", "8000", "-e", "mu-law", "-t", "wav", "-", "synth", "1", "sine", "1000", "vol", "0.5"},
		"ffmpeg, float, 48 kHz, 5.1":     {"ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "aevalsrc=0.5*sin(2000*PI*t)|0.5*sin(2000*PI*t)|0.5*sin(2000*PI*t)|0.5*sin(2000*PI*t)|0.5*sin(2000*PI*t)|0.5*sin(2000*PI*t):s=48000:d=1", "-c:a", "pcm_f32le", "-f", "wav", "-"},
		"ffmpeg, 64-bit float":           {"ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "aevalsrc=0.5*sin(2000*PI*t):s=16000:d=1", "-c:a", "pcm_f64le", "-f", "wav", "-"},
		"ffmpeg, 8 bits":                 {"ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "aevalsrc=0.5*sin(2000*PI*t):s=11025:d=1", "-c:a", "pcm_u8", "-f", "wav", "-"},
	} {
		if _, err := exec.LookPath(line[0]); err != nil {
			continue
		}
		made, err := exec.CommandContext(t.Context(), line[0], line[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files = append(files, oddWAV{name, made})
	}
	for _, odd := range files {
		p, err := LoadPrompt(bytes.NewReader(odd.file))
		if err != nil {
			t.Errorf("%s: %v", odd.name, err)
			continue
		}
		if off := (p.Duration() - time.Second).Abs(); off > 2*ms {
			t.Errorf("%s: lasts %v", odd.name, p.Duration())
		}
		if tone, rest := measure(p.alaw[400:7600], PCMA, 1000); math.Abs(tone-0.5) > 0.015 || rest > 0.02 {
			t.Errorf("%s: tone of %.3f, want 0.5; rest %.4f", odd.name, tone, rest)
		}
	}
}

// TestResampler sweeps the band: up to 3.4 kHz the level stays within 0.5 dB, and what
// lies above half the new rate by as much as the filter's edge is down by 60 dB or more.
func TestResampler(t *testing.T) {
	for _, rate := range []int{11025, 16000, 44100, 48000, 192000} {
		level := func(hz float64) float64 {
			in := make([]float32, rate/20)
			for i := range in {
				in[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / float64(rate)))
			}
			out := resample(in, rate, ClockRate)
			sum := 0.0
			for _, x := range out[40:360] {
				sum += float64(x) * float64(x)
			}
			return 10 * math.Log10(2*sum/320)
		}
		for hz := 100.0; hz <= 3400; hz += 300 {
			if db := level(hz); math.Abs(db) > 0.5 {
				t.Errorf("from %d Hz: %v Hz comes out at %.2f dB", rate, hz, db)
			}
		}
		for hz := 4200.0; hz < min(float64(rate)/2, 24000); hz += 700 {
			if db := level(hz); db > -60 {
				t.Errorf("from %d Hz: %v Hz comes out at %.1f dB", rate, hz, db)
			}
		}
	}
}
