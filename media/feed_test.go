package media

import (
	"testing"
	"time"
)

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
