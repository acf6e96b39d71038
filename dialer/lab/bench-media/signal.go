package main

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// What every stream is: A-law at 20 ms (RFC 3551 sections 4.5.14 and 6).
const (
	packetTime  = 20 * time.Millisecond
	samples     = 160 // octets and samples in a packet
	payloadType = 8
	headerSize  = 12
	packetSize  = headerSize + samples
)

// stream is the number of a stream: two for each call, that which the customer's end
// sends and that which the agent's sends.
type stream uint32

// streamOf gives the stream that a leg of a call sends.
func streamOf(call, leg int) stream { return stream(2*call + leg) }

// noise is what the packets are cut from: every octet is a sample of A-law.
var noise = func() []byte {
	b := make([]byte, 1<<16)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}()

// labelSize is the part of a payload that names it: stream and number, as samples.
const labelSize = 8

// label masks the names of packets, so that their bits are noise as well.
const label = 0x9E3779B97F4A7C15

// cut is the noise of one packet; neighbours are cut elsewhere.
func cut(s stream, number uint32) []byte {
	from := (uint32(s)*7919 + number*104729) % uint32(len(noise)-samples)
	return noise[from : from+samples-labelSize]
}

// put writes the payload of a stream's packet of that number.
func (s stream) put(payload []byte, number uint32) {
	binary.BigEndian.PutUint64(payload, (uint64(s)<<32|uint64(number))^label)
	copy(payload[labelSize:samples], cut(s, number))
}

// payload is the payload of the packet of that number.
func (s stream) payload(number uint32) []byte {
	b := make([]byte, samples)
	s.put(b, number)
	return b
}

// number reads the number of a packet of this stream. False: it is none, or is
// not as it was sent.
func (s stream) number(payload []byte) (uint32, bool) {
	if len(payload) != samples {
		return 0, false
	}
	name := binary.BigEndian.Uint64(payload) ^ label
	number := uint32(name)
	return number, name>>32 == uint64(s) && bytes.Equal(payload[labelSize:], cut(s, number))
}

// source builds the packets of one stream.
type source struct {
	stream    stream
	ssrc      uint32
	sequence  uint16 // of packet 0
	timestamp uint32 // of packet 0
	packet    [packetSize]byte
}

// newSource begins where a sender might: at any sequence number and timestamp
// (RFC 3550 section 5.1).
func newSource(s stream, random *rand.Rand) *source {
	return &source{stream: s, ssrc: random.Uint32(), sequence: uint16(random.Uint32()), timestamp: random.Uint32()}
}

// next is the packet of that number; it is good until the call after.
func (s *source) next(number uint32) []byte {
	b := s.packet[:]
	b[0], b[1] = 2<<6, payloadType
	if number == 0 {
		b[1] |= 0x80 // marker: the first of a talkspurt (RFC 3551 section 4.1)
	}
	binary.BigEndian.PutUint16(b[2:], s.sequence+uint16(number))
	binary.BigEndian.PutUint32(b[4:], s.timestamp+number*samples)
	binary.BigEndian.PutUint32(b[8:], s.ssrc)
	s.stream.put(b[headerSize:], number)
	return b
}
