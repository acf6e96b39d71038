package media

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestGuestLeavesTheBridgeAsItIs holds that those who talk get, packet for packet and
// octet for octet, what they get without a guest, while one joins, listens and leaves.
func TestGuestLeavesTheBridgeAsItIs(t *testing.T) {
	for _, formats := range []string{"8", "0"} {
		run := func(part Part, visits int) *talkers {
			k := newTalkers(t, formats)
			k.customer.says, k.agent.says = noise, func(i int) byte { return noise(i + 77) }
			if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
				t.Fatal(err)
			}
			k.pass(10)
			for range visits {
				g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, part)
				if err != nil {
					t.Fatal(err)
				}
				k.pass(20)
				g.Leave()
				k.pass(5)
			}
			k.pass(100 - 25*visits)
			return k
		}
		plain := run(Monitor, 0)
		for part, name := range map[Part]string{Monitor: "monitor", Whisper: "whisper", Barge: "barge"} { // who says nothing
			visited := run(part, 3)
			for who, pair := range map[string][2][]rtp.Packet{
				"customer": {plain.customer.socket.sent, visited.customer.socket.sent},
				"agent":    {plain.agent.socket.sent, visited.agent.socket.sent},
			} {
				want, got := pair[0], pair[1]
				if len(got) != len(want) || len(got) < 110 {
					t.Fatalf("%s, payload type %s: the %s got %d packets, %d without a guest", name, formats, who, len(got), len(want))
				}
				for i := range got {
					if got[i].SequenceNumber-got[0].SequenceNumber != want[i].SequenceNumber-want[0].SequenceNumber ||
						got[i].Timestamp-got[0].Timestamp != want[i].Timestamp-want[0].Timestamp ||
						got[i].SSRC != got[0].SSRC || got[i].Marker != want[i].Marker || got[i].PayloadType != want[i].PayloadType {
						t.Fatalf("%s, payload type %s: the %s's packet %d has the header %+v, want as in %+v", name, formats, who, i, got[i].Header, want[i].Header)
					}
					if !bytes.Equal(got[i].Payload, want[i].Payload) {
						t.Fatalf("%s, payload type %s: the %s's packet %d has other audio", name, formats, who, i)
					}
				}
				checkUnbroken(t, got[1:])
			}
		}
	}
}

// TestGuestHearsBoth compares the guest's stream with the sum of the others', sample by
// sample, and finds nothing of it missing.
func TestGuestHearsBoth(t *testing.T) {
	k := newTalkers(t, "8")
	k.customer.says, k.agent.says = sine(PCMA, 440, 12000), sine(PCMA, 1130, 9000)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Monitor)
	if err != nil {
		t.Fatal(err)
	}
	k.pass(100)
	got := k.guest.heard(10)
	shift := 10*160 - voiceDepth
	for i, s := range got {
		at := shift + i
		want := PCMA.Decode(PCMA.Encode(saturate(int32(PCMA.Decode(k.customer.says(at))) + int32(PCMA.Decode(k.agent.says(at))))))
		if math.Abs(float64(s)-float64(want)) > 1100 { // a step of A-law at that level
			t.Fatalf("sample %d is %d, want %d", i, s, want)
		}
	}
	checkUnbroken(t, k.guest.socket.sent)
	g.Leave()
	before := len(k.guest.socket.sent)
	k.pass(5)
	for i, s := range k.guest.heard(before) {
		if s != PCMA.Decode(PCMA.Silence()) {
			t.Fatalf("a guest who has left hears %d at sample %d", s, i)
		}
	}
}

