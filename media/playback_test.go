package media

import (
	"slices"
	"testing"
	"time"
)

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

// TestAnnouncedToNobody holds that an announcement does not count as heard by a party who
// holds the call, and is told where it stopped once they are back.
func TestAnnouncedToNobody(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "8")
	now := time.Now()
	pass := func(ticks int) {
		for range ticks {
			now = now.Add(clockPeriod)
			customer.tick(now, clockPeriod)
		}
	}
	direction := func(attribute string) {
		if _, err := customer.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 8", "a="+attribute)); err != nil {
			t.Fatal(err)
		}
	}
	prompt := PromptTone([]float64{440}, -10, 200*ms)
	recording := &keptTap{}
	playing := customer.Announce(prompt, recording)
	pass(3)
	direction("sendonly")
	pass(50)
	select {
	case <-playing.Done():
		t.Error("it is over, though nobody heard it")
	default:
	}
	direction("sendrecv")
	pass(6)
	if playing.Completed() {
		t.Error("it is complete before its end")
	}
	pass(1)
	await(t, "its end", playing.Done())
	var sent []byte
	for _, p := range heard.sent {
		sent = append(sent, p.Payload...)
	}
	if !playing.Completed() || !slices.Equal(sent, prompt.alaw) || len(recording.samples) != len(prompt.alaw) {
		t.Errorf("completed %v, %d samples of %d are sent, and %d recorded", playing.Completed(), len(sent), len(prompt.alaw), len(recording.samples))
	}
}
