package tone

// DecodeALaw expands one A-law octet to 16-bit linear PCM (ITU-T G.711,
// table 1a; the 13-bit value is left-justified).
func DecodeALaw(octet byte) int16 {
	octet ^= 0x55
	magnitude := int16(octet&0x0f)<<4 + 8
	if exponent := octet >> 4 & 7; exponent > 0 {
		magnitude = (magnitude + 0x100) << (exponent - 1)
	}
	if octet&0x80 == 0 {
		return -magnitude
	}
	return magnitude
}

// DecodeMuLaw expands one mu-law octet to 16-bit linear PCM (ITU-T G.711,
// table 2a; the 14-bit value is left-justified).
func DecodeMuLaw(octet byte) int16 {
	octet = ^octet
	magnitude := (int16(octet&0x0f)<<3+0x84)<<(octet>>4&7) - 0x84
	if octet&0x80 != 0 {
		return -magnitude
	}
	return magnitude
}

// EncodeALaw compresses samples by searching the decoder's own table for the
// nearest value: slow, plainly right, and quick enough for a test's tone.
func EncodeALaw(samples []int16) []byte { return encode(samples, DecodeALaw) }

// EncodeMuLaw is EncodeALaw for mu-law.
func EncodeMuLaw(samples []int16) []byte { return encode(samples, DecodeMuLaw) }

func encode(samples []int16, decode func(byte) int16) []byte {
	octets := make([]byte, len(samples))
	for i, sample := range samples {
		nearest := 1 << 17
		for octet := range 256 {
			distance := int(decode(byte(octet))) - int(sample)
			if distance = max(distance, -distance); distance < nearest {
				nearest, octets[i] = distance, byte(octet)
			}
		}
	}
	return octets
}