// TestGuestIsHeardByHisPart has a guest speak in each part, and looks who hears it and
// that it comes whole.
func TestGuestIsHeardByHisPart(t *testing.T) {
	k := newTalkers(t, "0")
	const loud = 15000
	k.guest.says, k.customer.says, k.agent.says = sine(PCMU, 700, loud), sine(PCMU, 440, loud), sine(PCMU, 1130, 500)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Monitor)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	for _, c := range []struct {
		part            Part
		customer, agent bool
	}{{Monitor, false, false}, {Whisper, false, true}, {Barge, true, true}, {Whisper, false, true}, {Monitor, false, false}} {
		g.Take(c.part)
		k.pass(5) // the voice finds its place
		for _, side := range []struct {
			name  string
			who   *talker
			other func(int) byte
			heard bool
		}{{"customer", k.customer, k.agent.says, c.customer}, {"agent", k.agent, k.customer.says, c.agent}} {
			from, at := len(side.who.socket.sent), int(k.guest.sent)*160
			k.pass(20)
			got := side.who.heard(from)
			if len(got) != 20*160 {
				t.Fatalf("part %d: the %s got %d samples", c.part, side.name, len(got))
			}
			fits := func(delay int) int { // samples in a row that are as they should be
				for i, s := range got {
					sum := int32(PCMU.Decode(side.other(at + i)))
					if side.heard {
						sum += int32(PCMU.Decode(k.guest.says(at + i - delay)))
					}
					if s != PCMU.Decode(PCMU.Encode(saturate(sum))) {
						return i
					}
				}
				return len(got)
			}
			best := fits(0)
			for delay := 0; side.heard && delay < voiceDeepest && best < len(got); delay++ {
				best = max(best, fits(delay))
			}
			if best != len(got) {
				t.Errorf("part %d: of %d samples at the %s %d are the sum of what it should hear", c.part, len(got), side.name, best)
			}
			checkUnbroken(t, side.who.socket.sent[1:])
		}
	}
}

// TestGuestsHearOneAnother has two guests of one call speak in every pair of parts.
func TestGuestsHearOneAnother(t *testing.T) {
	parts := []Part{Monitor, Whisper, Barge, Third}
	heard := map[[2]Part]bool{ // who speaks, who hears
		{Whisper, Monitor}: true, {Whisper, Whisper}: true, {Whisper, Barge}: true,
		{Barge, Monitor}: true, {Barge, Whisper}: true, {Barge, Barge}: true, {Barge, Third}: true,
		{Third, Monitor}: true, {Third, Whisper}: true, {Third, Barge}: true, {Third, Third}: true,
	}
	k := newTalkers(t, "0")
	second := k.add("0")
	k.guest.says, second.says = sine(PCMU, 700, 4000), sine(PCMU, 1100, 4000)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	one, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Monitor)
	if err != nil {
		t.Fatal(err)
	}
	two, err := k.engine.Join(second.Session, k.customer.Session, k.agent.Session, Monitor)
	if err != nil {
		t.Fatal(err)
	}
	look := func(a, b Part, gone bool) {
		t.Helper()
		k.pass(5)
		from := [2]int{len(k.guest.socket.sent), len(second.socket.sent)}
		k.pass(20)
		for _, c := range []struct {
			name   string
			who    *talker
			from   int
			hz     float64
			should bool
		}{
			{"the second hears the first", second, from[1], 700, heard[[2]Part{a, b}] && !gone},
			{"the first hears the second", k.guest, from[0], 1100, heard[[2]Part{b, a}] && !gone},
			{"the first hears themselves", k.guest, from[0], 700, false},
			{"the second hears themselves", second, from[1], 1100, false},
		} {
			if level := c.who.level(c.from, c.hz); level > 3800 != c.should || level > 100 && !c.should {
				t.Errorf("parts %d and %d: %s at %.0f, want %v", a, b, c.name, level, c.should)
			}
		}
	}
	for _, a := range parts {
		for _, b := range parts {
			one.Take(a)
			two.Take(b)
			look(a, b, false)
		}
	}
	two.Leave()
	look(Third, Third, true)
	one.Leave()
}

