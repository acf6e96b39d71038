package record

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"ringpace/media"
)

// telephone is the far side of a session: a socket that says a tone of its own.
type telephone struct {
	session *media.Session
	socket  *net.UDPConn
	codec   media.Codec
	hz      float64
	level   float64   // dBFS of the tone, by its power
	begin   time.Time // of the telephones' common clock
	header  rtp.Header

	mu      sync.Mutex
	heard   int           // packets that its session took
	late    time.Duration // of the latest, behind the time that it was due
	early   time.Duration // of the earliest
	arrived chan struct{} // one deep: a nudge
}

func newTelephone(t *testing.T, e *media.Engine, begin time.Time, codec media.Codec, hz, level float64) *telephone {
	t.Helper()
	s, err := e.NewSession(media.SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	socket, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	payloadType := map[media.Codec]uint8{media.PCMU: 0, media.PCMA: 8}[codec]
	port := socket.LocalAddr().(*net.UDPAddr).Port
	if _, err := s.Answer(fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP %d\r\n", port, payloadType)); err != nil {
		t.Fatal(err)
	}
	p := &telephone{session: s, socket: socket, codec: codec, hz: hz, level: level, begin: begin, arrived: make(chan struct{}, 1)}
	p.header = rtp.Header{Version: 2, PayloadType: payloadType, SequenceNumber: 65500, Timestamp: 1<<32 - 8000, SSRC: uint32(hz)}
	s.AddTap(p)
	return p
}

// Tap sees what the session took.
func (p *telephone) Tap(packet *media.Packet) {
	p.mu.Lock()
	late := packet.Arrival.Sub(p.begin.Add(time.Duration(p.heard) * 20 * ms))
	p.heard++
	p.late, p.early = max(p.late, late), min(p.early, late)
	p.mu.Unlock()
	select {
	case p.arrived <- struct{}{}:
	default:
	}
}

// said are n samples of the tone, from one on.
func (p *telephone) said(from, n int) []byte {
	b := make([]byte, n)
	amplitude := math.Sqrt2 * math.Pow(10, p.level/20) * (1 << 15)
	for i := range b {
		b[i] = p.codec.Encode(int16(amplitude * math.Sin(2*math.Pi*p.hz*float64(from+i)/media.ClockRate)))
	}
	return b
}

// send sends the n-th packet.
func (p *telephone) send(t *testing.T, n int) {
	t.Helper()
	packet := rtp.Packet{Header: p.header, Payload: p.said(n*160, 160)}
	packet.SequenceNumber += uint16(n)
	packet.Timestamp += uint32(n) * 160
	b, err := packet.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.socket.Write(b); err != nil {
		t.Fatal(err)
	}
}

// awaitPackets waits until the session took n.
func (p *telephone) awaitPackets(t *testing.T, n int) {
	t.Helper()
	for {
		p.mu.Lock()
		heard := p.heard
		p.mu.Unlock()
		if heard >= n {
			return
		}
		await(t, "a packet", p.arrived)
	}
}

// jitter is by how much the arrival of packets varied.
func (p *telephone) jitter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late - p.early
}

