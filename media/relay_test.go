package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestRelayNumbers gives a bridged agent's packets and compares the customer's
// stream: its steps of sequence number and timestamp, and its marker bits.
func TestRelayNumbers(t *testing.T) {
	type in struct {
		ms        int
		sequence  uint16
		timestamp uint32
		ssrc      uint32
		event     bool
	}
	type out struct {
		sequence  int16 // relative to the first
		timestamp int32
		marker    bool
	}
	cases := []struct {
		name string
		in   []in
		out  []out
	}{
		{
			"in order, over the wrap",
			[]in{{0, 65535, 1<<32 - 160, 1, false}, {20, 0, 0, 1, false}, {40, 1, 160, 1, false}},
			[]out{{0, 0, true}, {1, 160, false}, {2, 320, false}},
		},
		{
			"loss stays visible",
			[]in{{0, 1, 0, 1, false}, {60, 4, 480, 1, false}},
			[]out{{0, 0, true}, {3, 480, false}},
		},
		{
			"reordering stays as it is",
			[]in{{0, 1, 0, 1, false}, {20, 3, 320, 1, false}, {21, 2, 160, 1, false}, {40, 4, 480, 1, false}},
			[]out{{0, 0, true}, {2, 320, false}, {1, 160, false}, {3, 480, false}},
		},
		{
			"older than the switch is left out",
			[]in{{0, 5, 800, 1, false}, {1, 4, 640, 1, false}, {20, 6, 960, 1, false}},
			[]out{{0, 0, true}, {1, 160, false}},
		},
		{
			"silence suppression",
			[]in{{0, 1, 0, 1, false}, {1000, 2, 8000, 1, false}},
			[]out{{0, 0, true}, {1, 8000, false}},
		},
		{
			"a new SSRC",
			[]in{{0, 1, 0, 1, false}, {20, 900, 77777, 2, false}, {40, 901, 77937, 2, false}},
			[]out{{0, 0, true}, {1, 160, true}, {2, 320, false}},
		},
		{
			"a jump of the timestamp",
			[]in{{0, 1, 0, 1, false}, {20, 2, 1 << 30, 1, false}, {40, 3, 1<<30 + 160, 1, false}},
			[]out{{0, 0, true}, {1, 160, true}, {2, 320, false}},
		},
		{
			"a jump of the sequence number, known as one by the second packet",
			[]in{{0, 1, 0, 1, false}, {20, 20000, 160, 1, false}, {40, 20001, 320, 1, false}, {60, 20002, 480, 1, false}},
			[]out{{0, 0, true}, {1, 320, true}, {2, 480, false}},
		},
		{
			"a source that counts anew from a little lower",
			[]in{{0, 50, 0, 1, false}, {20, 51, 160, 1, false}, {40, 20, 320, 1, false}, {60, 21, 480, 1, false}},
			[]out{{0, 0, true}, {1, 160, false}, {2, 320, true}, {3, 480, false}},
		},
		{
			"a replay of more than a second ago is as late as it is",
			[]in{{0, 1, 0, 1, false}, {1800, 91, 90 * 160, 1, false}, {1801, 1, 0, 1, false}, {1820, 92, 91 * 160, 1, false}},
			[]out{{0, 0, true}, {90, 90 * 160, false}, {0, 0, false}, {91, 91 * 160, false}},
		},
		{
			"a replay of long ago is left out",
			[]in{{0, 1, 0, 1, false}, {2800, 141, 140 * 160, 1, false}, {2801, 1, 0, 1, false}, {2802, 2, 160, 1, false}, {2820, 142, 141 * 160, 1, false}},
			[]out{{0, 0, true}, {140, 140 * 160, false}, {141, 141 * 160, false}},
		},
		{
			"late, with a timestamp of long ago",
			[]in{{0, 50, 1 << 20, 1, false}, {20, 49, 0, 1, false}, {40, 51, 1<<20 + 160, 1, false}, {41, 50, 0, 1, false}},
			[]out{{0, 0, true}, {1, 160, false}},
		},
		{
			"audio that an event overtook",
			[]in{{0, 1, 0, 1, false}, {20, 3, 320, 1, true}, {21, 2, 160, 1, false}, {60, 4, 480, 1, false}},
			[]out{{0, 0, true}, {2, 320, false}, {1, 160, false}, {3, 480, false}},
		},
		{
			"an event keeps its timestamp",
			[]in{{0, 1, 0, 1, false}, {20, 2, 160, 1, true}, {40, 3, 160, 1, true}, {60, 4, 480, 1, false}},
			[]out{{0, 0, true}, {1, 160, false}, {2, 160, false}, {3, 480, false}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := bareEngine()
			customer, heard := bareSession(t, e, "8 101")
			agent, _ := bareSession(t, e, "8 101")
			if _, err := e.Bridge(customer, agent); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			for _, i := range c.in {
				p := speech(i.sequence, i.timestamp, 1)
				p.SSRC = i.ssrc
				if i.event {
					p.PayloadType, p.Payload = payloadEvent, []byte{1, 10, 0, 80}
				}
				deliver(t, agent, p, begin.Add(time.Duration(i.ms)*ms))
			}
			if len(heard.sent) != len(c.out) {
				t.Fatalf("%d packets came out, want %d", len(heard.sent), len(c.out))
			}
			for i, p := range heard.sent {
				got := out{int16(p.SequenceNumber - heard.sent[0].SequenceNumber), int32(p.Timestamp - heard.sent[0].Timestamp), p.Marker}
				if got != c.out[i] || p.SSRC != heard.sent[0].SSRC || heard.to[i] != partyAddr {
					t.Errorf("packet %d: %+v to %v, want %+v", i, got, heard.to[i], c.out[i])
				}
			}
		})
	}
}

