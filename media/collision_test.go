package media

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// rawSocket keeps what is sent, as it is.
type rawSocket struct {
	fakeSocket
	sent [][]byte
}

func (r *rawSocket) WriteTo(b []byte, _ netip.AddrPort) error {
	r.sent = append(r.sent, append([]byte(nil), b...))
	return nil
}

// TestCollision: a far side that sends as the source that we are is heard, and we go on
// as another one, which is told; but not again and again where it sends back what it gets.
func TestCollision(t *testing.T) {
	for _, echo := range []bool{false, true} {
		e := bareEngine()
		s, heard := bareSession(t, e, "8")
		reports := &rawSocket{}
		s.pair.rtcp = reports
		now := time.Now()
		tick := func() {
			now = now.Add(clockPeriod)
			s.tick(now, clockPeriod)
		}
		tick()
		was := s.out.ssrc.Load()
		for i := range uint16(20) {
			p := speech(i, uint32(i)*160, 9)
			p.SSRC = was
			if echo {
				p = heard.sent[len(heard.sent)-1]
			}
			deliver(t, s, p, now)
			tick()
		}
		sources := map[uint32]bool{}
		for i, p := range heard.sent {
			sources[p.SSRC] = true
			if i > 1 && p.SequenceNumber != heard.sent[i-1].SequenceNumber+1 {
				t.Errorf("packet %d: sequence number %d after %d", i, p.SequenceNumber, heard.sent[i-1].SequenceNumber)
			}
			if i > 0 && p.Timestamp-heard.sent[i-1].Timestamp != 160 {
				t.Errorf("packet %d: the timestamp moves by %d", i, p.Timestamp-heard.sent[i-1].Timestamp)
			}
		}
		if len(sources) != 2 || s.out.ssrc.Load() == was || !heard.sent[1].Marker {
			t.Errorf("echo %v: sent as %v", echo, sources)
		}
		if got := s.Stats(); got.Received != 20 || got.Discarded != 0 || got.Sent != 21 {
			t.Errorf("echo %v: %+v", echo, got)
		}
		var gone []uint32
		for _, b := range reports.sent {
			packets, err := rtcp.Unmarshal(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range packets {
				if bye, ok := p.(*rtcp.Goodbye); ok {
					gone = append(gone, bye.Sources...)
				}
			}
		}
		if len(gone) != 1 || gone[0] != was {
			t.Errorf("echo %v: goodbye of %v, want of %v", echo, gone, was)
		}
		if r := s.report(now); !r.sender || r.packets != 20 || r.octets != 20*160 {
			t.Errorf("echo %v: reported %+v", echo, r)
		}
	}
}

// TestPacketTimesOverABridge has legs of every two packet times: what the agent says goes
// on as it comes, what plays is cut as the customer wants it, taps see all, and the stream
// has no gap and no overlap.
func TestPacketTimesOverABridge(t *testing.T) {
	for agentMS := 10; agentMS <= 60; agentMS += 10 {
		for customerMS := 10; customerMS <= 60; customerMS += 10 {
			t.Run(fmt.Sprintf("%d to %d ms", agentMS, customerMS), func(t *testing.T) {
				e := bareEngine()
				customer, heard := bareSession(t, e, "8", "a=ptime:"+strconv.Itoa(customerMS))
				agent, _ := bareSession(t, e, "8", "a=ptime:"+strconv.Itoa(agentMS))
				tap := &collect{make(chan Packet, 100)}
				agent.AddTap(tap)
				if _, err := e.Bridge(customer, agent); err != nil {
					t.Fatal(err)
				}
				now := time.Now().Add(time.Second)
				size := agentMS * 8
				relayed := 600 / agentMS
				for i := range relayed {
					p := speech(uint16(i), uint32(i*size), 1)
					p.Payload = make([]byte, size)
					deliver(t, agent, p, now)
					now = now.Add(time.Duration(agentMS) * ms)
				}
				customer.Play(PromptTone([]float64{440}, -10, 600*ms), false)
				for range 30 {
					now = now.Add(clockPeriod)
					customer.tick(now, clockPeriod)
				}
				if want := relayed + 600/customerMS; len(heard.sent) != want {
					t.Fatalf("%d packets, want %d", len(heard.sent), want)
				}
				for i, p := range heard.sent {
					want := size
					if i >= relayed {
						want = customerMS * 8
					}
					if len(p.Payload) != want || p.SequenceNumber != heard.sent[0].SequenceNumber+uint16(i) {
						t.Errorf("packet %d: %d samples, sequence number %d", i, len(p.Payload), p.SequenceNumber)
					}
					if i == 0 {
						continue
					}
					step, before := int(p.Timestamp-heard.sent[i-1].Timestamp), len(heard.sent[i-1].Payload)
					if step != before && (i != relayed || step < before || step > before+480) {
						t.Errorf("packet %d: %d samples after one of %d", i, step, before)
					}
				}
				if n := len(tap.seen); n != relayed {
					t.Errorf("the tap saw %d packets of %d", n, relayed)
				}
			})
		}
	}
}
