package media

import (
	"testing"
	"time"
)

// listener reads a voice whose samples count up, 160 a time.
type listener struct {
	v        voice
	at       uint32
	breaks   int // places where the count does not go on
	silences int // samples that are missing
	written  uint32
}

// counted is the sample of a timestamp: never quiet, but for every fourth second.
func counted(timestamp uint32) int16 {
	if timestamp/ClockRate%4 == 3 {
		return 0
	}
	return 1000 + int16(timestamp%16)*1000
}

func (l *listener) write(timestamp uint32) {
	payload := make([]byte, 160)
	for i := range payload {
		payload[i] = PCMU.Encode(counted(timestamp + uint32(i)))
	}
	l.v.Tap(&Packet{Payload: payload, Codec: PCMU, Timestamp: timestamp, SSRC: 1})
	l.written = timestamp + 160
}

// read takes what comes next, and returns how far behind the newest sample it is.
func (l *listener) read() int32 {
	var sum [160]int32
	l.v.add(sum[:], l.at, time.Time{})
	from := l.at + l.v.offset
	l.at += 160
	for i, s := range sum {
		switch want := PCMU.Decode(PCMU.Encode(counted(from + uint32(i)))); {
		case s == 0 && want > voiceZero:
			l.silences++
		case s != int32(want) && s != 0:
			l.breaks++
		}
	}
	return int32(l.v.newest - l.v.played)
}

// TestVoiceAdapts has packets come late for a while: the voice loses no more than that
// once, then comes whole, and comes near again when they are in time again.
func TestVoiceAdapts(t *testing.T) {
	l := &listener{at: 12345}
	for i := range uint32(50) {
		l.write(i * 160)
		if l.read(); i == 0 {
			l.silences = 0 // of before the first
		}
	}
	if l.silences > 0 {
		t.Errorf("%d samples missing in time", l.silences)
	}
	for i := uint32(50); i < 250; i += 5 { // five at once, every 100 ms
		for range 4 {
			l.read()
		}
		for k := range uint32(5) {
			l.write((i + k) * 160)
		}
		if l.read(); i == 60 {
			l.silences = 0
		}
	}
	if l.silences > 0 || l.breaks > 0 {
		t.Errorf("%d samples missing and %d wrong though the depth should have grown", l.silences, l.breaks)
	}
	if deep := l.read(); deep < 160*3 {
		t.Errorf("%d samples deep amid the jitter", deep)
	}
	var deep int32
	for i := uint32(250); i < 1000; i++ {
		l.write(i * 160)
		deep = l.read()
	}
	if deep > 3*voiceDepth || l.silences > 0 || l.breaks > 0 {
		t.Errorf("%d samples deep after the jitter, %d missing, %d wrong", deep, l.silences, l.breaks)
	}
}

// TestVoiceFollowsAClock has the clocks of the two differ by 500 ppm, either way.
func TestVoiceFollowsAClock(t *testing.T) {
	for _, step := range []int{-1, 1} {
		l, at := &listener{}, uint32(0)
		deepest := int32(0)
		for i := range 30000 { // ten minutes
			if i%2000 == 1999 {
				if step > 0 {
					l.write(at)
					at += 160
				} else {
					l.read()
				}
			}
			l.write(at)
			at += 160
			deepest = max(deepest, l.read())
		}
		if deepest > 5*voiceDepth || l.breaks > 0 || l.silences > 15*160 {
			t.Errorf("clocks that differ by %d: %d samples deep, %d missing, %d wrong", step, deepest, l.silences, l.breaks)
		}
	}
}

func TestVoiceStartsAnew(t *testing.T) {
	l := &listener{}
	for i := range uint32(10) {
		l.write(i * 160)
		l.read()
	}
	for i := range uint32(10) { // the party's stream jumps
		l.write(1<<31 + i*160)
		if l.read(); i == 1 {
			l.silences = 0
		}
	}
	if l.silences > 0 || l.breaks > 0 {
		t.Errorf("%d samples missing, %d wrong after a jump", l.silences, l.breaks)
	}
	for range 500 { // it falls silent, and goes on where the time is
		l.read()
	}
	for i := range uint32(10) {
		l.write(1<<31 + (510+i)*160)
		if l.read(); i == 1 {
			l.silences = 0
		}
	}
	if deep := l.read(); deep > 3*voiceDepth || l.silences > 0 || l.breaks > 0 {
		t.Errorf("%d samples deep, %d missing, %d wrong after a silence", deep, l.silences, l.breaks)
	}
}
