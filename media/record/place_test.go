package record

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media"
)

const ms = time.Millisecond

// TestPlacement feeds packets of the customer (left) and compares the channel with
// what it must hold, sample for sample.
func TestPlacement(t *testing.T) { eachKind(t, testPlacement) }

func testPlacement(t *testing.T, as kind) {
	type figures struct {
		lost, received int64
		gaps           time.Duration
	}
	cases := []struct {
		name string
		feed func(s *source)
		want func(s *source) [][]byte
		figures
	}{
		{
			name: "in order, over the wrap of sequence numbers and timestamps",
			feed: func(s *source) { s.talk(0, 50) },
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 8000)} }, figures: figures{received: 50},
		},
		{
			name: "loss keeps time",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.packet()
				s.packet()
				s.talk(at+40*ms, 10)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 1600), silence(320), s.octets(1920, 1600)}
			},
			figures: figures{lost: 2, received: 20, gaps: 40 * ms},
		},
		{
			name: "loss where timestamps jump is told, and other silence is not told as loss",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.packet()
				s.packet()
				s.next.Timestamp += 80000
				s.talk(at+100*ms, 20)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 1600), silence(800), s.octets(1920, 3200)}
			},
			figures: figures{lost: 2, received: 30, gaps: 40 * ms},
		},
		{
			name: "reordering of 200 ms and repeats",
			feed: func(s *source) {
				at := s.talk(0, 10)
				late := s.packet()
				at = s.talk(at+20*ms, 10)
				s.arrive(at, late)
				s.arrive(at, late)
				s.talk(at, 5)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 26*160)} }, figures: figures{received: 26},
		},
		{
			name: "jitter of the first packet does not move the rest",
			feed: func(s *source) {
				first := s.packet()
				s.arrive(90*ms, first)
				for i := 1; i < 20; i++ {
					s.arrive(max(90*ms, time.Duration(i)*20*ms), s.packet())
				}
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 3200)} }, figures: figures{received: 20},
		},
		{
			name: "silence suppression with running timestamps",
			feed: func(s *source) {
				s.talk(0, 5)
				s.next.Timestamp += 8000
				s.next.Marker = true
				s.talk(1100*ms, 5)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 800), silence(8000), s.octets(800, 800)}
			},
			figures: figures{received: 10},
		},
		{
			name: "timestamps as far off as can be, and back before they are looked at",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.next.Timestamp += 1 << 31
				at = s.talk(at, 10)
				s.next.Timestamp += 1 << 31
				s.talk(at, 10)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 30*160)} }, figures: figures{received: 30},
		},
		{
			name: "comfort noise in the place of talk, one of its packets lost, one late",
			feed: func(s *source) {
				s.noise(0)
				at := s.talk(0, 5)
				s.noise(at)
				s.next.Sequence++
				s.next.Timestamp += 4000
				late := s.next
				s.next.Sequence++
				s.next.Timestamp += 4000
				s.next.Marker = true
				at = s.talk(at+1000*ms, 5)
				late.Codec, late.Payload = media.ComfortNoise, []byte{5}
				s.arrive(at, late)
				s.talk(at, 5)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 800), silence(8000), s.octets(800, 1600)}
			},
			figures: figures{lost: 1, received: 18, gaps: time.Second},
		},
		{
			name: "silence suppression with standing timestamps and a marker",
			feed: func(s *source) {
				s.talk(0, 5)
				s.next.Marker = true
				s.talk(1100*ms, 5)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 800), silence(8000), s.octets(800, 800)}
			},
			figures: figures{received: 10},
		},
		{
			name: "standing timestamps without a marker",
			feed: func(s *source) {
				s.talk(0, 5)
				s.talk(1100*ms, 20)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 800), silence(8000), s.octets(800, 3200)}
			},
			figures: figures{received: 25},
		},
		{
			name: "a stall of the network, then a burst",
			feed: func(s *source) {
				at := s.talk(0, 5)
				for range 100 {
					s.arrive(at+2000*ms, s.packet())
				}
				s.talk(at+2000*ms, 10)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 115*160)} }, figures: figures{received: 115},
		},
		{
			name: "a jump of the timestamp forwards",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.next.Timestamp += 1 << 30
				s.talk(at, 10)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 3200)} }, figures: figures{received: 20},
		},
		{
			name: "a jump of the timestamp backwards",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.next.Timestamp -= 1 << 29
				s.talk(at, 10)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 3200)} }, figures: figures{received: 20},
		},
		{
			name: "another SSRC, after a second of nothing",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.next.SSRC, s.next.Sequence, s.next.Timestamp = 77, 9, 99
				s.talk(at+1000*ms, 10)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 1600), silence(8000), s.octets(1600, 1600)}
			},
			figures: figures{received: 20},
		},
		{
			name: "another SSRC at once, a little early",
			feed: func(s *source) {
				at := s.talk(0, 10)
				s.next.SSRC, s.next.Sequence, s.next.Timestamp = 77, 9, 99
				s.talk(at-7*ms, 10)
			},
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 3200)} }, figures: figures{received: 20},
		},
		{
			name: "events and comfort noise leave silence and are not loss",
			feed: func(s *source) {
				at := s.talk(0, 5)
				for _, codec := range []media.Codec{media.TelephoneEvent, media.ComfortNoise} {
					p := s.packet()
					p.Codec, p.Payload = codec, p.Payload[:4]
					s.arrive(at, p)
					at += 20 * ms
				}
				s.talk(at, 5)
			},
			want: func(s *source) [][]byte {
				return [][]byte{s.octets(0, 800), silence(320), s.octets(1120, 800)}
			},
			figures: figures{received: 12},
		},
		{
			name: "a source that sends too slowly is followed",
			feed: func(s *source) {
				at := time.Duration(0)
				for range 300 {
					s.arrive(at, s.packet())
					at += 20*ms + 200*time.Microsecond // 1 %
				}
			},
			// At the 250th packet even the least delayed of the window is late by
			// nothing, since the window began in time.
			want: func(s *source) [][]byte { return [][]byte{s.octets(0, 48000)} }, figures: figures{received: 300},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rec := start(t, newTestRecorder(t, as.of(Config{Flush: MaxFlush})), Meta{})
			s := newSource(rec, rec.Customer(), 1)
			c.feed(s)
			sum, l, _ := closed(t, rec)
			equal(t, "left", l, c.want(s)...)
			if got := (figures{sum.Left.Lost, sum.Left.Received, sum.Left.GapTotal}); got != c.figures {
				t.Errorf("figures %+v, want %+v", got, c.figures)
			}
			if sum.Duration != duration(int64(len(l))) {
				t.Errorf("duration %v of %d samples", sum.Duration, len(l))
			}
		})
	}
}

