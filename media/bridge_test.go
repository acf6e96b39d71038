package media

import (
	"errors"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// leg is a session with its phone, negotiated for one codec.
type leg struct {
	*Session
	phone *phone
}

func newLeg(t *testing.T, e *Engine, formats string) leg {
	t.Helper()
	s := newTestSession(t, e)
	p := newPhone(t, s)
	s.Offer()
	if err := s.Accept(p.sdp(formats, "a=rtpmap:101 telephone-event/8000")); err != nil {
		t.Fatal(err)
	}
	if formats[0] == '0' {
		p.PayloadType = payloadPCMU
	}
	return leg{s, p}
}

func TestBridgeRelaysInOneStream(t *testing.T) {
	e := newTestEngine(t)
	customer, agent := newLeg(t, e, "8 101"), newLeg(t, e, "8 101")
	customer.phone.send(filled(0x11))
	agent.phone.send(filled(0x22))
	await(t, "the customer's RTP", customer.Received())
	await(t, "the agent's RTP", agent.Received())
	_, next := customer.phone.wait(0, holds(PCMA.Silence()))

	before := time.Now()
	b, err := e.Bridge(customer.Session, agent.Session)
	if err != nil {
		t.Fatal(err)
	}
	agent.phone.send(filled(0x23))
	first, next := customer.phone.wait(next, func(p rtp.Packet) bool { return p.Payload[0] != PCMA.Silence() })
	if !first.Marker {
		t.Error("the first packet after the bridge has no marker")
	}
	if at := await(t, "the first agent packet", b.FirstSent()); at.Before(before) {
		t.Errorf("first agent packet at %v, before the bridge at %v", at, before)
	}
	for i := byte(0x30); i < 0x40; i++ {
		agent.phone.send(filled(i))
		customer.phone.send(filled(i))
		_, next = customer.phone.wait(next, holds(i))
		agent.phone.wait(0, holds(i))
	}
	b.Close()
	customer.phone.wait(next, holds(PCMA.Silence()))
	checkUnbroken(t, customer.phone.heard())
	checkUnbroken(t, agent.phone.heard())
}

// checkUnbroken fails unless packets are one stream: one SSRC, sequence numbers
// without a hole, timestamps that go forward by at least a packet.
func checkUnbroken(t *testing.T, packets []rtp.Packet) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		last, p := packets[i-1], packets[i]
		if p.SSRC != last.SSRC {
			t.Errorf("packet %d: SSRC %#x after %#x", i, p.SSRC, last.SSRC)
		}
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Errorf("packet %d: sequence number %d after %d", i, p.SequenceNumber, last.SequenceNumber)
		}
		if step := int32(p.Timestamp - last.Timestamp); step < int32(len(last.Payload)) || step > 2*ClockRate {
			t.Errorf("packet %d: timestamp moves by %d", i, step)
		}
	}
}

func TestBridgeTranscodes(t *testing.T) {
	e := newTestEngine(t)
	customer, agent := newLeg(t, e, "8 101"), newLeg(t, e, "0 101")
	b, err := e.Bridge(customer.Session, agent.Session)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	loud := PCMU.Encode(8000)
	agent.phone.send(filled(loud))
	got, _ := customer.phone.wait(0, func(p rtp.Packet) bool { return p.Payload[0] != PCMA.Silence() })
	if got.PayloadType != payloadPCMA || got.Payload[0] != PCMA.Encode(PCMU.Decode(loud)) {
		t.Errorf("customer heard payload type %d, octet %#x", got.PayloadType, got.Payload[0])
	}
}

func TestBridgeOnce(t *testing.T) {
	e := newTestEngine(t)
	customer, agent, other := newTestSession(t, e), newTestSession(t, e), newTestSession(t, e)
	b, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Bridge(other, agent); !errors.Is(err, ErrBridged) {
		t.Errorf("second bridge: %v, want ErrBridged", err)
	}
	customer.Close()
	await(t, "the bridge to close with its session", b.Done())
	if _, err := e.Bridge(customer, agent); !errors.Is(err, ErrClosed) {
		t.Errorf("bridge of a closed session: %v, want ErrClosed", err)
	}
	if b, err = e.Bridge(other, agent); err != nil {
		t.Fatalf("the agent cannot be bridged again: %v", err)
	}
	b.Close()
}
