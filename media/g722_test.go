package media

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"testing"
	"time"
)

// TestG722Sequence: the beginning of the digital test sequence T2R2.COD of ITU-T G.722
// appendix II, octets that drive the decoder to its limits, gives that of T3L2.RC1, bit
// by bit: the lower band's output, doubled.
func TestG722Sequence(t *testing.T) {
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	codes := unhex("04A004A004A004A004A005A106A308A4" + "08A409A509A60BA80BA90DA90DA90EAA" + "0FAC0FAC10AB11AC10AC10AD11ED12AF")
	want := unhex("FFCE0084FE88040EF4D01E78ACAC6C408A9A7DD084E47FFE80007FFE81207F26" +
		"80007FFE82287EF680007F2280E07EFA80007F6480927FAE804C7FCA80DC7F5E" +
		"80F27EBC80C47FFE81187FFE80F27FC680007FBE80007FFE80207FFE80007FB2")
	band := newLowBand()
	for i, code := range codes {
		if got, want := uint16(2*band.decode(code)), binary.BigEndian.Uint16(want[2*i:]); got != want {
			t.Fatalf("sample %d is %04X, want %04X", i, got, want)
		}
	}
}

// TestG722RoundTrip: a tone goes through the codec with its level, and with noise far
// below it, and silence stays silent, whatever the octet's higher bits say.
func TestG722RoundTrip(t *testing.T) {
	encoder, decoder := newNarrowG722(), newNarrowG722()
	worst := func(amplitude float64) (level, noise float64) {
		payload := make([]byte, ClockRate)
		clean := make([]float64, len(payload))
		for i := range payload {
			clean[i] = amplitude * math.Sin(2*math.Pi*1000*float64(i)/ClockRate)
			payload[i] = encodeAlaw(int16(clean[i]))
		}
		encoder.encode(payload)
		for _, b := range payload {
			if b&0xC0 != silentHigh {
				t.Fatalf("octet %02X says something of the higher band", b)
			}
		}
		decoder.decode(payload)
		for i := 800; i < len(payload); i++ { // adapted
			v := float64(alawLinear[payload[i]])
			level += v * v
			noise += (v - clean[i]) * (v - clean[i])
		}
		return math.Sqrt(2 * level / float64(len(payload)-800)), 10 * math.Log10(level/noise)
	}
	for _, amplitude := range []float64{300, 3000, 16000} {
		if level, ratio := worst(amplitude); math.Abs(level/amplitude-1) > .05 || ratio < 25 {
			t.Errorf("a tone of %v comes back with %.0f, %.1f dB above its noise", amplitude, level, ratio)
		}
	}
	if level, _ := worst(0); level > 30 {
		t.Errorf("silence comes back with an amplitude of %.0f", level)
	}
}

// TestG722Bridge: the leg that speaks G.722 has it on the wire in both directions, taps
// and the customer have G.711, with packets of the same size and clock.
func TestG722Bridge(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "0")
	f := &fakeSocket{}
	cfg, err := SessionConfig{Codecs: []Codec{G722, PCMA}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	agent := newSession(e, cfg, portPair{rtp: f, rtcp: &fakeSocket{drop: true}})
	if err := agent.Accept(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 9 101", "a=rtpmap:9 G722/8000", "a=rtpmap:101 telephone-event/8000")); err != nil {
		t.Fatal(err)
	}
	if agent.Codec() != G722 {
		t.Fatalf("negotiated %v", agent.Codec())
	}
	tap := &collect{make(chan Packet, 100)}
	agent.AddTap(tap)
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	telephone, ear := newNarrowG722(), newNarrowG722()
	now := time.Now()
	tone := func(from int, law Codec) []byte {
		payload := make([]byte, 160)
		for i := range payload {
			payload[i] = law.Encode(int16(8000 * math.Sin(2*math.Pi*500*float64(from+i)/ClockRate)))
		}
		return payload
	}
	const packets = 20
	for n := range packets {
		p := speech(uint16(n+1), uint32(160*n), 0)
		p.PayloadType, p.Payload = payloadG722, tone(160*n, PCMA)
		telephone.encode(p.Payload)
		deliver(t, agent, p, now)
		q := speech(uint16(n+1), uint32(160*n), 0)
		q.PayloadType, q.Payload = payloadPCMU, tone(160*n, PCMU)
		deliver(t, customer, q, now)
		now = now.Add(clockPeriod)
	}
	loudness := func(payload []byte, law Codec) float64 {
		sum := 0.0
		for _, b := range payload {
			sum += float64(law.Decode(b)) * float64(law.Decode(b))
		}
		return math.Sqrt(2 * sum / float64(len(payload)))
	}
	last := heard.sent[packets-1]
	if l := loudness(last.Payload, PCMU); last.PayloadType != payloadPCMU || len(last.Payload) != 160 || math.Abs(l-8000) > 400 {
		t.Errorf("the customer hears payload type %d of amplitude %.0f", last.PayloadType, l)
	}
	for n, p := range f.sent {
		if p.PayloadType != payloadG722 || len(p.Payload) != 160 || n > 0 && p.Timestamp-f.sent[n-1].Timestamp != 160 {
			t.Fatalf("packet %d to the agent: %v", n, p.Header)
		}
		ear.decode(p.Payload)
	}
	if l := loudness(f.sent[packets-1].Payload, PCMA); math.Abs(l-8000) > 400 {
		t.Errorf("the agent hears an amplitude of %.0f", l)
	}
	if got := <-tap.seen; got.Codec != PCMA || len(got.Payload) != 160 {
		t.Errorf("the tap sees %v of %d octets", got.Codec, len(got.Payload))
	}
}