// TestStallAcrossFlushes: what was held up and what caught up with it are seen in
// different flushes. Nothing may be lost or moved.
func TestStallAcrossFlushes(t *testing.T) { eachKind(t, testStallAcrossFlushes) }

func testStallAcrossFlushes(t *testing.T, as kind) {
	synctest.Test(t, func(t *testing.T) { // no time passes, so that the writer keeps away
		for cut := range 40 {
			rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{})
			synctest.Wait() // its first turn may be at once
			s := newSource(rec, rec.Customer(), 1)
			var space workspace
			for i := range 60 {
				at := time.Duration(i) * 20 * ms
				if i >= 10 && i < 30 { // the network delivers nothing for 400 ms
					at = 600*ms + time.Duration(i)*100*time.Microsecond
				}
				if i == 40 {
					s.next.Marker = true
				}
				s.arrive(at, s.packet())
				if i == cut {
					if err := rec.flush(&space, at); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, l, _ := closed(t, rec)
			equal(t, "left", l, s.octets(0, 9600))
		}
	})
}

// TestDrift runs a source whose clock is off for ten minutes and asks that the track
// stays within 60 ms of the wall clock.
func TestDrift(t *testing.T) {
	for _, drift := range []time.Duration{-10 * time.Microsecond, 10 * time.Microsecond} { // 500 ppm
		rec := start(t, newTestRecorder(t, Config{}), Meta{})
		s := newSource(rec, rec.Customer(), 1)
		at := time.Duration(0)
		for range 30_000 {
			s.arrive(at, s.packet())
			at += 20*ms + drift
		}
		sum, _, _ := closed(t, rec)
		if off := (sum.Duration - at).Abs(); off > 60*ms {
			t.Errorf("drift of %v a packet: the recording lasts %v, the call %v", drift, sum.Duration, at)
		}
		if sum.Left.Lost != 0 {
			t.Errorf("%d packets lost", sum.Left.Lost)
		}
	}
}

func TestAgentIsPlacedByArrivalAtEachBridge(t *testing.T) {
	eachKind(t, testAgentIsPlacedByArrivalAtEachBridge)
}

func testAgentIsPlacedByArrivalAtEachBridge(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{})
	customer := newSource(rec, rec.Customer(), 1)
	customer.talk(100*ms, 200) // the time line begins at 100 ms
	first := newSource(rec, rec.Agent(), 2)
	first.talk(600*ms, 50)
	second := newSource(rec, rec.Agent(), 3)
	second.talk(2607*ms, 50)
	sum, l, r := closed(t, rec)
	equal(t, "left", l, customer.octets(0, 32000))
	equal(t, "right", r, silence(4000), first.octets(0, 8000), silence(8056), second.octets(0, 8000), silence(3944))
	if sum.Right.Lost != 0 || sum.Right.GapTotal != 0 {
		t.Errorf("the pause between bridges counts as loss: %+v", sum.Right)
	}
	if want := rec.base.Add(100 * ms); !sum.Start.Equal(want) {
		t.Errorf("start %v, want the first packet's arrival %v", sum.Start, want)
	}
}

