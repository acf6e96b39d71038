package media

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// lineTap lays what it sees on a line by its timestamps, and holds that no packet is
// missing and none comes twice.
type lineTap struct {
	t     *testing.T
	line  map[uint32]int16
	seen  map[uint16]bool
	first uint16
	next  uint16 // after the highest
}

func newLineTap(t *testing.T) *lineTap {
	return &lineTap{t: t, line: map[uint32]int16{}, seen: map[uint16]bool{}}
}

func (l *lineTap) Tap(p *Packet) {
	if len(l.seen) == 0 {
		l.first, l.next = p.Sequence, p.Sequence
	}
	if l.seen[p.Sequence] {
		l.t.Errorf("packet %d comes twice", p.Sequence)
	}
	l.seen[p.Sequence] = true
	if int16(p.Sequence-l.next) >= 0 {
		l.next = p.Sequence + 1
	}
	if !p.Codec.Audio() {
		return
	}
	for i, b := range p.Payload {
		l.line[p.Timestamp+uint32(i)] = p.Codec.Decode(b)
	}
}

// whole holds that there is no hole in the numbers.
func (l *lineTap) whole() {
	l.t.Helper()
	if n := int(l.next - l.first); n != len(l.seen) {
		l.t.Errorf("%d packets with %d numbers", len(l.seen), n)
	}
}

// heardAt lays what the far side of who was sent on a line that begins at the packet of that number.
func (who *talker) heardAt(from int) map[uint32]int16 {
	line := map[uint32]int16{}
	for _, p := range who.socket.sent[from:] {
		for i, b := range p.Payload {
			line[p.Timestamp-who.socket.sent[from].Timestamp+uint32(i)] = who.Codec().Decode(b)
		}
	}
	return line
}

// TestSilentAgentsGuestIsRecorded holds that what the customer hears of a guest and of the
// beep is recorded also while the agent's telephone sends nothing, or has said by comfort
// noise that it will not: at the place on the agent's time line that it has on the
// customer's, in time with what the agent says before and after, whatever comes late.
func TestSilentAgentsGuestIsRecorded(t *testing.T) {
	// The customer's samples are coded twice where guest and beep are mixed, and the steps of
	// loud ones are coarse.
	const tolerated = 1100
	for name, c := range map[string]struct{ told, late bool }{
		"nothing is sent": {}, "comfort noise": {told: true}, "a packet comes late": {late: true},
	} {
		for formats, codec := range map[string]Codec{"8": PCMA, "0": PCMU} {
			k, recording := newTalkers(t, formats+" 13"), newLineTap(t)
			k.guest.says, k.agent.says = sine(codec, 700, 9000), sine(codec, 1130, 9000)
			defer k.agent.AddTapWithGuests(recording)()
			if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
				t.Fatal(err)
			}
			g, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Barge)
			if err != nil {
				t.Fatal(err)
			}
			b := k.beeping()
			b.To(k.customer.Session)
			b.Beside(k.agent.Session)
			k.pass(30)
			late := rtp.Packet{Header: rtp.Header{
				Version: 2, PayloadType: k.agent.out.format.payloadType, SequenceNumber: k.agent.sent - k.agent.left,
				Timestamp: uint32(k.agent.sent) * 160, SSRC: k.agent.ssrc,
			}, Payload: filled(codec.Silence())}
			if c.late {
				k.agent.quiet = true
				k.pass(1) // it is on the way
				k.agent.quiet = false
				k.agent.left--
				k.pass(1)
			}
			silent := uint32(k.agent.sent) * 160
			if c.told {
				deliver(t, k.agent.Session, rtp.Packet{Header: rtp.Header{
					Version: 2, PayloadType: 13, SequenceNumber: k.agent.sent - k.agent.left, Timestamp: silent, SSRC: k.agent.ssrc,
				}, Payload: []byte{90}}, k.now)
				k.agent.left-- // which is as a packet more
			}
			k.agent.quiet = true
			k.pass(60)
			k.agent.quiet = false
			back := uint32(k.agent.sent) * 160
			end := uint32(1<<32 - 1)
			if c.late {
				end = back // the customer hears it between, where it is recorded in its place
				deliver(t, k.agent.Session, late, k.now)
			}
			k.pass(20)
			k.agent.quiet = true
			k.pass(30)
			g.Leave()
			k.pass(20)
			k.agent.quiet = false
			k.pass(20)
			recording.whole()

			heard, most := k.customer.heardAt(0), int16(0)
			for at, sample := range heard {
				got := recording.line[at]
				switch {
				case at >= end || c.late && at >= late.Timestamp && at < late.Timestamp+160:
				case math.Abs(float64(got)-float64(sample)) > tolerated:
					t.Fatalf("%s, %s: sample %d of the call is recorded as %d, the customer has heard %d", name, codec, at, got, sample)
				}
				if at >= silent+ClockRate/2 && at < back {
					most = max(most, got)
				}
			}
			if most < 8000 {
				t.Errorf("%s, %s: the guest is recorded at %d while the agent is silent", name, codec, most)
			}
			if len(heard) < int(back) {
				t.Errorf("%s, %s: the customer has heard %d samples", name, codec, len(heard))
			}
		}
	}
}

// TestMuteAgentsGuestIsRecorded has a guest recorded of an agent who has never sent a packet,
// and nothing once nobody records.
func TestMuteAgentsGuestIsRecorded(t *testing.T) {
	k, recording := newTalkers(t, "8"), &keptTap{}
	k.guest.says = sine(PCMA, 700, 9000)
	k.agent.quiet = true
	end := k.agent.AddTapWithGuests(recording)
	if _, err := k.engine.Bridge(k.customer.Session, k.agent.Session); err != nil {
		t.Fatal(err)
	}
	k.pass(5)
	if _, err := k.engine.Join(k.guest.Session, k.customer.Session, k.agent.Session, Barge); err != nil {
		t.Fatal(err)
	}
	k.pass(20)
	heard := k.customer.heard(0)
	if n := len(recording.samples); n < 15*160 || !slices.Equal(recording.samples, heard[len(heard)-n:]) {
		t.Errorf("%d samples are recorded, which are not the newest of what the customer has heard", n)
	}
	k.customer.Play(PromptTone(nil, 0, time.Second), true)
	n := len(recording.samples)
	k.pass(5)
	if len(recording.samples) != n {
		t.Error("the guest is recorded whom the customer does not hear for the music")
	}
	end()
	k.customer.Play(PromptTone(nil, 0, 20*ms), false)
	k.pass(10)
	if len(recording.samples) != n {
		t.Error("the tap sees packets after its end")
	}
}

// TestSilentAgentsGuestAllocatesNothing covers what the clock shows a recording.
func TestSilentAgentsGuestAllocatesNothing(t *testing.T) {
	s, guestPacket, at := benchBridge(t)
	guest, f := bareSession(t, s.engine, "8")
	f.drop = true
	shown := &nullTap{}
	s.AddTapWithGuests(shown)
	if _, err := s.engine.Join(guest, s.bridge.customer, s, Barge); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(guestPacket))
	at = at.Add(time.Second)
	if n := testing.AllocsPerRun(1000, func() {
		copy(b, guestPacket)
		guest.receiveRTP(b, partyAddr, at, nil)
		s.bridge.customer.tick(at, clockPeriod)
		at = at.Add(clockPeriod)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
