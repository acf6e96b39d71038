package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"
)

const ms = time.Millisecond

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

// TestSwitches drives one stream through all that can feed it and asks that it be
// unbroken, with the marker at the switches.
func TestSwitches(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8 101")
	agent, _ := bareSession(t, e, "8 101")
	now := time.Now()
	tick := func(n int) {
		for range n {
			now = now.Add(clockPeriod)
			customer.tick(now, clockPeriod)
		}
	}
	tick(5) // silence
	play := customer.Play(PromptTone([]float64{440}, -10, 50*ms), false)
	tick(4) // 2.5 packets of tone, then silence
	select {
	case <-play.Done():
	default:
		t.Error("the prompt is not over")
	}
	if !play.Completed() {
		t.Error("the prompt was not played to its end")
	}
	b, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint16(10) {
		now = now.Add(13 * ms)
		deliver(t, agent, speech(i, uint32(i)*160, 1), now)
		now = now.Add(7 * ms)
		customer.tick(now, clockPeriod)
	}
	tick(15) // the agent falls silent: after 200 ms the clock stands in
	deliver(t, agent, speech(25, 25*160, 2), now.Add(5*ms))
	b.Close()
	deliver(t, agent, speech(26, 26*160, 3), now.Add(25*ms)) // not relayed any more
	tick(5)
	checkUnbroken(t, heard.sent)
	var markers []int
	for i, p := range heard.sent {
		if p.Marker {
			markers = append(markers, i)
		}
		if p.Payload[0] == 3 {
			t.Error("a packet was relayed after the bridge closed")
		}
	}
	// Silence, prompt, relay, stand-in, relay, silence.
	want := []int{0, 5, 9, 19, len(heard.sent) - 6, len(heard.sent) - 5}
	if len(markers) != len(want) {
		t.Fatalf("markers at %v of %d, want %v", markers, len(heard.sent), want)
	}
	for i := range want {
		if markers[i] != want[i] {
			t.Errorf("markers at %v of %d, want %v", markers, len(heard.sent), want)
			break
		}
	}
}

// TestManySwitchesDoNotRunAhead: each switch may put a packet a little early, but
// the stream must not move away from the clock on the wall.
func TestManySwitchesDoNotRunAhead(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8")
	agent, _ := bareSession(t, e, "8")
	begin := time.Now()
	now := begin
	for i := range 500 {
		customer.tick(now, clockPeriod)
		b, err := e.Bridge(customer, agent)
		if err != nil {
			t.Fatal(err)
		}
		for k := range 3 {
			now = now.Add(20 * ms)
			deliver(t, agent, speech(uint16(i*3+k), uint32(i*3+k)*160, 1), now.Add(-15*ms))
		}
		b.Close()
		now = now.Add(20 * ms)
	}
	checkUnbroken(t, heard.sent)
	last := heard.sent[len(heard.sent)-1]
	streamed := samples(float64(last.Timestamp - heard.sent[0].Timestamp))
	if lead := streamed - now.Sub(begin); lead > 60*ms {
		t.Errorf("after 1000 switches the stream is %v ahead", lead)
	}
}

func TestHold(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8")
	now := time.Now()
	customer.tick(now, clockPeriod)
	hold := func(attribute string) {
		if _, err := customer.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 8", "a="+attribute)); err != nil {
			t.Fatal(err)
		}
	}
	hold("inactive")
	play := customer.Play(PromptTone([]float64{440}, -10, 40*ms), false)
	for range 50 {
		now = now.Add(clockPeriod)
		customer.tick(now, clockPeriod)
	}
	if len(heard.sent) != 1 {
		t.Errorf("%d packets were sent to a party on hold", len(heard.sent)-1)
	}
	select {
	case <-play.Done(): // so that nobody waits for ever
	default:
		t.Error("a prompt does not end on hold")
	}
	hold("sendrecv")
	now = now.Add(clockPeriod)
	customer.tick(now, clockPeriod)
	if len(heard.sent) != 2 {
		t.Fatal("no packet after the hold")
	}
	step := int32(heard.sent[1].Timestamp - heard.sent[0].Timestamp)
	if !heard.sent[1].Marker || step < 50*160 || heard.sent[1].SequenceNumber != heard.sent[0].SequenceNumber+1 {
		t.Errorf("after the hold: %v, timestamp step %d", heard.sent[1].Header, step)
	}
}

func TestPlayReplacesLoopsAndStops(t *testing.T) {
	e := bareEngine()
	s, heard := bareSession(t, e, "0")
	now := time.Now()
	tick := func() {
		now = now.Add(clockPeriod)
		s.tick(now, clockPeriod)
	}
	tone := PromptTone([]float64{440}, -10, 30*ms)
	loop := s.Play(tone, true)
	for range 10 {
		tick()
	}
	once := s.Play(tone, false)
	await(t, "the replaced prompt to be over", loop.Done())
	if loop.Completed() {
		t.Error("a loop completes")
	}
	tick()
	once.Stop()
	await(t, "the stopped prompt to be over", once.Done())
	if once.Completed() {
		t.Error("a stopped prompt counts as completed")
	}
	tick()
	for i, p := range heard.sent {
		quiet := true
		for _, b := range p.Payload {
			quiet = quiet && b == PCMU.Silence()
		}
		if quiet != (i == 11) {
			t.Errorf("packet %d: quiet is %v", i, quiet)
		}
	}
	again := s.Play(tone, true)
	s.Close()
	await(t, "the prompt of a closed session to be over", again.Done())
	await(t, "a prompt for a closed session to be over", s.Play(tone, true).Done())
}

