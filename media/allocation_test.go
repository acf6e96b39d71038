package media

import (
	"testing"
	"time"
)

func TestRelayAllocatesNothing(t *testing.T) {
	s, agentPacket, at := benchBridge(t)
	b := make([]byte, len(agentPacket))
	if n := testing.AllocsPerRun(1000, func() {
		copy(b, agentPacket)
		s.receiveRTP(b, partyAddr, at, nil)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// TestSecureRelayAllocatesNothing: decrypting and encrypting does not either.
func TestSecureRelayAllocatesNothing(t *testing.T) {
	e := bareEngine()
	customer, f := secureSession(t, e, testKey(1))
	f.drop = true
	agent, _ := secureSession(t, e, testKey(2))
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	phone, sequence, now := secureParty(t, testKey(2)), uint16(0), time.Now()
	buf := make([]byte, 0, maxDatagram)
	before := customer.Stats().Sent
	if n := testing.AllocsPerRun(1000, func() {
		sequence++
		packet := buf[:headerSize+160]
		header{payloadType: payloadPCMA, sequence: sequence, timestamp: uint32(sequence) * 160, ssrc: 7}.put(packet)
		sealed, err := phone.sealRTP(buf[:maxDatagram], packet)
		if err != nil {
			t.Fatal(err)
		}
		agent.receiveRTP(sealed, partyAddr, now, nil)
	}); n > decryptAllocates {
		t.Errorf("%v allocations a packet", n)
	}
	if sent := customer.Stats().Sent - before; sent != 1001 {
		t.Errorf("%d of 1001 packets went on", sent)
	}
}

func BenchmarkRelay(b *testing.B) {
	s, agentPacket, at := benchBridge(b)
	buf := make([]byte, len(agentPacket))
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, agentPacket)
		s.receiveRTP(buf, partyAddr, at, nil)
	}
}

// nullTap takes packets and does nothing.
type nullTap struct{ packets int }

func (n *nullTap) Tap(*Packet) { n.packets++ }

// benchBridge is the agent's session of a bridge with transcoding and a tap.
func benchBridge(t testing.TB) (*Session, []byte, time.Time) {
	e := bareEngine()
	customer, f := bareSession(t, e, "0")
	f.drop = true
	agent, _ := bareSession(t, e, "8")
	agent.AddTap(&nullTap{})
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	p := speech(1, 1, 1)
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return agent, b, time.Now()
}

// relaysWithoutAllocating holds that neither a relayed packet nor the clock's tick after it
// allocates, whatever else the customer of the bridge hears.
func relaysWithoutAllocating(t *testing.T, s *Session, agentPacket []byte, at time.Time) {
	t.Helper()
	buf := make([]byte, len(agentPacket))
	if n := testing.AllocsPerRun(1000, func() {
		copy(buf, agentPacket)
		s.receiveRTP(buf, partyAddr, at, nil)
		s.bridge.customer.tick(at, clockPeriod)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// TestTickAllocatesNothing covers idle sessions, which are most of the night.
func TestTickAllocatesNothing(t *testing.T) {
	s, f := bareSession(t, bareEngine(), "8")
	f.drop = true
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { now = now.Add(clockPeriod); s.tick(now, clockPeriod) }); n > 0.9 {
		t.Errorf("%v allocations a tick", n)
	}
}
