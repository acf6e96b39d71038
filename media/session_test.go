package media

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// collect is a tap that keeps what it sees.
type collect struct{ seen chan Packet }

func (c *collect) Tap(p *Packet) {
	kept := *p
	kept.Payload = slices.Clone(p.Payload)
	c.seen <- kept
}

func TestTaps(t *testing.T) {
	e := bareEngine()
	s, _ := bareSession(t, e, "8 101")
	tap, other := &collect{make(chan Packet, 10)}, &nullTap{}
	remove := s.AddTap(tap)
	defer s.AddTap(other)()
	now := time.Now()
	p := speech(7, 8, 9)
	p.Marker = true
	deliver(t, s, p, now)
	got := <-tap.seen
	if got.Codec != PCMA || got.Sequence != 7 || got.Timestamp != 8 || got.SSRC != 7 || !got.Marker || !got.Arrival.Equal(now) || got.Payload[159] != 9 {
		t.Errorf("tapped %+v", got)
	}
	remove()
	remove()
	deliver(t, s, speech(8, 168, 9), now)
	if len(tap.seen) != 0 || other.packets != 2 {
		t.Errorf("after removal: %d packets, the other tap has %d", len(tap.seen), other.packets)
	}
}

// TestTapSeesTheForwardedPacket: what the bridge forwards at once is heard by the
// customer, so the recording of the agent must have it.
func TestTapSeesTheForwardedPacket(t *testing.T) {
	for _, before := range []bool{true, false} {
		e := bareEngine()
		customer, heard := bareSession(t, e, "0") // transcoding must not reach the tap
		agent, _ := bareSession(t, e, "8")
		now := time.Now()
		deliver(t, agent, speech(1, 160, 1), now.Add(-20*ms))
		deliver(t, agent, speech(2, 320, 2), now)
		tap := &collect{make(chan Packet, 10)}
		if before {
			agent.AddTap(tap)
		}
		if _, err := e.Bridge(customer, agent); err != nil {
			t.Fatal(err)
		}
		if !before {
			agent.AddTap(tap)
		}
		deliver(t, agent, speech(3, 480, 3), now.Add(20*ms))
		deliver(t, agent, speech(4, 640, 4), now.Add(40*ms))
		for want := uint16(2); want <= 4; want++ {
			if got := <-tap.seen; got.Sequence != want || got.Payload[0] != byte(want) {
				t.Errorf("tapped %d (%#x), want %d", got.Sequence, got.Payload[0], want)
			}
		}
		if len(heard.sent) != 3 || len(tap.seen) != 0 {
			t.Errorf("the customer heard %d packets, %d more were tapped", len(heard.sent), len(tap.seen))
		}
	}
}

func TestOldPacketIsNotForwarded(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8")
	agent, _ := bareSession(t, e, "8")
	deliver(t, agent, speech(1, 160, 1), time.Now().Add(-time.Second))
	b, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	if len(heard.sent) != 0 || len(b.FirstSent()) != 0 {
		t.Error("a packet of a second ago was forwarded")
	}
	deliver(t, agent, speech(2, 320, 1), time.Now())
	await(t, "the first packet", b.FirstSent())
}

func TestInputIsCounted(t *testing.T) {
	e := bareEngine()
	s, _ := bareSession(t, e, "8")
	now := time.Now()
	deliver(t, s, speech(1, 0, 1), now)
	s.receiveRTP([]byte("not RTP at all, but long enough"), partyAddr, now, nil)
	g729 := speech(2, 160, 1)
	g729.PayloadType = 18
	deliver(t, s, g729, now)
	p := speech(2, 160, 1)
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.receiveRTP(b, netip.MustParseAddrPort("192.0.2.66:6666"), now, nil)
	deliver(t, s, speech(4, 480, 1), now)
	stats := s.Stats()
	if stats.Received != 2 || stats.Malformed != 2 || stats.Strangers != 1 || stats.Discarded != 3 || stats.Lost != 2 {
		t.Errorf("stats %+v", stats)
	}
	if !s.LastReceived().Equal(now) {
		t.Errorf("last received %v", s.LastReceived())
	}
	if total := e.Stats(); total.Received != 2 || total.Malformed != 2 || total.Strangers != 1 {
		t.Errorf("engine %+v", total)
	}
}

func TestSymmetricRTP(t *testing.T) {
	e := newTestEngine(t)
	s := newTestSession(t, e)
	announced, natted := newPhone(t, s), newPhone(t, s)
	if err := s.Accept(announced.sdp("8")); err != nil {
		t.Fatal(err)
	}
	announced.wait(0, holds(PCMA.Silence()))
	natted.send(filled(1))
	await(t, "the first packet", s.Received())
	natted.wait(0, holds(PCMA.Silence())) // the stream follows the source
}

