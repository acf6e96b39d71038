package record

import (
	"bytes"
	"math"
	"testing"

	"ringpace/media"
)

// TestGuestOverRTPWhileTheAgentIsSilent records, over real sockets, an agent whose telephone
// sends nothing for a while, with a guest who talks on and whom the customer hears. The right
// channel has the guest all along, but for the moment in which nobody stands in for the
// agent yet, and the agent at the time that they talk, as if they had never been silent.
func TestGuestOverRTPWhileTheAgentIsSilent(t *testing.T) {
	call := newCallOverRTP(t)
	customer, rec := call.customer, call.rec
	agent, guest := call.telephone(media.PCMU, 997, -18), call.telephone(media.PCMA, 1503, -15)

	defer agent.session.AddTapWithGuests(rec.Agent())()
	b, err := call.engine.Bridge(customer.session, agent.session)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	g, err := call.engine.Join(guest.session, customer.session, agent.session, media.Barge)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	const hushed, resumed, last = 40, 110, 150
	for n := range last {
		call.await(n)
		customer.send(t, n)
		guest.send(t, n)
		switch {
		case n < hushed:
			agent.send(t, n)
		case n >= resumed: // numbers go on, time has passed
			if n == resumed {
				agent.header.SequenceNumber -= resumed - hushed
			}
			agent.send(t, n)
		}
	}
	customer.awaitPackets(t, last)
	guest.awaitPackets(t, last)
	agent.awaitPackets(t, last-resumed+hushed)
	sum, l, right := closed(t, rec)

	zero := bytes.Index(l, customer.said(0, last*160))
	if zero < 0 {
		t.Fatal("the left channel is not what the customer said")
	}
	for _, c := range []struct {
		name          string
		from, to      int // packets
		agent, guests float64
	}{
		{"before", 5, 35, -18, -15},
		{"amid the silence", 60, 105, -90, -15},
		{"after", 115, 145, -18, -15},
	} {
		part := right[zero+c.from*160 : zero+c.to*160]
		for hz, want := range map[float64]float64{agent.hz: c.agent, guest.hz: c.guests} {
			got := usualToneLevel(part, hz)
			if off := math.Abs(got - want); off > 0.5 && (want > -60 || got > -50) {
				t.Errorf("%s: %v Hz has %.2f dBFS, want %v", c.name, hz, got, want)
			}
		}
	}
	if sum.Right.Lost != 0 || sum.Dropped != 0 {
		t.Errorf("%d packets of the agent are said to be lost, %d dropped", sum.Right.Lost, sum.Dropped)
	}
}
