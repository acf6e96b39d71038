package media

import (
	"testing"
	"time"
)

const ms = time.Millisecond

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

func TestSendErrorsAreCounted(t *testing.T) {
	e := bareEngine()
	s, f := bareSession(t, e, "8")
	f.failed = errFake
	s.tick(time.Now(), clockPeriod)
	if stats := s.Stats(); stats.Unsent != 1 || stats.Sent != 0 {
		t.Errorf("sent %d, unsent %d", stats.Sent, stats.Unsent)
	}
}