// TestPlayOverABridge: the prompt goes before the peer's packets.
func TestPlayOverABridge(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8")
	agent, _ := bareSession(t, e, "8")
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	customer.Play(PromptTone([]float64{1000}, -10, 60*ms), false)
	for i := range uint16(6) {
		now = now.Add(clockPeriod)
		deliver(t, agent, speech(i, uint32(i)*160, 1), now)
		customer.tick(now, clockPeriod)
	}
	checkUnbroken(t, heard.sent)
	var from []byte
	for _, p := range heard.sent {
		source := byte('p')
		if p.Payload[0] == 1 && p.Payload[80] == 1 {
			source = 'a'
		}
		from = append(from, source)
	}
	if string(from) != "pppaaa" {
		t.Errorf("the customer heard %s, want three packets of the prompt, then the agent", from)
	}
}

func TestPacketTimes(t *testing.T) {
	for _, ptime := range []string{"10", "20", "30", "40", "50", "60"} {
		e := bareEngine()
		s, heard := bareSession(t, e, "8", "a=ptime:"+ptime)
		now := time.Now()
		total := 0
		for range 60 {
			now = now.Add(clockPeriod)
			s.tick(now, clockPeriod)
		}
		for _, p := range heard.sent {
			total += len(p.Payload)
		}
		checkUnbroken(t, heard.sent)
		if total != 60*160 {
			t.Errorf("packet time %s ms: %d samples in 60 ticks, want %d", ptime, total, 60*160)
		}
	}
}

func TestSendErrorsAreCounted(t *testing.T) {
	e := bareEngine()
	s, f := bareSession(t, e, "8")
	f.failed = errFake
	s.tick(time.Now(), clockPeriod)
	if stats := s.Stats(); stats.Unsent != 1 || stats.Sent != 0 {
		t.Errorf("sent %d, unsent %d", stats.Sent, stats.Unsent)
	}
}

// TestHeldUp: what a bridged party sent while the process was held up is relayed as it
// would have been, with no silence in between.
func TestHeldUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		held   time.Duration
		unread bool // the clock goes on, and what came lies in the socket
	}{
		{"the clock as well", 300 * ms, false},
		{"the clock as well, for long", 3 * time.Second, false},
		{"the reader", 300 * ms, true},
		{"the reader, for long", 1500 * ms, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := bareEngine()
			customer, heard := bareSession(t, e, "8")
			agent, in := bareSession(t, e, "8")
			if _, err := e.Bridge(customer, agent); err != nil {
				t.Fatal(err)
			}
			now, sequence := time.Now(), uint16(0)
			speak := func(n int) {
				for range n {
					sequence++
					deliver(t, agent, speech(sequence, uint32(sequence)*160, byte(sequence)), now)
				}
			}
			for range 5 {
				now = now.Add(clockPeriod)
				speak(1)
				customer.tick(now, clockPeriod)
			}
			if in.unread = c.unread; c.unread {
				for range c.held / clockPeriod {
					now = now.Add(clockPeriod)
					customer.tick(now, clockPeriod)
				}
			} else {
				now = now.Add(c.held)
				customer.tick(now, c.held)
			}
			in.unread = false
			speak(int(c.held / clockPeriod))
			for range 5 {
				now = now.Add(clockPeriod)
				speak(1)
				customer.tick(now, clockPeriod)
			}
			if len(heard.sent) != int(sequence) {
				t.Errorf("%d packets for %d", len(heard.sent), sequence)
			}
			for i, p := range heard.sent[1:] {
				before := heard.sent[i]
				if p.SequenceNumber != before.SequenceNumber+1 || p.Timestamp != before.Timestamp+160 || p.Payload[0] != before.Payload[0]+1 || p.Marker {
					t.Fatalf("packet %d: %v after %v", i+1, p.Header, before.Header)
				}
			}
		})
	}
}

// TestSilentParty: a bridged party that sends nothing is stood in for without a gap,
// though what is no packet of it always waits in its socket.
func TestSilentParty(t *testing.T) {
	for _, unread := range []bool{false, true} {
		e := bareEngine()
		customer, heard := bareSession(t, e, "8")
		agent, in := bareSession(t, e, "8")
		if _, err := e.Bridge(customer, agent); err != nil {
			t.Fatal(err)
		}
		now, ticks, want := time.Now(), 100, 1+91
		if in.unread = unread; unread {
			ticks += maxAwaited
		}
		deliver(t, agent, speech(1, 160, 1), now)
		for range ticks {
			now = now.Add(clockPeriod)
			customer.tick(now, clockPeriod)
		}
		if len(heard.sent) != want {
			t.Errorf("unread %v: %d packets, want %d", unread, len(heard.sent), want)
		}
		if !unread { // else its timestamps make up for the wait
			checkUnbroken(t, heard.sent)
		}
	}
}