// TestLoudGuestsAreNotCutOff has four loud voices at once: what comes of them is their
// sum, softer, without the products of a sum that is cut off at full scale; and what is
// said afterwards has its level back.
func TestLoudGuestsAreNotCutOff(t *testing.T) {
	k := newTalkers(t, "0")
	const loud = 15000
	k.guest.says, k.agent.says = sine(PCMU, 700, loud), sine(PCMU, 1100, loud)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	third, fourth := k.add("0"), k.add("0")
	third.says, fourth.says = sine(PCMU, 1700, loud), sine(PCMU, 450, loud)
	var guests []*Guest
	for _, who := range []*talker{k.guest, third, fourth} {
		g, err := k.engine.Join(who.Session, k.customer.Session, k.agent.Session, Barge)
		if err != nil {
			t.Fatal(err)
		}
		guests = append(guests, g)
	}
	k.pass(25) // they find their places, and the limiter its
	from := len(k.customer.socket.sent)
	k.pass(50)
	least, most := math.Inf(1), 0.0
	for _, hz := range []float64{700, 1100, 1700, 450} {
		level := k.customer.level(from, hz)
		least, most = min(least, level), max(most, level)
	}
	if least < 6000 || most > loud || most/least > 1.1 {
		t.Errorf("four voices at levels from %.0f to %.0f", least, most)
	}
	for _, hz := range []float64{300, 950, 1500, 2100, 2700, 3300} { // 2a-b, a+b-c and the like
		if level := k.customer.level(from, hz); level > least/50 {
			t.Errorf("there is a tone of %.0f Hz at %.0f that nobody made, beside voices at %.0f", hz, level, least)
		}
	}
	for _, g := range guests {
		g.Leave()
	}
	k.pass(60)
	from, at := len(k.customer.socket.sent), int(k.agent.sent)*160
	k.pass(20)
	for i, s := range k.customer.heard(from) {
		if want := PCMU.Decode(k.agent.says(at + i)); s != want {
			t.Fatalf("sample %d after the guests have left is %d, want %d", i, s, want)
		}
	}
}

// TestGuestIsRecorded holds that a recording of the agent has a guest whom the customer
// hears, as the customer hears both, and none who whispers.
func TestGuestIsRecorded(t *testing.T) {
	k := newTalkers(t, "0")
	k.guest.says, k.agent.says = sine(PCMU, 700, 9000), sine(PCMU, 1130, 9000)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	recording, plain := &keptTap{}, &keptTap{}
	k.agent.AddTapWithGuests(recording)
	k.agent.AddTap(plain)
	g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Whisper)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	k.pass(20)
	if !slices.Equal(recording.samples, plain.samples) {
		t.Error("the recording of an agent to whom somebody whispers is not the agent alone")
	}
	g.Take(Barge)
	k.pass(20)
	customer := k.customer.heard(0)
	if n := len(customer); n != len(recording.samples) || !slices.Equal(recording.samples[20*160:], customer[20*160:]) {
		t.Error("the recording is not what the customer hears")
	}
	if slices.Equal(recording.samples[22*160:], plain.samples[22*160:]) {
		t.Error("nobody barged in")
	}
	if len(plain.samples) != len(recording.samples) || plain.samples[25*160+1] != PCMU.Decode(k.agent.says(25*160+1)) {
		t.Error("another tap hears the guest")
	}
}

// TestGuestWhileOnHold has the customer hear the music alone while on hold, and the agent
// the guest.
func TestGuestWhileOnHold(t *testing.T) {
	k := newTalkers(t, "8")
	k.guest.says = func(int) byte { return PCMA.Encode(5000) }
	g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Barge)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	k.customer.Play(PromptTone(nil, 0, time.Second), true)
	k.pass(20)
	want := PCMA.Decode(PCMA.Encode(5000))
	if got := k.agent.heard(10)[0]; got != want {
		t.Errorf("the agent hears %d, want %d", got, want)
	}
	if got := k.customer.heard(10)[0]; got > voiceZero {
		t.Errorf("the customer hears %d through the music", got)
	}
}

