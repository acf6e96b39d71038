package media_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ringpace/media"
)

// script reads a fuzzer's input as what happens in a conversation.
type script struct{ b []byte }

func (s *script) octet() byte {
	if len(s.b) == 0 {
		return 0
	}
	o := s.b[0]
	s.b = s.b[1:]
	return o
}

// datagram takes one literally, its length first.
func (s *script) datagram() []byte {
	n := min(int(s.octet()), len(s.b))
	d := s.b[:n:n]
	s.b = s.b[n:]
	return append([]byte(nil), d...)
}

// packet is the next of a stream whose numbers move by what the script says.
func (s *script) packet(stream *rtp.Header) []byte {
	stream.SequenceNumber += uint16(int8(s.octet())) + 1
	stream.Timestamp += uint32(int32(int8(s.octet()))<<(s.octet()%32)) + 160
	what := s.octet()
	stream.Marker = what&1 != 0
	stream.SSRC = uint32(what >> 1 & 3)
	stream.PayloadType = []uint8{8, 8, 8, 101, 13, 0, 9, 77}[what>>3&7]
	b, err := (&rtp.Packet{Header: *stream, Payload: make([]byte, []int{160, 1, 4, 1488}[what>>6])}).Marshal()
	if err != nil {
		panic(err)
	}
	b[0] |= s.octet() & 0x3F // padding, extension, sources, that are there or not
	return b
}

// FuzzPath has datagrams and what callers do come in any order, at any pace, on the
// whole way from the socket over the relay to the recording. The stream that the
// customer hears never goes back nor leaps in its numbers, and the recording is as long
// as the call was.
func FuzzPath(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 20, 0, 5, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 5, 0, 0, 0, 6, 0, 6, 1, 0, 5, 0, 0, 0, 25, 0, 6, 3, 1, 5, 200, 100, 31, 3, 0, 6, 2, 7, 20, 6, 4})
	f.Add([]byte{4, 13, 0x80, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xD5, 5, 8, 0x80, 201, 0, 1, 0, 0, 0, 7, 3, 5, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		synctest.Test(t, func(t *testing.T) {
			c := converse(t)
			s := &script{b[:min(len(b), 2000)]}
			agent, customer, stranger := rtp.Header{Version: 2}, rtp.Header{Version: 2}, rtp.Header{Version: 2}
			from := netip.MustParseAddrPort("198.51.100.66:6666")
			for len(s.b) > 0 {
				switch op := s.octet(); op % 8 {
				case 0, 1:
					time.Sleep(time.Duration(s.octet()) * 4 * ms)
					c.agent.Deliver(s.packet(&agent), media.PartyAddr)
				case 2:
					time.Sleep(time.Duration(s.octet()) * 4 * ms)
					c.customer.Deliver(s.packet(&customer), media.PartyAddr)
				case 3:
					time.Sleep(time.Duration(s.octet()) * 4 * ms)
					c.agent.Deliver(s.packet(&stranger), from)
				case 4:
					c.agent.Deliver(s.datagram(), media.PartyAddr)
				case 5:
					c.agent.DeliverRTCP(s.datagram(), media.PartyAddr)
				case 6:
					c.act(s.octet())
				case 7:
					time.Sleep(time.Duration(s.octet()) * 200 * ms)
				}
			}
			said := time.Since(c.begin)
			time.Sleep(time.Second) // for what waits for its place
			got := c.close()
			for i := 1; i < len(got.heard); i++ {
				checkStep(t, got.heard[:i], got.heard[i])
			}
			if longest := said + 300*ms; got.summary.Duration > longest {
				t.Errorf("the recording of a call of %v lasts %v", said, got.summary.Duration)
			}
			if r := got.summary.Right; r.Lost < 0 || r.GapTotal < 0 || r.GapTotal > got.summary.Duration || got.summary.Dropped != 0 {
				t.Errorf("%+v", got.summary)
			}
		})
	})
}

// act is what callers do.
func (c *conversation) act(what byte) {
	switch what % 8 {
	case 0:
		c.recording.Pause()
	case 1:
		c.recording.Resume()
	case 2:
		c.bridge.Close()
	case 3, 4: // the next agent, as it were
		c.bridge.Close()
		c.join()
	default:
		for range what {
			time.Sleep(20 * ms)
			c.customer.Tick()
			c.agent.Tick()
		}
	}
}

// checkStep holds that a packet goes on with the stream before it.
func checkStep(t *testing.T, before []rtp.Packet, p rtp.Packet) {
	t.Helper()
	highest := before[0].SequenceNumber
	for _, b := range before {
		if int16(b.SequenceNumber-highest) > 0 {
			highest = b.SequenceNumber
		}
	}
	if step := int16(p.SequenceNumber - highest); step > 3000 || step < -100 {
		t.Fatalf("packet %d of the stream moves its number by %d", len(before), step)
	}
	if p.SSRC != before[0].SSRC || p.Version != 2 || len(p.Payload) == 0 || p.PayloadType != 8 && p.PayloadType != 101 {
		t.Fatalf("packet %d of the stream is %v with %d octets", len(before), p.Header, len(p.Payload))
	}
}
