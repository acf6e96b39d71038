package media

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestPress holds that keys are sent as RFC 4733 wants them, in one unbroken stream,
// and that a session reads them as they were pressed.
func TestPress(t *testing.T) {
	e := bareEngine()
	s, heard := bareSession(t, e, "8 101")
	now := time.Now()
	tick := func(n int) {
		for range n {
			now = now.Add(clockPeriod)
			s.tick(now, clockPeriod)
		}
	}
	tick(3)
	if err := s.Press("5#"); err != nil {
		t.Fatal(err)
	}
	tick(22)
	var events []rtp.Packet
	for i, p := range heard.sent {
		if p.PayloadType == 101 {
			events = append(events, p)
		}
		if i > 0 && p.SequenceNumber != heard.sent[i-1].SequenceNumber+1 {
			t.Errorf("packet %d breaks the sequence", i)
		}
	}
	if len(events) != 14 { // 5 of 20 ms, the last of them an end, and 2 further ends, for each
		t.Fatalf("%d event packets", len(events))
	}
	reader := digitReader{}
	var got string
	for i, p := range events {
		if key, begins := reader.read(p.Payload, p.Timestamp); begins {
			got += string(key)
		}
		if end := p.Payload[1]&0x80 != 0; end != (i%7 >= 4) {
			t.Errorf("packet %d: end %v", i, end)
		}
		if p.Marker != (i%7 == 0) || p.Timestamp != events[i/7*7].Timestamp {
			t.Errorf("packet %d: marker %v, timestamp %d", i, p.Marker, p.Timestamp)
		}
	}
	if got != "5#" {
		t.Errorf("read %q", got)
	}
	if d := events[6].Payload; d[2] != 800>>8 || d[3] != 800&0xFF {
		t.Errorf("the event ends after %d samples", int(d[2])<<8|int(d[3]))
	}
	if last := heard.sent[len(heard.sent)-1]; last.PayloadType != 8 {
		t.Errorf("after the keys comes payload type %d", last.PayloadType)
	}
	if s.Press("x") == nil {
		t.Error("a key that there is none of was sent")
	}
	deaf, _ := bareSession(t, e, "8")
	if deaf.Press("1") == nil {
		t.Error("keys were sent to a party that takes none")
	}
}

// TestEscape holds that a code never reaches the bridged party, without a hole in the
// stream, that all other keys do, and that the escape key does when pressed twice.
func TestEscape(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8 101")
	agent, _ := bareSession(t, e, "8 101")
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	agent.Escape('*')
	now := time.Now()
	sequence, timestamp := uint16(1), uint32(0)
	press := func(keys string) {
		for _, k := range keys {
			for range 2 {
				p := speech(sequence, timestamp, 0)
				code := byte(0)
				for i, d := range eventDigits {
					if d == k {
						code = byte(i)
					}
				}
				p.PayloadType, p.Payload = 101, []byte{code, 10, 0, 160}
				deliver(t, agent, p, now)
				sequence++
			}
			timestamp += 800
		}
		deliver(t, agent, speech(sequence, timestamp, 1), now)
		sequence++
		timestamp += 160
	}
	for _, c := range []struct {
		keys, pass string
		release    bool
	}{{"12", "12", false}, {"*57", "", true}, {"3", "3", false}, {"**", "*", false}, {"4", "4", false}, {"*1", "", false}} {
		before := len(heard.sent)
		press(c.keys)
		got, reader := "", digitReader{}
		for i, p := range heard.sent[before:] {
			if p.PayloadType == 101 {
				if k, begins := reader.read(p.Payload, p.Timestamp); begins {
					got += string(k)
				}
			}
			if j := before + i; j > 0 && p.SequenceNumber != heard.sent[j-1].SequenceNumber+1 {
				t.Errorf("%s: packet %d breaks the sequence", c.keys, i)
			}
		}
		if got != c.pass {
			t.Errorf("pressed %q, the customer got %q", c.keys, got)
		}
		if c.release {
			agent.Release()
		}
	}
}
