package media_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"ringpace/media"
	"ringpace/media/record"
)

const (
	ms        = time.Millisecond
	poison    = 0xF0   // is in no payload that a party sends
	transit   = 7 * ms // of packets that nothing holds up
	transited = 56     // the same in samples
)

// arrival is a datagram on its way to a session.
type arrival struct {
	at   time.Duration
	from netip.AddrPort
	b    []byte
	rtcp bool
}

// octets are the samples of the i-th packet; those of all packets differ, and none is
// silence.
func octets(i int) []byte {
	b := make([]byte, 160)
	for k := range b {
		b[k] = byte((160*i + k) % 199)
	}
	b[0] = byte(i / 199)
	return b
}

// spoken is the i-th packet of a party. Sequence numbers and timestamps wrap.
func spoken(i int) *rtp.Packet {
	return &rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: 8, SSRC: 7,
			SequenceNumber: uint16(65500 + i), Timestamp: 1<<32 - 1600 + 160*uint32(i),
		},
		Payload: octets(i),
	}
}

// arrives puts a packet on its way from the party.
func arrives(at time.Duration, p *rtp.Packet) arrival {
	b, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return arrival{at: at, from: media.PartyAddr, b: b}
}

func sentAt(i int) time.Duration { return time.Duration(i)*20*ms + transit }

// speech is what n packets are to the far side, each changed by change, which may be
// nil, and left out where that says so.
func speech(n int, change func(i int, p *rtp.Packet) bool) (out []arrival) {
	for i := range n {
		p := spoken(i)
		if change == nil || change(i, p) {
			out = append(out, arrives(sentAt(i), p))
		}
	}
	return out
}

// outcome is what became of the packets of a conversation.
type outcome struct {
	heard       []rtp.Packet // by the customer
	left, right []byte
	summary     record.Summary
	stats       media.SessionStats // the agent's
}

// conversation is a recorded bridge in virtual time.
type conversation struct {
	t               *testing.T
	begin           time.Time
	dir             string
	engine          *media.Engine
	customer, agent *media.Bare
	recorder        *record.Recorder
	recording       *record.Recording
	bridge          *media.Bridge
	untap           func() // the agent's channel
	said            int    // packets of the customer
}

func converse(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{t: t, begin: time.Now(), dir: t.TempDir(), engine: media.BareEngine()}
	c.customer, c.agent = media.NewBare(t, c.engine, "8 101"), media.NewBare(t, c.engine, "8 101")
	var err error
	if c.recorder, err = record.New(record.Config{Dir: c.dir, MinFree: 1, Writers: 1}); err != nil {
		t.Fatal(err)
	}
	if c.recording, err = c.recorder.Start(record.Meta{ID: "path", Start: c.begin}); err != nil {
		t.Fatal(err)
	}
	c.customer.AddTap(c.recording.Customer())
	c.join()
	return c
}

// join bridges the two, with a channel of the recording for the agent.
func (c *conversation) join() {
	c.t.Helper()
	if c.untap != nil {
		c.untap()
	}
	c.untap = c.agent.AddTap(c.recording.Agent())
	var err error
	if c.bridge, err = c.engine.Bridge(c.customer.Session, c.agent.Session); err != nil {
		c.t.Fatal(err)
	}
}

// run delivers what is on its way to the agent's session, and meanwhile lets the
// customer talk, and the clock tick.
func (c *conversation) run(toAgent []arrival) {
	slices.SortStableFunc(toAgent, func(a, b arrival) int { return int(a.at - b.at) })
	end := toAgent[len(toAgent)-1].at
	for i := 0; sentAt(i) <= end; i++ {
		for len(toAgent) > 0 && toAgent[0].at <= sentAt(i) {
			c.deliver(c.agent, toAgent[0])
			toAgent = toAgent[1:]
		}
		c.deliver(c.customer, arrives(sentAt(i), spoken(i)))
		if len(c.customer.Heard()) > 0 { // the clock's silence before is not of interest
			c.customer.Tick()
		}
		c.said++
	}
	for _, a := range toAgent {
		c.deliver(c.agent, a)
	}
}

