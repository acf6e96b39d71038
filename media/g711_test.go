package media

import (
	"math"
	"testing"
)

func TestG711(t *testing.T) {
	// From the tables of ITU-T G.711 (scaled to 16 bits).
	known := []struct {
		codec Codec
		octet byte
		value int16
	}{
		{PCMA, 0xD5, 8},
		{PCMA, 0x55, -8},
		{PCMA, 0xAA, 32256},
		{PCMA, 0x2A, -32256},
		{PCMU, 0xFF, 0},
		{PCMU, 0x80, 32124},
		{PCMU, 0x00, -32124},
	}
	for _, k := range known {
		if got := k.codec.Decode(k.octet); got != k.value {
			t.Errorf("%v %#x is %d, want %d", k.codec, k.octet, got, k.value)
		}
	}
	for _, codec := range []Codec{PCMA, PCMU} {
		if v := codec.Decode(codec.Silence()); v < -8 || v > 8 {
			t.Errorf("%v: silence is %d", codec, v)
		}
		for i := range 256 {
			b := byte(i)
			if got := codec.Encode(codec.Decode(b)); got != b && (codec != PCMU || b != 0x7F) { // minus zero
				t.Errorf("%v: %#x comes back as %#x", codec, b, got)
			}
		}
		for v := math.MinInt16; v <= math.MaxInt16; v++ {
			got := int(codec.Decode(codec.Encode(int16(v))))
			if off := math.Abs(float64(got - v)); off > math.Abs(float64(v))/16+16 && math.Abs(float64(v)) < 32000 {
				t.Fatalf("%v: %d becomes %d", codec, v, got)
			}
		}
	}
}

func TestTranscode(t *testing.T) {
	for i := range 256 {
		b := []byte{byte(i)}
		Transcode(b, PCMA, PCMA)
		if b[0] != byte(i) {
			t.Fatalf("%#x changed to %#x without a change of codec", i, b[0])
		}
		Transcode(b, PCMA, PCMU)
		if want := PCMU.Encode(PCMA.Decode(byte(i))); b[0] != want {
			t.Errorf("A-law %#x becomes mu-law %#x, want %#x", i, b[0], want)
		}
		Transcode(b, PCMU, PCMA)
		if off := math.Abs(float64(PCMA.Decode(b[0])) - float64(PCMA.Decode(byte(i)))); off > 1+math.Abs(float64(PCMA.Decode(byte(i))))/8+16 {
			t.Errorf("A-law %#x comes back as %#x", i, b[0])
		}
	}
}