func TestReports(t *testing.T) {
	e := newTestEngine(t)
	s := newTestSession(t, e)
	p := newPhone(t, s)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if err := s.Accept(p.sdp("8", "a=rtcp:"+itoa(port)+" IN IP4 127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	p.send(filled(1))
	p.SequenceNumber++ // one is lost
	p.send(filled(1))
	await(t, "RTP", s.Received())
	heard, _ := p.wait(0, holds(PCMA.Silence()))
	for s.Stats().Received < 2 {
		await(t, "a tick", time.After(ms))
	}

	s.sendReport(time.Now())
	buf := make([]byte, 1500)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil || len(packets) != 2 {
		t.Fatalf("compound %v, %v", packets, err)
	}
	report, ok := packets[0].(*rtcp.SenderReport)
	if !ok || report.SSRC != heard.SSRC || report.PacketCount == 0 || report.OctetCount != 160*report.PacketCount {
		t.Fatalf("report %+v", packets[0])
	}
	if len(report.Reports) != 1 || report.Reports[0].SSRC != p.SSRC || report.Reports[0].TotalLost != 1 || uint16(report.Reports[0].LastSequenceNumber) != p.SequenceNumber-1 {
		t.Errorf("reception report %+v", report.Reports)
	}

	audioAt := s.LastReceived()
	// The party reports back, half a second after it had our report.
	answer := rtcp.ReceiverReport{SSRC: p.SSRC, Reports: []rtcp.ReceptionReport{{
		SSRC: heard.SSRC, TotalLost: 3, Jitter: 80,
		LastSenderReport: uint32(ntpTime(time.Now().Add(-time.Second)) >> 16), Delay: 1 << 15,
	}}}
	b, err := answer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(loopback, s.LocalAddr().Port()+1)
	if _, err := conn.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); s.Stats().RemoteLost != 3; {
		if time.Now().After(deadline) {
			t.Fatal("the report was not taken")
		}
		await(t, "a tick", time.After(ms))
	}
	if last := s.LastReceived(); time.Since(last) > patience || !last.After(audioAt) {
		t.Errorf("the party was heard last at %v, want the report's arrival, after %v", last, audioAt)
	}
	stats := s.Stats()
	if stats.RemoteJitter != 10*ms || stats.RoundTrip < 500*ms || stats.RoundTrip > patience {
		t.Errorf("remote jitter %v, round trip %v", stats.RemoteJitter, stats.RoundTrip)
	}

	s.Close()
	for { // the clock may have sent a report meanwhile
		n, err = conn.Read(buf)
		if err != nil {
			t.Fatalf("no last words: %v", err)
		}
		packets, err = rtcp.Unmarshal(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		if bye, ok := packets[len(packets)-1].(*rtcp.Goodbye); ok {
			if bye.Sources[0] != heard.SSRC {
				t.Errorf("last words %v", packets)
			}
			return
		}
	}
}

func itoa(port uint16) string {
	var digits []byte
	for ; port > 0; port /= 10 {
		digits = append(digits, '0'+byte(port%10))
	}
	slices.Reverse(digits)
	return string(digits)
}

func TestReportsAreDue(t *testing.T) {
	var r reports
	now := time.Now()
	r.begin(1, loopback, now)
	r.announce(partyAddr)
	count := 0
	for at := time.Duration(0); at < 10*time.Minute; at += clockPeriod {
		if due, _ := r.due(now.Add(at)); due {
			count++
		}
	}
	if count < 90 || count > 150 {
		t.Errorf("%d reports in ten minutes, want about 120", count)
	}
}

func FuzzReceive(f *testing.F) {
	p := speech(1, 2, 3)
	seed, _ := p.Marshal()
	f.Add(seed, seed, false)
	f.Add([]byte{0x80, 101, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 5, 10, 0, 80}, []byte{0x80, 13, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 60}, true)
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{0x81, 201, 0, 7}, false)
	f.Fuzz(func(t *testing.T, a, b []byte, bridge bool) {
		e := bareEngine()
		customer, heard := bareSession(t, e, "0 96")
		agent, _ := bareSession(t, e, "8 101")
		agent.AddTap(&nullTap{})
		now := time.Now()
		for i, datagram := range [][]byte{a, b, a} {
			if bridge && i == 1 {
				if _, err := e.Bridge(customer, agent); err != nil {
					t.Fatal(err)
				}
			}
			agent.receiveRTP(slices.Clone(datagram), partyAddr, now, nil)
			agent.receiveRTCP(slices.Clone(datagram), partyAddr, now)
			now = now.Add(20 * ms)
		}
		for _, p := range heard.sent {
			if p.PayloadType != payloadPCMU && p.PayloadType != 96 || p.SSRC != customer.out.ssrc.Load() {
				t.Errorf("relayed %v", p.Header)
			}
		}
	})
}

func TestSessionConfig(t *testing.T) {
	e := newTestEngine(t)
	for _, bad := range []SessionConfig{
		{Codecs: []Codec{TelephoneEvent}},
		{Codecs: []Codec{PCMA, PCMA}},
		{Codecs: []Codec{0}},
		{PTime: 5 * ms},
		{PTime: 25 * ms},
		{PTime: time.Second},
		{PTime: -20 * ms},
	} {
		if _, err := e.NewSession(bad); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
	for _, addr := range []netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if _, err := NewEngine(Config{Addr: addr}); !errors.Is(err, ErrAddress) {
			t.Errorf("engine at %v: %v", addr, err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	e := newTestEngine(t)
	a, b := newLeg(t, e, "8"), newLeg(t, e, "8")
	if _, err := e.Bridge(a.Session, b.Session); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-a.Digits(); open {
		t.Error("digits of a closed session")
	}
	if _, err := e.NewSession(SessionConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("a session of a closed engine: %v", err)
	}
	if stats := e.Stats(); stats.Sessions != 0 || stats.Bridges != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// TestLossOutlivesTheSession holds that an engine's count of lost packets has those of
// open and of closed sessions.
func TestLossOutlivesTheSession(t *testing.T) {
	e, err := NewEngine(Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := e.NewSession(SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	deliver(t, s, speech(1, 0, 1), now)
	deliver(t, s, speech(4, 480, 1), now)
	if lost := e.Stats().Lost; lost != 2 {
		t.Errorf("%d packets lost while the session is open, want 2", lost)
	}
	s.Close()
	if lost := e.Stats().Lost; lost != 2 {
		t.Errorf("%d packets lost after the session closed, want 2", lost)
	}
}
