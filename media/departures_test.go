package media

import (
	"testing"
	"time"
)

// waiting are departures that wait until the test has them leave.
type waiting struct {
	part  uint32
	taken []*stream
}

func (w *waiting) later(o *stream, _ []byte, _ int) (uint32, bool) {
	w.taken = append(w.taken, o)
	return w.part, true
}

func (w *waiting) departed(part uint32) bool { return part != w.part }

// bridged is a bridge of two bare sessions, and what the customer's far side is sent.
func bridged(t *testing.T) (customer, agent *Session, b *Bridge, heard *fakeSocket) {
	t.Helper()
	e := bareEngine()
	customer, heard = bareSession(t, e, "8")
	agent, _ = bareSession(t, e, "8")
	b, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	return customer, agent, b, heard
}

// relayed lets a packet of the agent come that goes by those departures.
func relayed(t *testing.T, agent *Session, number uint16, at time.Time, by departures) {
	t.Helper()
	p := speech(number, uint32(number)*160, 1)
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	agent.receiveRTP(b, partyAddr, at, by)
}

// TestClockWaitsForDepartures: nothing that the clock sends overtakes a packet that was
// relayed and has not been sent yet, and what it owes it makes up for.
func TestClockWaitsForDepartures(t *testing.T) {
	customer, agent, _, heard := bridged(t)
	w, now := &waiting{part: 7}, time.Now()
	relayed(t, agent, 1, now, w)
	if len(w.taken) != 1 || w.taken[0] != customer.out || len(heard.sent) != 0 {
		t.Fatalf("%d packets wait, %d were sent", len(w.taken), len(heard.sent))
	}
	customer.Play(PromptTone([]float64{440}, -10, time.Second), false)
	now = now.Add(clockPeriod)
	customer.tick(now, clockPeriod)
	if len(heard.sent) != 0 {
		t.Fatal("the prompt overtook a packet")
	}
	w.part++
	now = now.Add(clockPeriod)
	customer.tick(now, clockPeriod)
	if len(heard.sent) != 2 {
		t.Errorf("%d packets of the prompt in two ticks", len(heard.sent))
	}
}

// TestBridgeWaitsForDepartures: when a bridge is closed, what it relayed has been sent. Where
// all has been already, nobody is waited for: all bridges wait meanwhile.
func TestBridgeWaitsForDepartures(t *testing.T) {
	for _, sent := range []bool{false, true} {
		_, agent, b, heard := bridged(t)
		w, want := &waiting{}, 1
		relayed(t, agent, 1, time.Now(), w)
		if sent {
			w.part++
			want = 0
		}
		b.Close()
		if heard.settled != want {
			t.Errorf("sent before %v: waited %d times", sent, heard.settled)
		}
	}
}

// TestBouncedIsUnsent: what could not be sent in the end counts as what could not be sent at
// once.
func TestBouncedIsUnsent(t *testing.T) {
	customer, agent, _, _ := bridged(t)
	w := &waiting{}
	relayed(t, agent, 1, time.Now(), w)
	relayed(t, agent, 2, time.Now(), w)
	w.taken[0].bounced(160)
	if s := customer.Stats(); s.Sent != 1 || s.Unsent != 1 {
		t.Errorf("%d sent, %d unsent", s.Sent, s.Unsent)
	}
	if n := customer.engine.total.sent.Load(); n != 1 {
		t.Errorf("%d sent by the engine", n)
	}
	if customer.out.octets != 160 {
		t.Errorf("%d octets", customer.out.octets)
	}
}
