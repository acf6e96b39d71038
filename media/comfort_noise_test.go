package media

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// hush is a packet of comfort noise, as speech is one of talk.
func hush(sequence uint16, timestamp uint32, description ...byte) rtp.Packet {
	p := speech(sequence, timestamp, 0)
	p.PayloadType, p.Payload = payloadCN, description
	return p
}

// dBov is the power of a payload of G.711, 0 for a square wave of full scale.
func dBov(law Codec, payload []byte) float64 {
	return 10 * math.Log10(float64(law.Energy(payload))/float64(len(payload))/(1<<30))
}

// TestComfortNoiseNegotiated: offers have it by configuration, answers where the offer
// had it.
func TestComfortNoiseNegotiated(t *testing.T) {
	e := newTestEngine(t)
	for _, offers := range []bool{false, true} {
		s, err := e.NewSession(SessionConfig{ComfortNoise: offers})
		if err != nil {
			t.Fatal(err)
		}
		if offer := string(s.Offer()); strings.Contains(offer, "RTP/AVP 8 0 13 101") != offers || strings.Contains(offer, "a=rtpmap:13 CN/8000") != offers {
			t.Errorf("ComfortNoise %v: offered\n%s", offers, offer)
		}
		for formats, want := range map[string]string{"8 13": " 8 13\r\n", "13 8": " 8 13\r\n", "8": " 8\r\n", "8 101": " 8 101\r\n", "8 101 13": " 8 13 101\r\n", "8 96": " 8 96\r\n"} {
			answer, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP "+formats, "a=rtpmap:101 telephone-event/8000", "a=rtpmap:96 CN/8000"))
			if err != nil || !strings.Contains(string(answer), " RTP/AVP"+want) {
				t.Errorf("%s is answered with %v\n%s", formats, err, answer)
			}
		}
		if _, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 13")); err == nil {
			t.Error("comfort noise alone is taken for audio")
		}
	}
}

// TestComfortNoiseLevel: the noise has the level that was told, within bounds, in
// either law.
func TestComfortNoiseLevel(t *testing.T) {
	for _, law := range []Codec{PCMA, PCMU} {
		for told, want := range map[byte]float64{0: 30, 29: 30, 30: 30, 40: 40, 0x80 | 50: 50, 60: 60, 66: 66} {
			var c comfort
			c.take(ComfortNoise, []byte{told, 1, 2, 3})
			payload := make([]byte, ClockRate)
			c.noise(payload, law)
			if got := -dBov(law, payload); math.Abs(got-want) > 1 {
				t.Errorf("%v: told %d, made -%.1f dBov", law, told, got)
			}
			c.take(TelephoneEvent, []byte{1, 2, 3, 4})
			if !c.silent() {
				t.Error("a key ends the silence")
			}
			c.take(law, payload)
			if c.noise(payload, law); payload[0] != law.Silence() || payload[99] != law.Silence() {
				t.Error("noise after talk")
			}
		}
		var c comfort
		c.take(ComfortNoise, []byte{127})
		payload := make([]byte, 160)
		c.noise(payload, law)
		if got := dBov(law, payload); got > -70 {
			t.Errorf("%v: the least noise has %.1f dBov", law, got)
		}
	}
}

