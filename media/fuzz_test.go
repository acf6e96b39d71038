package media

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func FuzzDescription(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendonly\r\n"))
	f.Add([]byte("v=0\no=- 1 1 IN IP6 ::1\ns=-\nt=0 0\nm=video 9 RTP/SAVPF 96\nm=audio 0 RTP/AVP 0\nc=IN IP6 ::1\na=rtcp:9 IN IP6 ::2\n"))
	f.Add([]byte{})
	f.Add([]byte("v=0\nm=audio 1 RTP/AVP 0\nc=IN IP4 0.0.0.0 m=audio 0 RTP 00000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDescription(b)
		if err != nil {
			return
		}
		for _, family := range []string{"127.0.0.1:4000", "[::1]:4000"} {
			answerFuzzed(t, d, family)
		}
	})
}

func FuzzWAV(f *testing.F) {
	f.Add(wavOf(wavPCM, 1, 16000, 16, make([]byte, 640)))
	f.Add(wavOf(wavAlaw, 2, 8000, 8, make([]byte, 640)))
	f.Add(wavOf(wavFloat, 1, 44100, 32, bytes.Repeat([]byte{0xFF}, 640)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := LoadPrompt(bytes.NewReader(b))
		if err == nil && len(p.alaw) == 0 {
			t.Error("a prompt without audio")
		}
	})
}

// wavOf makes a WAV file.
func wavOf(tag, channels, rate, bits int, data []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	b = append(b, "LIST\x03\x00\x00\x00odd\x00"...) // a chunk to pass over, padded
	b = append(b, "fmt \x10\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