// TestG722AgainstAnother: for two seconds of a loud and soft mixture the lower band's
// octets are those of another encoder, bit by bit: of ffmpeg 5.1 (-c:a g722), fed with the
// same 16 kHz samples. What that says of the higher band is masked out. Each octet depends
// on all before it, by all that the decoder has too, but for its last table.
func TestG722AgainstAnother(t *testing.T) {
	const want = "b328067224c837feed6cc5a5a852da4b9238bac87274a4d21e1869fbd9a3633a"
	if got := fmt.Sprintf("%x", sha256.Sum256(lowerCodes(mixture()))); got != want {
		t.Errorf("the octets have the digest %s, want %s", got, want)
	}
}

// TestG722DecodedByAnother: of the same two seconds, whose octets have all codes that an
// encoder gives, another decoder makes bit by bit what ours does: ffmpeg 5.1 (-f g722, to
// s16le at 16 kHz), whose higher band is silent by silentHigh. Ours passes that band over,
// whatever it says.
func TestG722DecodedByAnother(t *testing.T) {
	const want = "4aba66c4c71486394b5e2bf488dc06831ec5667706975f12c8d67393a56fcdc6"
	band, codes := newLowBand(), map[byte]bool{}
	var window [24]int
	var samples []byte
	for i, code := range lowerCodes(mixture()) {
		codes[code] = true
		low := band.decode(code | byte(i)<<6)
		copy(window[:], window[2:])
		window[22], window[23] = low, low // the sum of both bands, and their difference
		even, odd := filtered(window)
		for _, x := range []int{odd, even} {
			samples = binary.LittleEndian.AppendUint16(samples, uint16(limit(x>>11)))
		}
	}
	if len(codes) != 60 {
		t.Errorf("%d codes, want all 60", len(codes))
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(samples)); got != want {
		t.Errorf("the samples have the digest %s, want %s", got, want)
	}
}

// lowerCodes are the lower band's octets of samples at 16 kHz.
func lowerCodes(samples []int16) []byte {
	band := newLowBand()
	codes := make([]byte, len(samples)/2)
	var window [24]int
	for i := range codes {
		copy(window[:], window[2:])
		window[22], window[23] = int(samples[2*i]), int(samples[2*i+1])
		codes[i] = band.encode(lowerBand(window))
	}
	return codes
}

// mixture is a signal of two tones and noise, at 16 kHz, whose level goes up and down.
func mixture() []int16 {
	samples := make([]int16, 32000)
	noise := uint32(1)
	for i := range samples {
		noise = noise*1664525 + 1013904223
		level := (i/1600*7919)%9000 + 100
		triangle := func(period int) int { return (i%period*4/2*level/period - level/2) }
		samples[i] = int16(triangle(37) + triangle(160) + int(int16(noise>>16))*level>>18)
	}
	return samples
}

// lowerBand is the lower band's sample of two more samples at 16 kHz, by the transmit
// filter (G.722 section 3.1).
func lowerBand(window [24]int) int {
	even, odd := filtered(window)
	return (even + odd) >> 14
}

// filtered are both sums of the quadrature mirror filter, which is the same for transmitting
// and receiving (G.722 sections 3.1 and 4.4).
func filtered(window [24]int) (even, odd int) {
	taps := [12]int{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}
	for i, tap := range taps {
		even += window[2*i] * tap
		odd += window[2*i+1] * taps[11-i]
	}
	return even, odd
}
