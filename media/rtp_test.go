package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

func TestParseHeader(t *testing.T) {
	plain := rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: 8, SequenceNumber: 7, Timestamp: 8, SSRC: 9},
		Payload: []byte{1, 2, 3},
	}
	sources, extended, padded := plain, plain, plain
	sources.CSRC = []uint32{1, 2}
	extended.Extension, extended.ExtensionProfile = true, 0xBEDE
	if err := extended.SetExtension(1, []byte{5}); err != nil {
		t.Fatal(err)
	}
	padded.Header.Padding, padded.PaddingSize = true, 4
	for name, p := range map[string]rtp.Packet{"plain": plain, "contributing sources": sources, "extension": extended, "padding": padded} {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		h, ok := parseHeader(b)
		if !ok || !h.marker || h.payloadType != 8 || h.sequence != 7 || h.timestamp != 8 || h.ssrc != 9 ||
			!bytes.Equal(b[h.offset:h.offset+h.length], p.Payload) {
			t.Errorf("%s: %+v, %v", name, h, ok)
		}
	}
	good, _ := plain.Marshal()
	bad := map[string][]byte{
		"nothing":            {},
		"header only":        good[:12],
		"version 1":          append([]byte{1 << 6}, good[1:]...),
		"STUN":               append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42}, make([]byte, 12)...),
		"sources beyond end": append([]byte{2<<6 | 15}, good[1:]...),
		"extension beyond":   append([]byte{2<<6 | 0x10}, good[1:]...),
		"padding beyond":     append(append([]byte{2<<6 | 0x20}, good[1:]...), 200),
		"padding of zero":    append(append([]byte{2<<6 | 0x20}, good[1:]...), 0),
		"all padding":        append(append([]byte{2<<6 | 0x20}, good[1:12]...), 1),
		"too large":          append(good[:len(good):len(good)], make([]byte, maxDatagram)...),
	}
	for name, b := range bad {
		if h, ok := parseHeader(b); ok {
			t.Errorf("%s passes as %+v", name, h)
		}
	}
}

// FuzzParseHeader compares our parser with pion's: what ours takes, pion takes, with
// the same result.
func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0x80, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xD5})
	f.Add([]byte{0xB1, 0x88, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x10, 1, 0, 0, 9, 9, 2, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseHeader(b)
		if !ok {
			return
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			// Pion also reads into extensions, which do not concern us.
			if b[0]&0x10 == 0 {
				t.Errorf("pion refuses it: %v", err)
			}
			return
		}
		if h.marker != p.Marker || h.payloadType != p.PayloadType || h.sequence != p.SequenceNumber ||
			h.timestamp != p.Timestamp || h.ssrc != p.SSRC || !bytes.Equal(b[h.offset:h.offset+h.length], p.Payload) {
			t.Errorf("we read %+v, pion %+v", h, p)
		}
		out := make([]byte, headerSize)
		h.put(out)
		again, ok := parseHeader(append(out, 0))
		if !ok || again.marker != h.marker || again.sequence != h.sequence || again.timestamp != h.timestamp {
			t.Errorf("written as % x", out)
		}
	})
}

func TestDigitReader(t *testing.T) {
	var d digitReader
	cases := []struct {
		timestamp uint32
		payload   []byte
		want      rune
	}{
		{1 << 31, []byte{5, 10, 0, 160}, '5'},
		{1 << 31, []byte{5, 10, 1, 64}, 0},      // goes on
		{1 << 31, []byte{5, 0x8A, 1, 64}, 0},    // its end, three times
		{1 << 31, []byte{5, 0x8A, 1, 64}, 0},    //
		{1<<31 + 800, []byte{5, 10, 0, 0}, '5'}, // the same key again
		{1 << 31, []byte{5, 0x8A, 1, 64}, 0},    // of the first, late
		{1<<31 + 1600, []byte{11, 0x8A, 0, 0}, '#'},
		{1<<31 + 2400, []byte{16, 0, 0, 0}, '!'},
		{1<<31 + 3200, []byte{17, 0, 0, 0}, 0}, // no key
		{1<<31 + 4000, []byte{1, 0, 0}, 0},     // too short
		{77, []byte{1, 0, 0, 0}, '1'},          // timestamps began anew
	}
	for i, c := range cases {
		if got, _ := d.read(c.payload, c.timestamp); got != c.want {
			t.Errorf("packet %d: %q, want %q", i, got, c.want)
		}
	}
}
