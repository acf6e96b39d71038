package media

// G.722 at 64 kbit/s (ITU-T G.722, 09/2012), as far as telephones with wideband audio
// meet those without: of the two bands that the codec carries, 0 to 4 kHz and 4 to
// 8 kHz, the lower is the telephone band, sampled at 8 kHz. It is decoded and encoded
// here; the higher is passed over in what comes, and silent in what goes. An octet has
// six bits of the lower band and two of the higher, one octet each 125 us, so that a
// payload has as many octets as one of G.711, and its RTP clock runs at 8 kHz
// (RFC 3551 section 4.5.2).

// silentHigh are the bits of the higher band that stand for the least difference: of a
// band that has been silent they say that it goes on.
const silentHigh = 3 << 6

// lowBand is the adaptive differential coder of the lower band (G.722 section 3, the
// blocks for the lower sub-band). Variables have the names of the recommendation. The
// zero value is not ready; see newLowBand.
type lowBand struct {
	s    int    // prediction, from poles and zeros
	sz   int    // its part from zeros
	r    [3]int // reconstructed signal: now and before
	p    [3]int // partially reconstructed signal
	a    [3]int // poles; a[0] is unused
	b    [7]int // zeros; b[0] is unused
	d    [7]int // quantized differences: now and before
	nb   int    // logarithm of the step size
	step int    // detL
}

func newLowBand() lowBand { return lowBand{step: 32} }

// Tables of G.722: decision levels and quantizer outputs of six bits, of four bits, and
// of the step's adaptation.
var (
	levels6 = [30]int{
		35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786,
		858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 0,
	}
	negative6 = [32]int{
		0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
		18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 0,
	}
	positive6 = [32]int{
		0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
		46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 0,
	}
	output6 = [64]int{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	output4 = [16]int{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	stepChange = [16]int{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	stepTable  = [32]int{
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
)

// limit keeps a value in 16 bits.
func limit(v int) int { return min(max(v, -32768), 32767) }

// encode takes one sample of 15 bits and returns the six bits for it.
func (l *lowBand) encode(x int) byte {
	e := limit(x - l.s)
	magnitude := e
	if e < 0 {
		magnitude = -(e + 1)
	}
	level := 1
	for level < len(levels6) && magnitude >= levels6[level-1]*8*l.step>>15 {
		level++
	}
	code := positive6[level]
	if e < 0 {
		code = negative6[level]
	}
	l.adapt(code >> 2)
	return byte(code)
}

// decode takes the six bits of one sample and returns it, of 15 bits.
func (l *lowBand) decode(code byte) int {
	code &= 0x3F
	y := l.s + l.step*output6[code]>>15
	l.adapt(int(code >> 2))
	return min(max(y, -16384), 16383)
}

// adapt follows the four bits that both sides are sure of: the inverse quantizer, the
// step size and the predictor (blocks 2L to 4L).
func (l *lowBand) adapt(code int) {
	difference := l.step * output4[code] >> 15

	l.nb = min(max(l.nb*127>>7+stepChange[code], 0), 18432)
	shift := 8 - l.nb>>11
	fine := stepTable[l.nb>>6&31]
	if shift < 0 {
		l.step = fine << -shift << 2
	} else {
		l.step = fine >> shift << 2
	}

	// Block 4: reconstruct, and adapt poles and zeros.
	l.d[0] = difference
	l.r[0] = limit(l.s + difference)
	l.p[0] = limit(l.sz + difference)
	same := func(x, y int) bool { return (x < 0) == (y < 0) }

	// The second pole, then the first.
	w := limit(l.a[1] * 4)
	if same(l.p[0], l.p[1]) {
		w = -w
	}
	w = min(w, 32767) >> 7
	if same(l.p[0], l.p[2]) {
		w += 128
	} else {
		w -= 128
	}
	a2 := min(max(w+l.a[2]*32512>>15, -12288), 12288)
	w = l.a[1] * 32640 >> 15
	if same(l.p[0], l.p[1]) {
		w += 192
	} else {
		w -= 192
	}
	bound := limit(15360 - a2)
	a1 := min(max(limit(w), -bound), bound)

	// The zeros.
	for i := 1; i <= 6; i++ {
		gain := 0
		if difference != 0 {
			gain = 128
			if !same(l.d[i], difference) {
				gain = -128
			}
		}
		l.b[i] = limit(gain + l.b[i]*32640>>15)
	}
	copy(l.d[1:], l.d[:6])
	l.r[2], l.r[1] = l.r[1], l.r[0]
	l.p[2], l.p[1] = l.p[1], l.p[0]
	l.a[1], l.a[2] = a1, a2

	// The prediction of the next sample.
	poles := limit(a1*limit(2*l.r[1])>>15 + a2*limit(2*l.r[2])>>15)
	sum := 0
	for i := 6; i > 0; i-- {
		sum += l.b[i] * limit(2*l.d[i]) >> 15
	}
	l.sz = limit(sum)
	l.s = limit(poles + l.sz)
}

// narrowG722 turns one direction of G.722 into G.711 A-law or back. It is one stream's:
// each octet depends on those before. What a lost packet disturbs the codec forgets
// within some ten milliseconds of speech.
type narrowG722 struct {
	band lowBand
}

func newNarrowG722() narrowG722 { return narrowG722{band: newLowBand()} }

// decode rewrites a payload of G.722 as A-law, in place.
func (g *narrowG722) decode(payload []byte) {
	for i, b := range payload {
		payload[i] = encodeAlaw(int16(2 * g.band.decode(b)))
	}
}

// encode rewrites a payload of A-law as G.722, in place.
func (g *narrowG722) encode(payload []byte) {
	for i, b := range payload {
		payload[i] = silentHigh | g.band.encode(int(alawLinear[b])>>1)
	}
}
