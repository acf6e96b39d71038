package media

// The tables of ITU-T G.711: octet to linear sample, and octet to octet of the
// other law. Written once, while the package initialises.
var (
	alawLinear, ulawLinear = linearTables()
	alawToUlaw, ulawToAlaw = lawTables()
	alawSquare, ulawSquare = squareTable(&alawLinear), squareTable(&ulawLinear)
)

// Silence is the octet of c that means a sample of zero.
func (c Codec) Silence() byte {
	if c == PCMU {
		return 0xFF
	}
	return 0xD5
}

// Decode returns the 16-bit linear sample of one octet of c, which is PCMA or
// PCMU. Full scale is 32256 (A-law) and 32124 (mu-law).
func (c Codec) Decode(b byte) int16 {
	if c == PCMU {
		return ulawLinear[b]
	}
	return alawLinear[b]
}

// Encode returns the octet of c, which is PCMA or PCMU, for a linear sample.
func (c Codec) Encode(v int16) byte {
	if c == PCMU {
		return encodeUlaw(v)
	}
	return encodeAlaw(v)
}

// Transcode rewrites payload in place from one law to the other, by table. It
// does nothing when the two are the same. G722 counts as the law that it has within.
func Transcode(payload []byte, from, to Codec) {
	from, to = from.law(), to.law()
	table := &alawToUlaw
	switch {
	case from == to:
		return
	case from == PCMU:
		table = &ulawToAlaw
	}
	for i, b := range payload {
		payload[i] = table[b]
	}
}

// Energy is the sum of the squares of the linear samples of payload, which is of c.
// One full-scale sample counts 2^30.
func (c Codec) Energy(payload []byte) uint64 {
	table := &alawSquare
	if c == PCMU {
		table = &ulawSquare
	}
	sum := uint64(0)
	for _, b := range payload {
		sum += uint64(table[b])
	}
	return sum
}

func squareTable(linear *[256]int16) (square [256]uint32) {
	for i, v := range linear {
		square[i] = uint32(int32(v) * int32(v))
	}
	return square
}

func linearTables() (a, u [256]int16) {
	for i := range 256 {
		a[i], u[i] = decodeAlaw(byte(i)), decodeUlaw(byte(i))
	}
	return a, u
}

func lawTables() (toUlaw, toAlaw [256]byte) {
	for i := range 256 {
		toUlaw[i] = encodeUlaw(decodeAlaw(byte(i)))
		toAlaw[i] = encodeAlaw(decodeUlaw(byte(i)))
	}
	return toUlaw, toAlaw
}

// A-law (G.711 table 1): sign, three bits of segment, four of step; even bits
// inverted on the line.
const alawMask = 0x55

func decodeAlaw(b byte) int16 {
	b ^= alawMask
	v := int16(b&0x0F)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		v = (v + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		return -v
	}
	return v
}

func encodeAlaw(sample int16) byte {
	sign, v := byte(0x80), int(sample)>>3
	if v < 0 {
		sign, v = 0, -v-1
	}
	var b byte
	switch segment := bitLength(v >> 5); segment {
	case 0, 1:
		b = byte(segment)<<4 | byte(v>>1)&0x0F
	default:
		b = byte(segment)<<4 | byte(v>>segment)&0x0F
	}
	return (sign | b) ^ alawMask
}

// Mu-law (G.711 table 2): as A-law with a bias that makes every segment start at
// a power of two; all bits inverted on the line.
const (
	ulawBias = 0x84
	ulawClip = 32635
)

func decodeUlaw(b byte) int16 {
	b = ^b
	v := (int16(b&0x0F)<<3 + ulawBias) << (b >> 4 & 7)
	if b&0x80 != 0 {
		return ulawBias - v
	}
	return v - ulawBias
}

func encodeUlaw(sample int16) byte {
	sign, v := byte(0), int(sample)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, ulawClip) + ulawBias
	segment := bitLength(v>>7) - 1
	return ^(sign | byte(segment)<<4 | byte(v>>(segment+3))&0x0F)
}

// bitLength is the position of the highest bit set, counted from one.
func bitLength(v int) int {
	n := 0
	for ; v > 0; v >>= 1 {
		n++
	}
	return n
}