func (c *conversation) deliver(to *media.Bare, a arrival) {
	time.Sleep(time.Until(c.begin.Add(a.at)))
	if a.rtcp {
		to.DeliverRTCP(slices.Clone(a.b), a.from)
	} else {
		to.Deliver(slices.Clone(a.b), a.from)
	}
}

// close ends the recording and reads it.
func (c *conversation) close() outcome {
	c.t.Helper()
	out := outcome{heard: c.customer.Heard(), stats: c.agent.Stats()}
	var err error
	if out.summary, err = c.recording.Close(); err != nil {
		c.t.Fatal(err)
	}
	if err := c.recorder.Close(); err != nil {
		c.t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(out.summary.Path)))
	if err != nil {
		c.t.Fatal(err)
	}
	for rest := b[12:]; ; {
		id, size := string(rest[:4]), binary.LittleEndian.Uint32(rest[4:])
		if id == "data" {
			for i := uint32(0); i+1 < size; i += 2 {
				out.left, out.right = append(out.left, rest[8+i]), append(out.right, rest[8+i+1])
			}
			return out
		}
		rest = rest[8+size+size&1:]
	}
}

// checkRecorded compares a channel with the packets that came: each begins at its place
// behind the first, lead samples from the start, and all else is silence.
func checkRecorded(t *testing.T, name string, channel []byte, lead int, came func(i int) bool, n int) {
	t.Helper()
	silence := bytes.Repeat([]byte{media.PCMA.Silence()}, 160)
	want := bytes.Repeat(silence[:1], lead)
	for i := range n {
		if came(i) {
			want = append(want, octets(i)...)
		} else {
			want = append(want, silence...)
		}
	}
	for i := range min(len(want), len(channel)) {
		if channel[i] != want[i] {
			t.Fatalf("%s: sample %d, of packet %d, is %#x, want %#x", name, i, (i-lead)/160, channel[i], want[i])
		}
	}
	// The other channel may last longer.
	for i := len(want); i < len(channel); i++ {
		if channel[i] != silence[0] {
			t.Fatalf("%s: sample %d, behind the last packet, is %#x", name, i, channel[i])
		}
	}
	if len(channel) < len(bytes.TrimRight(want, string(silence[:1]))) {
		t.Errorf("%s: %d samples, want %d", name, len(channel), len(want))
	}
}

// checkHeard holds that the packets that came went on, and no others, each at its place
// in one stream: with the distances in number and time that they were sent with.
func checkHeard(t *testing.T, heard []rtp.Packet, came func(i int) bool, n int) {
	t.Helper()
	index := map[string]int{}
	for i := range n {
		index[string(octets(i))] = i
	}
	order := slices.Clone(heard)
	slices.SortStableFunc(order, func(a, b rtp.Packet) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
	last := -1
	for k, p := range order {
		i, known := index[string(p.Payload)]
		switch {
		case !known:
			t.Fatalf("the customer heard what the agent did not say: % x…", p.Payload[:min(len(p.Payload), 8)])
		case !came(i):
			t.Fatalf("packet %d was to be left out", i)
		case p.SSRC != heard[0].SSRC || p.PayloadType != 8:
			t.Fatalf("packet %d went on as %v", i, p.Header)
		case k == 0 || i == last && p.SequenceNumber == order[k-1].SequenceNumber: // a repeat stays one
			last = i
			continue
		}
		before := order[k-1]
		step := uint16(i - last)
		if p.Marker { // the agent's numbers begin anew, ours go on
			step = 1
		}
		if i <= last || p.SequenceNumber-before.SequenceNumber != step || p.Timestamp-before.Timestamp != 160*uint32(i-last) {
			t.Fatalf("packet %d follows packet %d by %d in number, by %d in time", i, last, p.SequenceNumber-before.SequenceNumber, p.Timestamp-before.Timestamp)
		}
		for lost := last + 1; lost < i; lost++ {
			if came(lost) {
				t.Fatalf("packet %d did not go on", lost)
			}
		}
		last = i
	}
	if last != n-1 && came(n-1) {
		t.Errorf("the last packet that was heard is %d of %d", last, n)
	}
}

func all(int) bool { return true }