// TestCallOverRTP records a call over real sockets that is bridged, held, bridged again,
// paused, and bridged to another agent. Each channel has what its party said at its time,
// to the sample, at its level and frequency, and silence for the rest; and what was said
// at one instant lies at one place in both channels, within a packet and by how much
// arrivals vary on a machine that is busy.
func TestCallOverRTP(t *testing.T) {
	e, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	begin := time.Now()
	customer := newTelephone(t, e, begin, media.PCMA, 441, -12)
	first, second := newTelephone(t, e, begin, media.PCMU, 997, -18), newTelephone(t, e, begin, media.PCMA, 1503, -24)
	phones := []*telephone{customer, first, second}

	r := newTestRecorder(t, Config{})
	rec := start(t, r, Meta{ID: "rtp", Codec: media.PCMA})
	customer.session.AddTap(rec.Customer())
	var bridge *media.Bridge
	var untap func()
	join := func(agent *telephone) func() {
		return func() {
			untap = agent.session.AddTap(rec.Agent())
			if bridge, err = e.Bridge(customer.session, agent.session); err != nil {
				t.Fatal(err)
			}
		}
	}
	part := func() {
		bridge.Close()
		untap()
	}
	const (
		paused, resumed = 95, 110
		last            = 155
	)
	steps := map[int]func(){ // before the packet of that number
		20: join(first), 45: part, 70: join(first), paused: rec.Pause, resumed: rec.Resume,
		130: func() { part(); join(second)() },
	}
	for n := range last {
		if step := steps[n]; step != nil {
			for _, p := range phones {
				p.awaitPackets(t, n)
			}
			step()
		}
		time.Sleep(time.Until(begin.Add(time.Duration(n) * 20 * ms)))
		for _, p := range phones {
			p.send(t, n)
		}
	}
	for _, p := range phones {
		p.awaitPackets(t, last)
	}
	sum, l, rt := closed(t, rec)

	zero := bytes.Index(l, customer.said(0, paused*160))
	if zero < 0 {
		t.Fatal("the left channel does not begin with what the customer said")
	}
	type stretch struct {
		from, to int // packets
		of       *telephone
	}
	for _, c := range []struct {
		name    string
		channel []byte
		has     []stretch
	}{
		{"left", l, []stretch{{0, paused, customer}, {resumed, last, customer}}},
		{"right", rt, []stretch{{20, 45, first}, {70, paused, first}, {resumed, 130, first}, {130, last, second}}},
	} {
		rest := bytes.Clone(c.channel)
		for _, s := range c.has {
			slack := 160 + int(sampleCount(customer.jitter()+s.of.jitter()))
			want := s.of.said(s.from*160, (s.to-s.from)*160)
			media.Transcode(want, s.of.codec, media.PCMA)
			due := zero + s.from*160
			from := max(due-slack, 0)
			at := bytes.Index(c.channel[from:min(due+slack+len(want), len(c.channel))], want)
			if at < 0 {
				t.Errorf("%s: what was said from packet %d to %d is not there, give or take %d samples", c.name, s.from, s.to, slack)
				continue
			}
			heard := c.channel[from+at:][:len(want)]
			hz, level := s.of.hz, s.of.level
			if got := toneLevel(heard, hz); math.Abs(got-level) > 0.2 {
				t.Errorf("%s: %v Hz has %.2f dBFS from packet %d to %d, want %v", c.name, hz, got, s.from, s.to, level)
			}
			copy(rest[from+at:], silence(len(want)))
			if s.from != resumed { // a bridge sends on what came just before
				copy(rest[max(0, from+at-2*160):], silence(2*160))
			}
		}
		for i, b := range rest {
			if b != media.PCMA.Silence() {
				t.Errorf("%s: sound at sample %d, of packet %d, where nobody was to be heard", c.name, i, (i-zero)/160)
				break
			}
		}
	}
	if found, err := Find(r.cfg.Dir, "rtp"); err != nil || found.SHA256 != sum.SHA256 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// toneLevel is the level of a frequency, in dBFS by its power, taken over blocks of 100 ms.
func toneLevel(samples []byte, hz float64) float64 {
	const block = 800
	power, blocks := 0.0, 0
	for ; len(samples) >= block; samples = samples[block:] {
		var re, im float64
		for i, b := range samples[:block] {
			x := float64(media.PCMA.Decode(b)) / (1 << 15)
			angle := 2 * math.Pi * hz * float64(i) / media.ClockRate
			re, im = re+x*math.Cos(angle), im+x*math.Sin(angle)
		}
		power += 2 * (re*re + im*im) / (block * block)
		blocks++
	}
	return 10 * math.Log10(power/float64(blocks))
}
