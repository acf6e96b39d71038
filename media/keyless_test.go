package media

import (
	"net"
	"testing"
	"time"
)

// TestNothingBeforeKeys holds that a session which requires encryption takes no plain
// packet on its socket before keys are agreed on, and encrypted ones afterwards.
func TestNothingBeforeKeys(t *testing.T) {
	s, err := newTestEngine(t).NewSession(SessionConfig{Security: SecurityRequired})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	tap := &nullTap{}
	defer s.AddTap(tap)()
	s.Offer()
	far, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	send := func(b []byte) {
		t.Helper()
		if _, err := far.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	const plain = 3
	for sequence := range uint16(plain) {
		b, err := speech(sequence, uint32(sequence)*160, 5).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		send(b)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		stats := s.Stats()
		if stats.Received > 0 {
			t.Fatalf("%d plain packets are taken before there are keys", stats.Received)
		}
		if stats.Malformed == plain {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d packets are refused, want %d", stats.Malformed, plain)
		}
	}
	select {
	case <-s.Received():
		t.Error("a plain packet proves the leg")
	default:
	}
	if !s.LastReceived().IsZero() || tap.packets > 0 {
		t.Errorf("a tap sees %d plain packets, the last came at %v", tap.packets, s.LastReceived())
	}

	reoffer(t, s, testKey(1))
	b, err := speech(9, 1440, 5).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := secureParty(t, testKey(1)).sealRTP(make([]byte, maxDatagram), b)
	if err != nil {
		t.Fatal(err)
	}
	send(sealed)
	await(t, "the encrypted packet", s.Received())
}
