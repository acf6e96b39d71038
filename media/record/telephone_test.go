package record

import (
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

// callOverRTP is a call over real sockets whose customer is recorded: each of its parties
// says a tone of its own from begin on.
type callOverRTP struct {
	t        *testing.T
	engine   *media.Engine
	begin    time.Time
	customer *telephone // in A-law, as the recording is
	recorder *Recorder
	rec      *Recording
}

func newCallOverRTP(t *testing.T) *callOverRTP {
	t.Helper()
	e, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	c := &callOverRTP{t: t, engine: e, begin: time.Now(), recorder: newTestRecorder(t, Config{})}
	c.customer = c.telephone(media.PCMA, 441, -12)
	c.rec = start(t, c.recorder, Meta{ID: "rtp", Codec: media.PCMA})
	c.customer.session.AddTap(c.rec.Customer())
	return c
}

// await waits until the n-th packet of each party is due.
func (c *callOverRTP) await(n int) { time.Sleep(time.Until(c.begin.Add(time.Duration(n) * 20 * ms))) }

// telephone is one more party.
func (c *callOverRTP) telephone(codec media.Codec, hz, level float64) *telephone {
	t := c.t
	t.Helper()
	s, err := c.engine.NewSession(media.SessionConfig{})
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
	p := &telephone{session: s, socket: socket, codec: codec, hz: hz, level: level, begin: c.begin, arrived: make(chan struct{}, 1)}
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
