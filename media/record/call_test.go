package record

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"ringpace/media"
)

// patience bounds every wait of these tests.
const patience = 10 * time.Second

func newTestRecorder(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.MinFree == 0 {
		cfg.MinFree = 1
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func start(t *testing.T, r *Recorder, m Meta) *Recording {
	t.Helper()
	if m.ID == "" {
		m.ID = "01J0000000000000000000000"
	}
	rec, err := r.Start(m)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// source makes the packets of one party, with samples that tell their place.
type source struct {
	rec  *Recording
	tap  media.Tap
	next media.Packet // header of the next packet
	made int          // samples so far
	salt int
}

func newSource(rec *Recording, tap media.Tap, salt int) *source {
	return &source{rec: rec, tap: tap, salt: salt, next: media.Packet{
		Codec: media.PCMA, SSRC: uint32(salt), Sequence: 65530, Timestamp: 1<<32 - 800,
	}}
}

// octets are n samples from the i-th on. None is silence.
func (s *source) octets(i, n int) []byte {
	b := make([]byte, n)
	for k := range b {
		b[k] = byte((i + k + s.salt) % 199)
	}
	return b
}

// packet makes the next packet of 20 ms.
func (s *source) packet() media.Packet {
	p := s.next
	p.Payload = s.octets(s.made, 160)
	s.made += 160
	s.next.Sequence++
	s.next.Timestamp += 160
	s.next.Marker = false
	return p
}

// arrive lets p arrive a time after the recording's base.
func (s *source) arrive(at time.Duration, p media.Packet) {
	p.Arrival = s.rec.base.Add(at)
	s.tap.Tap(&p)
}

// talk sends n packets, 20 ms apart.
func (s *source) talk(at time.Duration, n int) time.Duration {
	for range n {
		s.arrive(at, s.packet())
		at += 20 * time.Millisecond
	}
	return at
}

// noise sends a packet of comfort noise (RFC 3389).
func (s *source) noise(at time.Duration) {
	p := s.next
	p.Codec, p.Payload, p.Marker = media.ComfortNoise, []byte{60, 128, 130}, false
	s.next.Sequence++
	s.arrive(at, p)
}

// closed closes a recording and returns its summary and both channels.
func closed(t *testing.T, rec *Recording) (Summary, []byte, []byte) {
	t.Helper()
	sum, err := rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	l, r := split(t, filepath.Join(rec.recorder.cfg.Dir, sum.Path))
	return sum, l, r
}

// split reads a file and parts its channels.
func split(t *testing.T, name string) (l, r []byte) {
	t.Helper()
	parts := octetsOf(t, contents(t, name))
	return parts[left], parts[right]
}

// octetsOf are the channels of a WAV file as octets of its codec, as far as the header
// vouches for them.
func octetsOf(t *testing.T, b []byte) (parts [channels][]byte) {
	t.Helper()
	w, err := parseWave(b)
	if err != nil {
		t.Fatal(err)
	}
	end := w.dataAt + w.frames*w.frame()
	if end > int64(len(b)) {
		t.Fatalf("the header promises %d frames in a file of %d octets", w.frames, len(b))
	}
	samples := b[w.dataAt:end]
	for i := 0; len(samples) > 0; i++ {
		octet, size := samples[0], 1
		if w.linear {
			octet, size = w.codec.Encode(int16(binary.LittleEndian.Uint16(samples))), 2
		}
		parts[i%channels] = append(parts[i%channels], octet)
		samples = samples[size:]
	}
	return parts
}

// silence is n samples of A-law silence.
func silence(n int) []byte { return bytes.Repeat([]byte{media.PCMA.Silence()}, n) }

// equal compares a channel with its parts.
func equal(t *testing.T, channel string, got []byte, parts ...[]byte) {
	t.Helper()
	want := bytes.Join(parts, nil)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s channel: sample %d (%v) is %#x, want %#x", channel, i, duration(int64(i)), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s channel: %d samples, want %d", channel, len(got), len(want))
	}
}
