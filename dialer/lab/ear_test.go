package lab

import (
	"testing"
	"time"

	"ringpace/media"
)

func packet(sequence uint16, at time.Time, fill byte) *media.Packet {
	p := &media.Packet{Codec: media.PCMU, Sequence: sequence, Arrival: at, Payload: make([]byte, 160)}
	for i := range p.Payload {
		p.Payload[i] = fill
	}
	return p
}

func TestEarCountsLossGapsAndSound(t *testing.T) {
	const silence, loud = 0xff, 0x00
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	e := newEar()
	e.Tap(packet(65534, at(0), silence))
	e.Tap(packet(65535, at(20), silence))
	e.Tap(packet(1, at(60), silence)) // 0 is lost, and with it the stream stands still
	e.Tap(packet(0, at(61), silence)) // late, not lost
	e.Tap(packet(2, at(80), loud))
	e.Tap(packet(5, at(100), silence)) // 3 and 4 are lost
	h := e.snapshot()
	if h.Packets != 6 || h.Lost != 2 {
		t.Errorf("packets %d, lost %d", h.Packets, h.Lost)
	}
	if h.Gaps != 0 || h.LongestGap != 40*time.Millisecond {
		t.Errorf("gaps %d, longest %v", h.Gaps, h.LongestGap)
	}
	if !h.FirstSound.Equal(at(80)) || !h.LastSound.Equal(at(80)) || !h.First.Equal(at(0)) {
		t.Errorf("heard %+v", h)
	}
	e.Tap(packet(6, at(200), silence))
	if h := e.snapshot(); h.Gaps != 1 || h.LongestGap != 100*time.Millisecond {
		t.Errorf("gaps %d, longest %v", h.Gaps, h.LongestGap)
	}
}

func TestSummarise(t *testing.T) {
	var d []time.Duration
	for i := 100; i >= 1; i-- {
		d = append(d, time.Duration(i))
	}
	if l := Summarise(d); l != (Latency{N: 100, P50: 50, P99: 99, Max: 100}) {
		t.Errorf("%+v", l)
	}
	if l := Summarise([]time.Duration{7}); l != (Latency{N: 1, P50: 7, P99: 7, Max: 7}) {
		t.Errorf("%+v", l)
	}
	if l := Summarise(nil); l != (Latency{}) {
		t.Errorf("%+v", l)
	}
}
