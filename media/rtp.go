package media

import "encoding/binary"

const (
	headerSize  = 12   // of an RTP packet without contributing sources and extension
	maxDatagram = 1500 // octets; anything larger is no voice packet
)

// header is what the relay needs of an RTP header (RFC 3550 section 5.1). The
// payload lies at [offset, offset+length) of the datagram it was parsed from.
type header struct {
	marker      bool
	payloadType uint8
	sequence    uint16
	timestamp   uint32
	ssrc        uint32
	offset      int
	length      int
}

// parseHeader reads the header of one datagram. It allocates nothing and reports
// false for whatever is not an RTP packet with a payload: another version (STUN,
// ZRTP and noise have one), lengths that do not add up, too large.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) <= headerSize || len(b) > maxDatagram || b[0]>>6 != 2 {
		return h, false
	}
	h.marker = b[1]&0x80 != 0
	h.payloadType = b[1] & 0x7F
	h.sequence = binary.BigEndian.Uint16(b[2:])
	h.timestamp = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	h.offset = headerSize + 4*int(b[0]&0x0F) // contributing sources
	if b[0]&0x10 != 0 {                      // header extension, section 5.3.1
		if len(b) < h.offset+4 {
			return h, false
		}
		h.offset += 4 + 4*int(binary.BigEndian.Uint16(b[h.offset+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 { // padding: its last octet counts it
		end -= int(b[end-1])
		if b[len(b)-1] == 0 {
			return h, false
		}
	}
	h.length = end - h.offset
	return h, h.length > 0
}

// put writes a plain header of twelve octets into b.
func (h header) put(b []byte) {
	b[0] = 2 << 6
	b[1] = h.payloadType
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.sequence)
	binary.BigEndian.PutUint32(b[4:], h.timestamp)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}
