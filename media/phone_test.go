package media

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// patience bounds every wait of these tests.
const patience = 10 * time.Second

// loopback is where the tests' engines and phones live.
var loopback = netip.MustParseAddr("127.0.0.1")

func newTestEngine(t *testing.T) *Engine {
	t.Helper()
	e, err := NewEngine(Config{Addr: loopback})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func newTestSession(t *testing.T, e *Engine, codecs ...Codec) *Session {
	t.Helper()
	s, err := e.NewSession(SessionConfig{Codecs: codecs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// phone is the far side of a session: one UDP socket that keeps what it hears.
type phone struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
	rtp.Header

	mu      sync.Mutex
	arrived chan struct{} // closed and replaced at each packet
	packets []rtp.Packet
}

// newPhone returns a phone that sends to a session, with a stream of its own.
func newPhone(t *testing.T, s *Session) *phone { return newPhoneAt(t, s, loopback) }

func newPhoneAt(t *testing.T, s *Session, addr netip.Addr) *phone {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, conn: conn, to: s.LocalAddr(), arrived: make(chan struct{})}
	p.Header = rtp.Header{Version: 2, PayloadType: payloadPCMA, SSRC: 0x5EED, SequenceNumber: 65000, Timestamp: 1 << 31}
	var reading sync.WaitGroup
	reading.Go(p.read)
	t.Cleanup(func() { conn.Close(); reading.Wait() })
	return p
}

func (p *phone) read() {
	buf := make([]byte, 2048)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		var packet rtp.Packet
		if err := packet.Unmarshal(append([]byte(nil), buf[:n]...)); err != nil {
			p.t.Errorf("the session sent what is no RTP: %v", err)
			continue
		}
		p.mu.Lock()
		p.packets = append(p.packets, packet)
		close(p.arrived)
		p.arrived = make(chan struct{})
		p.mu.Unlock()
	}
}

func (p *phone) addr() netip.AddrPort {
	at := p.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// sdp is a session description of the phone. More are attribute lines.
func (p *phone) sdp(formats string, more ...string) []byte {
	place := "IN IP4 127.0.0.1"
	if p.addr().Addr().Is6() {
		place = "IN IP6 ::1"
	}
	body := "v=0\r\no=- 1 1 " + place + "\r\ns=-\r\nc=" + place + "\r\nt=0 0\r\n" +
		"m=audio " + strconv.Itoa(int(p.addr().Port())) + " RTP/AVP " + formats + "\r\n"
	for _, line := range more {
		body += line + "\r\n"
	}
	return []byte(body)
}

// send sends one packet and moves the stream on by it.
func (p *phone) send(payload []byte) {
	p.t.Helper()
	packet := rtp.Packet{Header: p.Header, Payload: payload}
	b, err := packet.Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.sendRaw(b)
	p.SequenceNumber++
	p.Timestamp += uint32(len(payload))
	p.Marker = false
}

func (p *phone) sendRaw(b []byte) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort(b, p.to); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the first packet heard, from index on, for which match holds, and
// the index after it.
func (p *phone) wait(from int, match func(rtp.Packet) bool) (rtp.Packet, int) {
	p.t.Helper()
	deadline := time.After(patience)
	for i := from; ; {
		p.mu.Lock()
		heard, arrived := p.packets, p.arrived
		p.mu.Unlock()
		for ; i < len(heard); i++ {
			if match(heard[i]) {
				return heard[i], i + 1
			}
		}
		select {
		case <-arrived:
		case <-deadline:
			p.t.Fatalf("the phone heard %d packets, none of them the one awaited", len(heard))
		}
	}
}

// heard returns all packets so far.
func (p *phone) heard() []rtp.Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packets
}

// filled is a payload of one octet repeated.
func filled(b byte) []byte {
	payload := make([]byte, 160)
	for i := range payload {
		payload[i] = b
	}
	return payload
}

func holds(b byte) func(rtp.Packet) bool {
	return func(p rtp.Packet) bool { return len(p.Payload) == 160 && p.Payload[0] == b && p.Payload[159] == b }
}

// await fails the test if c gives nothing in time.
func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}