func TestRelayOfEvents(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8 96")
	agent, agentHeard := bareSession(t, e, "8")
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	event := func(sequence uint16, payloadType uint8) rtp.Packet {
		p := speech(sequence, 160, 0)
		p.PayloadType, p.Payload = payloadType, []byte{7, 10, 0, 80}
		return p
	}
	deliver(t, agent, speech(1, 0, 1), now)
	deliver(t, agent, event(2, payloadEvent), now)
	deliver(t, customer, speech(1, 0, 1), now)
	deliver(t, customer, event(2, 96), now)
	deliver(t, customer, speech(3, 320, 2), now.Add(40*ms))
	if p := heard.sent[1]; p.PayloadType != 96 || p.Payload[0] != 7 {
		t.Errorf("the customer takes events as 96 and got %d", p.PayloadType)
	}
	// The agent takes no events: they are left out, without a hole in the numbers.
	if len(agentHeard.sent) != 2 || agentHeard.sent[1].SequenceNumber != agentHeard.sent[0].SequenceNumber+1 {
		t.Errorf("the agent heard %v", agentHeard.sent)
	}
	if d := <-customer.Digits(); d.Digit != '7' {
		t.Errorf("digit %q", d.Digit)
	}
	if stats := agent.Stats(); stats.Unsent != 1 {
		t.Errorf("%d unsent, want the event", stats.Unsent)
	}
}

// TestLateBehindWhatIsLeftOut has packets come late behind some that the far side does
// not take: each number goes out once, and none is missing at the end.
func TestLateBehindWhatIsLeftOut(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8") // takes no events
	agent, _ := bareSession(t, e, "8 101")
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, sequence := range []uint16{1, 4, 5, 5, 2, 3, 6, 9, 8, 7, 11, 13, 10, 12, 14} {
		p := speech(sequence, 160*uint32(sequence), byte(sequence))
		if sequence == 4 || sequence == 5 || sequence == 9 || sequence == 11 {
			p.PayloadType, p.Payload = payloadEvent, []byte{7, 10, 0, 80}
		}
		deliver(t, agent, p, now)
		now = now.Add(20 * ms)
	}
	numbers := map[uint16]byte{}
	for _, p := range heard.sent {
		n := p.SequenceNumber - heard.sent[0].SequenceNumber
		if other, taken := numbers[n]; taken {
			t.Errorf("packets %d and %d both went out as %d", other, p.Payload[0], n)
		}
		numbers[n] = p.Payload[0]
	}
	var order []byte
	for n := range uint16(len(numbers)) {
		order = append(order, numbers[n])
	}
	if want := []byte{1, 2, 3, 6, 7, 8, 10, 12, 13, 14}; !bytes.Equal(order, want) {
		t.Errorf("by their numbers: %v, want %v", order, want)
	}
}

// TestEventOverASwitch holds that a key stays one key where the stream is mapped anew
// amid its event: the source's packets were held up, and silence stood in for them.
func TestEventOverASwitch(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8 101")
	agent, _ := bareSession(t, e, "8 101")
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for sequence := uint16(1); sequence <= 4; sequence++ {
		p := speech(sequence, 160, 0)
		p.PayloadType, p.Payload = payloadEvent, []byte{7, 10, 0, 80}
		deliver(t, agent, p, now)
		for range 15 {
			now = now.Add(clockPeriod)
			customer.tick(now, clockPeriod)
		}
	}
	keys, reader := 0, digitReader{}
	for _, p := range heard.sent {
		if p.PayloadType == payloadEvent {
			if _, begins := reader.read(p.Payload, p.Timestamp); begins {
				keys++
			}
		}
	}
	if keys != 1 {
		t.Errorf("one key became %d", keys)
	}
}