// TestComfortNoiseOverABridge: an agent talks, tells what the silence sounds like, is
// silent for 400 ms, and talks again. The customer, who takes comfort noise or does not,
// gets one stream that keeps time.
func TestComfortNoiseOverABridge(t *testing.T) {
	const (
		talk  = 't'
		sound = 'n' // noise made here
		told  = 'c' // comfort noise as it came
	)
	cases := []struct {
		name    string
		formats string
		guest   bool
		before  bool // the noise is told before the bridge
		heard   string
		markers []int
	}{
		{"customer takes none", "8 101", false, false, "ttt" + strings.Repeat("n", 19) + "ttt", []int{0, 3, 22}},
		{"customer takes it", "8 101 13", false, false, "ttt" + "c" + "ttt", []int{0, 4}},
		{"customer takes it, with a guest", "8 101 13", true, false, "ttt" + strings.Repeat("n", 19) + "ttt", []int{0, 3, 22}},
		{"customer takes none, bridged meanwhile", "8", false, true, strings.Repeat("n", 20) + "ttt", []int{0, 20}},
		{"customer takes it, bridged meanwhile", "8 13", false, true, "c" + "ttt", []int{1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := bareEngine()
			customer, heard := bareSession(t, e, c.formats)
			agent, _ := bareSession(t, e, "8 13")
			if c.guest {
				customer.out.admit(&voice{})
			}
			bridge := func() {
				if _, err := e.Bridge(customer, agent); err != nil {
					t.Fatal(err)
				}
			}
			now := time.Now().Add(time.Second) // later than the bridge
			sequence, timestamp := uint16(65533), uint32(1<<32-200)
			step := func() {
				now = now.Add(5 * ms)
				customer.tick(now, clockPeriod)
				now = now.Add(15 * ms)
				timestamp += 160
			}
			send := func(p rtp.Packet) {
				deliver(t, agent, p, now)
				sequence++
				step()
			}
			if !c.before {
				bridge()
				for range 3 {
					send(speech(sequence, timestamp, 1))
				}
			}
			deliver(t, agent, hush(sequence, timestamp, 45, 100, 120), now)
			sequence++
			if c.before {
				bridge()
			}
			for range 10 {
				step()
			}
			if c.formats == "8 101" { // told again, louder
				deliver(t, agent, hush(sequence, timestamp, 35), now)
				sequence++
			}
			for range 10 {
				step()
			}
			for i := range 3 {
				p := speech(sequence, timestamp, 2)
				p.Marker = i == 0
				send(p)
			}
			var kinds strings.Builder
			var markers []int
			for i, p := range heard.sent {
				switch {
				case p.PayloadType == payloadCN:
					kinds.WriteByte(told)
					if string(p.Payload) != "\x2d\x64\x78" {
						t.Errorf("the description became %x", p.Payload)
					}
				case p.Payload[0] == p.Payload[77] && p.Payload[1] == p.Payload[78] && p.Payload[0] < 3:
					kinds.WriteByte(talk)
				default:
					kinds.WriteByte(sound)
					want := -45.0
					if c.formats == "8 101" && i >= 12 {
						want = -35
					}
					if got := dBov(PCMA, p.Payload); math.Abs(got-want) > 3 {
						t.Errorf("packet %d has %.1f dBov, want %v", i, got, want)
					}
				}
				if p.Marker {
					markers = append(markers, i)
				}
			}
			checkUnbroken(t, heard.sent)
			first, last := heard.sent[0], heard.sent[len(heard.sent)-1]
			if got, want := last.Timestamp-first.Timestamp, uint32(25*160); !c.before && (got < want || got > want+320) {
				t.Errorf("26 packet times took %d samples", got)
			}
			if kinds.String() != c.heard {
				t.Errorf("heard %s, want %s", kinds.String(), c.heard)
			}
			if len(markers) != len(c.markers) || markers[0] != c.markers[0] || markers[len(markers)-1] != c.markers[len(markers)-1] {
				t.Errorf("markers at %v, want %v", markers, c.markers)
			}
			if n := customer.Stats().Unsent; n != 0 {
				t.Errorf("%d unsent", n)
			}
		})
	}
}

// TestComfortNoiseIsToldAgain: a far side that makes the noise itself is told it each
// second, by a stream that keeps time, after a prompt at once, and no more when the
// bridge is over.
func TestComfortNoiseIsToldAgain(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8 13")
	agent, _ := bareSession(t, e, "8 13")
	b, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Second)
	tick := func(n int) {
		for range n {
			now = now.Add(clockPeriod)
			customer.tick(now, clockPeriod)
		}
	}
	deliver(t, agent, hush(1, 0, 50), now)
	tick(160)
	if len(heard.sent) != 4 {
		t.Fatalf("in 3.2 s of silence there were %d packets, want one and three more", len(heard.sent))
	}
	for i, p := range heard.sent {
		if p.PayloadType != payloadCN || p.Marker || len(p.Payload) != 1 || p.Payload[0] != 50 || i > 0 && p.Timestamp-heard.sent[i-1].Timestamp != ClockRate {
			t.Errorf("packet %d: %v", i, p)
		}
	}
	customer.Play(PromptTone([]float64{440}, -10, 40*ms), false)
	tick(3)
	if n := len(heard.sent); n != 7 || heard.sent[6].PayloadType != payloadCN || heard.sent[5].PayloadType != payloadPCMA {
		t.Errorf("after the prompt: %d packets", n)
	}
	b.Close()
	tick(2)
	if n := len(heard.sent); n != 9 || heard.sent[8].PayloadType != payloadPCMA || heard.sent[8].Payload[0] != PCMA.Silence() {
		t.Errorf("after the bridge: %d packets", n)
	}
	checkUnbroken(t, heard.sent)
}

// TestSilenceKeepsTime: a bridged party that stops sending, and says nothing of it, is
// stood in for by a stream that goes at the pace of the clock, and talks on where it
// would have been.
func TestSilenceKeepsTime(t *testing.T) {
	for _, formats := range []string{"8", "8 13"} {
		e := bareEngine()
		customer, heard := bareSession(t, e, formats)
		agent, _ := bareSession(t, e, "8")
		if _, err := e.Bridge(customer, agent); err != nil {
			t.Fatal(err)
		}
		begin := time.Now().Add(time.Second)
		for i := range 200 {
			now := begin.Add(time.Duration(i) * 20 * ms)
			if i < 10 || i > 150 {
				deliver(t, agent, speech(uint16(min(i, i%150+9)), uint32(i)*160, 1), now)
			}
			customer.tick(now.Add(7*ms), clockPeriod)
		}
		for i, p := range heard.sent {
			if got := p.Timestamp - heard.sent[0].Timestamp; i >= 10 && (got < uint32(i+8)*160 || got > uint32(i+11)*160) {
				t.Fatalf("packet %d of %d belongs %d samples after the first", i, len(heard.sent), got)
			}
		}
		if n := len(heard.sent); n < 188 || n > 192 {
			t.Errorf("%d packets in 200 packet times", n)
		}
		checkUnbroken(t, heard.sent)
	}
}
