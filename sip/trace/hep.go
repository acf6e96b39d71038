package trace

import (
	"encoding/binary"
	"net/netip"
)

// The chunks of a HEP3 packet that we send (HEP/EEP protocol revision 3.0,
// https://github.com/sipcapture/HEP, "Generic chunk types").
const (
	chunkFamily      = 0x0001 // uint8: 2 is IPv4, 10 is IPv6
	chunkProtocol    = 0x0002 // uint8: IANA protocol number
	chunkSource4     = 0x0003
	chunkTarget4     = 0x0004
	chunkSource6     = 0x0005
	chunkTarget6     = 0x0006
	chunkSourcePort  = 0x0007 // uint16
	chunkTargetPort  = 0x0008 // uint16
	chunkSeconds     = 0x0009 // uint32, Unix time
	chunkMicros      = 0x000a // uint32
	chunkType        = 0x000b // uint8: 1 is SIP
	chunkNode        = 0x000c // uint32, capture agent
	chunkKey         = 0x000e // octets
	chunkPayload     = 0x000f // octets
	chunkCorrelation = 0x0011 // octets
	chunkNodeName    = 0x0013 // octets
)

const (
	familyIPv4  = 2
	familyIPv6  = 10
	protocolTCP = 6
	protocolUDP = 17
	typeSIP     = 1
)

// maxCorrelation bounds the correlation id, which a stranger may have chosen.
const maxCorrelation = 256

// encodeHEP appends one HEP3 packet: "HEP3", the total length, and chunks of vendor
// id, type, length and value, all in network byte order.
func encodeHEP(b []byte, cfg *HEPConfig, e *entry, data, correlation []byte) []byte {
	start := len(b)
	b = append(b, "HEP3\x00\x00"...)
	source, target := e.remote, e.local
	if e.out {
		source, target = target, source
	}
	protocol := byte(protocolUDP)
	if e.transport != "udp" {
		protocol = protocolTCP
	}
	family, sourceType, targetType := byte(familyIPv4), uint16(chunkSource4), uint16(chunkTarget4)
	if !source.Addr().Unmap().Is4() {
		family, sourceType, targetType = familyIPv6, chunkSource6, chunkTarget6
	}
	b = append(chunk(b, chunkFamily, 1), family)
	b = append(chunk(b, chunkProtocol, 1), protocol)
	b = address(b, sourceType, source)
	b = address(b, targetType, target)
	b = binary.BigEndian.AppendUint16(chunk(b, chunkSourcePort, 2), source.Port())
	b = binary.BigEndian.AppendUint16(chunk(b, chunkTargetPort, 2), target.Port())
	b = binary.BigEndian.AppendUint32(chunk(b, chunkSeconds, 4), uint32(e.at.Unix()))
	b = binary.BigEndian.AppendUint32(chunk(b, chunkMicros, 4), uint32(e.at.Nanosecond()/1000))
	b = append(chunk(b, chunkType, 1), typeSIP)
	b = binary.BigEndian.AppendUint32(chunk(b, chunkNode, 4), cfg.NodeID)
	if cfg.NodeName != "" {
		b = append(chunk(b, chunkNodeName, len(cfg.NodeName)), cfg.NodeName...)
	}
	if cfg.Password != "" {
		b = append(chunk(b, chunkKey, len(cfg.Password)), cfg.Password...)
	}
	if correlation = correlation[:min(len(correlation), maxCorrelation)]; len(correlation) > 0 {
		b = append(chunk(b, chunkCorrelation, len(correlation)), correlation...)
	}
	// The length of a packet, and of a chunk, has 16 bits: a longer message is cut.
	const overhead = 6
	data = data[:min(len(data), 0xffff-overhead-(len(b)-start))]
	b = append(chunk(b, chunkPayload, len(data)), data...)
	binary.BigEndian.PutUint16(b[start+4:], uint16(len(b)-start))
	return b
}

// chunk appends the header of a chunk: vendor 0 (generic), type, length with header.
func chunk(b []byte, kind uint16, n int) []byte {
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, kind)
	return binary.BigEndian.AppendUint16(b, uint16(n+6))
}

func address(b []byte, kind uint16, a netip.AddrPort) []byte {
	if ip := a.Addr().Unmap(); ip.Is4() {
		four := ip.As4()
		return append(chunk(b, kind, 4), four[:]...)
	}
	sixteen := a.Addr().As16()
	return append(chunk(b, kind, 16), sixteen[:]...)
}