// TestRecordingBeginsAtTheAnswer: positions in the file are times since the answer.
func TestRecordingBeginsAtTheAnswer(t *testing.T) { eachKind(t, testRecordingBeginsAtTheAnswer) }

func testRecordingBeginsAtTheAnswer(t *testing.T, as kind) {
	answered := time.Now().Add(-30 * ms)
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{Start: answered})
	customer := newSource(rec, rec.Customer(), 1)
	customer.talk(10*ms, 50)
	agent := newSource(rec, rec.Agent(), 2)
	agent.talk(110*ms, 45)
	sum, l, r := closed(t, rec)
	lead := int(-rec.sheet.zero) + 80
	equal(t, "left", l, silence(lead), customer.octets(0, 8000))
	equal(t, "right", r, silence(lead+800), agent.octets(0, 7200))
	if sum.Start.Sub(answered).Abs() > duration(1) || lead < 240+80 {
		t.Errorf("start %v, want %v; %d samples before the first packet", sum.Start, answered, lead)
	}
}

// TestPacketOnItsWayAtTheAnswer: jitter may say that the first packet was sent before
// the answer; it is kept whole.
func TestPacketOnItsWayAtTheAnswer(t *testing.T) {
	rec := start(t, newTestRecorder(t, Config{}), Meta{Start: time.Now()})
	s := newSource(rec, rec.Customer(), 1)
	s.arrive(15*ms, s.packet())
	s.talk(20*ms-10*ms, 30)
	_, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 31*160))
}

func TestCustomerWhoSendsNothingAtFirst(t *testing.T) {
	rec := start(t, newTestRecorder(t, Config{}), Meta{})
	agent := newSource(rec, rec.Agent(), 2)
	agent.talk(50*ms, 100)
	customer := newSource(rec, rec.Customer(), 1)
	customer.talk(1050*ms, 25)
	_, l, r := closed(t, rec)
	equal(t, "left", l, silence(8000), customer.octets(0, 4000), silence(4000))
	equal(t, "right", r, agent.octets(0, 16000))
}

func TestAgentIsTranscodedToTheCustomersCodec(t *testing.T) {
	eachKind(t, testAgentIsTranscodedToTheCustomersCodec)
}

func testAgentIsTranscodedToTheCustomersCodec(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{Codec: media.PCMU})
	customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
	customer.next.Codec = media.PCMU
	customer.talk(0, 10)
	agent.talk(0, 10)
	sum, l, r := closed(t, rec)
	if as.linear {
		exact(t, contents(t, rec.recorder.nameOf(sum.Path)), customer.octets(0, 1600), agent.octets(0, 1600))
	} else {
		equal(t, "left", l, customer.octets(0, 1600))
		want := agent.octets(0, 1600)
		media.Transcode(want, media.PCMA, media.PCMU)
		equal(t, "right", r, want)
	}
	if sum.Codec != media.PCMU {
		t.Errorf("the file is %v", sum.Codec)
	}
}

// exact holds that a linear file has the samples of a mu-law and an A-law channel, each as
// its own law has them.
func exact(t *testing.T, b, ulaw, alaw []byte) {
	t.Helper()
	w, err := parseWave(b)
	if err != nil || !w.linear || w.frames != int64(len(ulaw)) {
		t.Fatalf("%+v, %v", w, err)
	}
	for i := range ulaw {
		at := b[w.dataAt+4*int64(i):]
		l, r := int16(binary.LittleEndian.Uint16(at)), int16(binary.LittleEndian.Uint16(at[2:]))
		if l != media.PCMU.Decode(ulaw[i]) || r != media.PCMA.Decode(alaw[i]) {
			t.Fatalf("frame %d is %d, %d", i, l, r)
		}
	}
}

// TestLongNothing leaves more between two packets than is kept in memory.
func TestLongNothing(t *testing.T) { eachKind(t, testLongNothing) }

func testLongNothing(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 5)
	s.next.Timestamp += 8000 * 300
	s.talk(300*time.Second+100*ms, 5)
	_, l, _ := closed(t, rec)
	equal(t, "left", l, s.octets(0, 800), silence(8000*300), s.octets(800, 800))
}
