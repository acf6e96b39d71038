package media

import (
	"math"
	"math/cmplx"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// talkers are a customer, an agent and guests on fake sockets, driven by hand.
type talkers struct {
	t                      testing.TB
	engine                 *Engine
	customer, agent, guest *talker
	all                    []*talker
	now                    time.Time
}

// talker is a session and where it got to.
type talker struct {
	*Session
	socket *fakeSocket
	ssrc   uint32
	sent   uint16 // packets of its far side, and those that it left out
	quiet  bool   // it leaves them out
	left   uint16 // out so far
	says   func(sample int) byte
}

func newTalkers(t testing.TB, formats string) *talkers {
	e := bareEngine()
	k := &talkers{t: t, engine: e, now: time.Now()}
	for _, who := range []**talker{&k.customer, &k.agent, &k.guest} {
		*who = k.add(formats)
	}
	return k
}

// add makes one more, who is silent.
func (k *talkers) add(formats string) *talker {
	s, f := bareSession(k.t, k.engine, formats)
	codec := s.Codec()
	who := &talker{Session: s, socket: f, ssrc: uint32(len(k.all)) + 7, says: func(int) byte { return codec.Silence() }}
	k.all = append(k.all, who)
	return who
}

// pass lets so many packet times pass: each far side sends a packet, then the clock ticks.
func (k *talkers) pass(times int) {
	k.t.Helper()
	for range times {
		k.now = k.now.Add(clockPeriod)
		for _, who := range k.all {
			begin := int(who.sent) * 160
			if who.quiet {
				who.sent++
				who.left++
				continue
			}
			p := rtp.Packet{Header: rtp.Header{
				Version: 2, PayloadType: who.out.format.payloadType, SequenceNumber: who.sent - who.left, Timestamp: uint32(begin), SSRC: who.ssrc,
			}, Payload: make([]byte, 160)}
			for i := range p.Payload {
				p.Payload[i] = who.says(begin + i)
			}
			who.sent++
			deliver(k.t, who.Session, p, k.now)
		}
		for _, who := range k.all {
			who.tick(k.now, clockPeriod)
		}
	}
}

// heard is what the far side of who has been sent since the packet of that number, as
// samples.
func (who *talker) heard(from int) []int16 {
	var samples []int16
	for _, p := range who.socket.sent[from:] {
		for _, b := range p.Payload {
			samples = append(samples, who.Codec().Decode(b))
		}
	}
	return samples
}

// level is the amplitude of a frequency in what the far side of who has been sent since
// the packet of that number.
func (who *talker) level(from int, hz float64) float64 {
	samples := who.heard(from)
	var sum complex128
	for i, s := range samples {
		sum += complex(float64(s), 0) * cmplx.Exp(complex(0, -2*math.Pi*hz*float64(i)/ClockRate))
	}
	return cmplx.Abs(sum) * 2 / float64(len(samples))
}

// sine is a tone as one of the two laws sends it.
func sine(c Codec, hz, amplitude float64) func(int) byte {
	return func(i int) byte {
		return c.Encode(int16(amplitude * math.Sin(2*math.Pi*hz*float64(i)/ClockRate)))
	}
}

// noise runs through all octets, so that none can be changed unseen.
func noise(i int) byte { return byte(i*167 + i/256) }

// keptTap keeps the samples that it sees.
type keptTap struct{ samples []int16 }

func (k *keptTap) Tap(p *Packet) {
	for _, b := range p.Payload {
		k.samples = append(k.samples, p.Codec.Decode(b))
	}
}