// TestGuestDoesNotHearWhoIsOnHold has guests of every part hear the agent alone while they
// are not to hear the customer, whatever part they take meanwhile, and both again after it.
func TestGuestDoesNotHearWhoIsOnHold(t *testing.T) {
	for _, part := range []Part{Monitor, Whisper, Barge, Third} {
		k := newTalkers(t, "8")
		k.customer.says, k.agent.says = sine(PCMA, 440, 6000), sine(PCMA, 1130, 6000)
		g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Monitor)
		if err != nil {
			t.Fatal(err)
		}
		hears := func(when string, customer, agent bool) {
			t.Helper()
			k.pass(10)
			from := len(k.guest.socket.sent)
			k.pass(20)
			for hz, want := range map[float64]bool{440: customer, 1130: agent} {
				if level := k.guest.level(from, hz); level > 5500 != want || level > 100 && !want {
					t.Errorf("part %d, %s: %.0f Hz at %.0f, want it heard: %v", part, when, hz, level, want)
				}
			}
		}
		hears("at first", true, true)
		g.Hear(false)
		g.Hear(false)
		g.Take(part)
		hears("on hold", false, true)
		g.Hear(true)
		g.Hear(true)
		hears("after the hold", true, true)
		g.Hear(false)
		g.Leave()
		g.Hear(true)
		hears("having left", false, false)
		if n := len(k.guest.out.guests.voices) + tapsOf(k.customer.Session); n > 0 {
			t.Errorf("part %d: %d things are left of a guest who has left", part, n)
		}
	}
}

func TestGuestOnce(t *testing.T) {
	k := newTalkers(t, "8")
	join := func(guest *talker) (*Guest, error) {
		return k.engine.Join(guest.Session, k.customer.Session, k.agent.Session, Monitor)
	}
	if _, err := join(k.agent); !errors.Is(err, ErrBridged) {
		t.Errorf("the agent as guest: %v", err)
	}
	g, err := join(k.guest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := join(k.guest); !errors.Is(err, ErrBridged) {
		t.Errorf("a guest again: %v", err)
	}
	if _, err := k.engine.Bridge(k.guest.Session, k.customer.Session); !errors.Is(err, ErrBridged) {
		t.Errorf("a bridge with a guest: %v", err)
	}
	g.Leave()
	g.Leave()
	g.Take(Barge)
	if len(k.customer.guests)+len(k.customer.out.guests.voices)+len(k.agent.out.guests.voices)+len(k.agent.chorus.mixer.voices)+len(k.guest.out.guests.voices)+tapsOf(k.customer.Session)+tapsOf(k.guest.Session) > 0 {
		t.Error("something is left of a guest who has left")
	}
	if g, err = join(k.guest); err != nil {
		t.Fatal(err)
	}
	g.Leave()
}

// TestGuestAllocatesNothing covers relayed packets with a guest who barges in.
func TestGuestAllocatesNothing(t *testing.T) {
	s, agentPacket, at := benchBridge(t)
	guest, f := bareSession(t, s.engine, "8")
	f.drop = true
	if _, err := s.engine.Join(guest, s.bridge.customer, s, Barge); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(agentPacket))
	if n := testing.AllocsPerRun(1000, func() {
		copy(b, agentPacket)
		guest.receiveRTP(b, partyAddr, at, nil)
		copy(b, agentPacket)
		s.receiveRTP(b, partyAddr, at, nil)
		guest.tick(at, clockPeriod)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// TestGuestWithdraws holds that a session which withdraws from a conversation is free for
// a bridge at once, whoever holds the guest.
func TestGuestWithdraws(t *testing.T) {
	k := newTalkers(t, "8")
	k.guest.Withdraw() // from nothing
	g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Third)
	if err != nil {
		t.Fatal(err)
	}
	k.guest.Withdraw()
	if _, err := k.engine.Bridge(k.guest.Session, k.agent.Session); err != nil {
		t.Error("who has withdrawn is not free:", err)
	}
	g.Leave()
	g.Take(Barge)
	if len(k.customer.guests)+len(k.customer.out.guests.voices) > 0 {
		t.Error("something is left of a guest who has withdrawn")
	}
}

// tapsOf is how many taps a session has.
func tapsOf(s *Session) (n int) {
	for e := s.taps.Load(); e != nil; e = e.next.Load() {
		n++
	}
	return n
}
