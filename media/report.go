package media

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// maxReport is more than the longest report takes that we send, in octets, encrypted or not.
const maxReport = 256

// report is what an RTCP packet of ours tells. Thousands of legs have hundreds of them sent
// each second, so it is written in place, where the library would allocate each part.
type report struct {
	ssrc uint32
	// What a sender report tells besides; a receiver report goes out while nothing was sent.
	sender          bool
	ntp             uint64 // when this is written
	timestamp       uint32 // the same instant on the stream's clock
	packets, octets uint32 // sent so far

	received bool // the far side's stream has begun, and block tells of it
	block    rtcp.ReceptionReport
}

// compound writes a sender or receiver report and the CNAME, and a goodbye where that is
// the last of them (RFC 3550 sections 6.1 and 6.4 to 6.6).
func (r *report) compound(b []byte, cname string, goodbye bool) []byte {
	b = r.body(b)
	b = r.description(b, cname)
	if goodbye {
		b = rtcpHeader(b, 1, rtcp.TypeGoodbye, 8)
		b = binary.BigEndian.AppendUint32(b, r.ssrc)
	}
	return b
}

// body writes the report itself.
func (r *report) body(b []byte) []byte {
	kind, size, blocks := rtcp.TypeReceiverReport, 8, 0
	if r.sender {
		kind, size = rtcp.TypeSenderReport, size+20
	}
	if r.received {
		blocks, size = 1, size+24
	}
	b = rtcpHeader(b, blocks, kind, size)
	b = binary.BigEndian.AppendUint32(b, r.ssrc)
	if r.sender {
		b = binary.BigEndian.AppendUint64(b, r.ntp)
		b = binary.BigEndian.AppendUint32(b, r.timestamp)
		b = binary.BigEndian.AppendUint32(b, r.packets)
		b = binary.BigEndian.AppendUint32(b, r.octets)
	}
	if r.received {
		b = binary.BigEndian.AppendUint32(b, r.block.SSRC)
		b = binary.BigEndian.AppendUint32(b, uint32(r.block.FractionLost)<<24|r.block.TotalLost)
		b = binary.BigEndian.AppendUint32(b, r.block.LastSequenceNumber)
		b = binary.BigEndian.AppendUint32(b, r.block.Jitter)
		b = binary.BigEndian.AppendUint32(b, r.block.LastSenderReport)
		b = binary.BigEndian.AppendUint32(b, r.block.Delay)
	}
	return b
}

// description writes who we are: one chunk, which ends with one to four zeros.
func (r *report) description(b []byte, cname string) []byte {
	chunk := 4 + 2 + len(cname)
	zeros := 4 - chunk%4
	b = rtcpHeader(b, 1, rtcp.TypeSourceDescription, 4+chunk+zeros)
	b = binary.BigEndian.AppendUint32(b, r.ssrc)
	b = append(b, byte(rtcp.SDESCNAME), byte(len(cname)))
	b = append(b, cname...)
	return append(b, "\x00\x00\x00\x00"[:zeros]...)
}

// rtcpHeader begins a packet of that many octets, with so many blocks, chunks or sources.
func rtcpHeader(b []byte, count int, kind rtcp.PacketType, size int) []byte {
	const version = 2
	b = append(b, version<<6|byte(count), byte(kind))
	return binary.BigEndian.AppendUint16(b, uint16(size/4-1))
}
