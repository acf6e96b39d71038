package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// history is how many packets back a stream's instants of sending are known: 10 s.
const history = 512

// longest is how many packets a stream has at most in one run: 80 s.
const longest = 4096

// ear checks what arrives at one leg of a call: the stream that the other leg sends.
type ear struct {
	stream stream
	sentAt [history]int64 // of the stream's packets, ns of the wall clock, by number modulo history

	seen    [longest / 64]uint64 // numbers that arrived
	highest uint32
	synced  bool // the three below are known
	ssrc    uint32
	// Sequence numbers and timestamps go on from number to number as they were sent.
	sequence  uint16
	timestamp uint32
}

// window is a stretch of packets that is measured, and what was found in it.
type window struct {
	From, To uint32 // the first number, and that after the last

	Received   int // packets, each counted once
	Reordered  int // arrived after a later one
	Duplicated int // arrived again
	Altered    int // no payload that was sent, or another stream's
	Broken     int // SSRC, sequence number or timestamp did not go on from the packet before
	Monitored  int // packets that came to monitors
	Unfollowed int // of those, that did not go on from the one before
	delays     []delay
}

// delay is how long one packet took.
type delay struct {
	sent int64 // ns of the wall clock
	took int32 // ns; a second at most
}

func (w *window) holds(number uint32) bool { return w.From <= number && number < w.To }

// hear takes one datagram that arrived at that instant, in ns of the wall clock.
// Open: packets whose number cannot be told count into the window.
func (e *ear) hear(w *window, b []byte, at int64, open bool) {
	if len(b) != packetSize || b[0] != 2<<6 || b[1]&0x7F != payloadType {
		if open {
			w.Altered++
		}
		return
	}
	number, ok := e.stream.number(b[headerSize:])
	if !ok || number >= longest {
		if open {
			w.Altered++
		}
		return
	}
	word, bit := number/64, uint64(1)<<(number%64)
	again := e.seen[word]&bit != 0
	e.seen[word] |= bit
	late := number < e.highest
	e.highest = max(e.highest, number)
	unbroken := e.follows(b, number)
	if !w.holds(number) {
		return
	}
	if again {
		w.Duplicated++
		return
	}
	w.Received++
	if late {
		w.Reordered++
	}
	if !unbroken {
		w.Broken++
	}
	sent := e.sentAt[number%history]
	w.delays = append(w.delays, delay{sent, int32(min(at-sent, int64(time.Second)))})
}

// follows tells whether the header goes on from those before; if not, those that
// come are held against this one.
func (e *ear) follows(b []byte, number uint32) bool {
	ssrc := binary.BigEndian.Uint32(b[8:])
	sequence := binary.BigEndian.Uint16(b[2:]) - uint16(number)
	timestamp := binary.BigEndian.Uint32(b[4:]) - number*samples
	unbroken := !e.synced || ssrc == e.ssrc && sequence == e.sequence && timestamp == e.timestamp
	e.synced, e.ssrc, e.sequence, e.timestamp = true, ssrc, sequence, timestamp
	return unbroken
}

// findings is what a window comes to.
type findings struct {
	window
	Sent int
	CPU  time.Duration // that the measured process used meanwhile
	Took time.Duration
	// Late is the longest that the generator fell behind its schedule.
	Late time.Duration
	// Delays from sending to arrival.
	P50, P99, P999, Max time.Duration
}

// lost is how many packets of the window never arrived.
func (f findings) lost() int { return f.Sent - f.Received }

// clean tells whether every packet arrived once, in order, and as it was sent.
func (f findings) clean() bool {
	return f.lost() == 0 && f.Reordered+f.Duplicated+f.Altered+f.Broken+f.Unfollowed == 0
}

// perPacket is the CPU time per packet that was sent on, in µs.
func (f findings) perPacket() float64 {
	return float64(f.CPU.Nanoseconds()) / 1e3 / float64(max(f.Received, 1))
}

// perCore is how many calls fill a core at that cost.
func (f findings) perCore() float64 { return 1e6 / packetsPerCall / f.perPacket() }

// percentiles fills in the delays.
func (f *findings) percentiles() {
	slices.SortFunc(f.delays, func(a, b delay) int { return int(a.took - b.took) })
	at := func(part float64) time.Duration { return percentile(f.delays, part) }
	f.P50, f.P99, f.P999, f.Max = at(0.5), at(0.99), at(0.999), at(1)
}

// percentile is the delay that such a part of them does not exceed; 0: there are none. They
// are by length.
func percentile(delays []delay, part float64) time.Duration {
	if len(delays) == 0 {
		return 0
	}
	return time.Duration(delays[min(len(delays)-1, int(part*float64(len(delays))))].took)
}

func (f findings) String() string {
	more := ""
	if f.Monitored > 0 {
		more = fmt.Sprintf("; %d packets to monitors, %d of them broke off", f.Monitored, f.Unfollowed)
	}
	return fmt.Sprintf("%.2f µs a packet, %.0f calls per core; %d packets, %d lost, %d reordered, %d duplicated, "+
		"%d altered, %d renumbered; delay p50 %.3f, p99 %.3f, p99.9 %.3f, longest %.3f ms%s",
		f.perPacket(), f.perCore(), f.Sent, f.lost(), f.Reordered, f.Duplicated, f.Altered, f.Broken,
		milliseconds(f.P50), milliseconds(f.P99), milliseconds(f.P999), milliseconds(f.Max), more)
}

// packetsPerCall is how many packets a second a call has, both ways.
const packetsPerCall = 2 * float64(time.Second/packetTime)

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
