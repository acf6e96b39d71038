package record

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"ringpace/media"
)

// TestCallOverRTP records a call over real sockets that is bridged, held, bridged again,
// paused, and bridged to another agent. Each channel has what its party said at its time,
// to the sample, at its level and frequency, and silence for the rest; and what was said
// at one instant lies at one place in both channels, within a packet and by how much
// arrivals vary on a machine that is busy.
func TestCallOverRTP(t *testing.T) {
	call := newCallOverRTP(t)
	customer, rec := call.customer, call.rec
	first, second := call.telephone(media.PCMU, 997, -18), call.telephone(media.PCMA, 1503, -24)
	phones := []*telephone{customer, first, second}

	var bridge *media.Bridge
	var untap func()
	join := func(agent *telephone) func() {
		return func() {
			untap = agent.session.AddTap(rec.Agent())
			var err error
			if bridge, err = call.engine.Bridge(customer.session, agent.session); err != nil {
				t.Fatal(err)
			}
		}
	}
	part := func() {
		bridge.Close()
		untap()
	}
	const (
		paused, resumed = 95, 110
		last            = 155
	)
	steps := map[int]func(){ // before the packet of that number
		20: join(first), 45: part, 70: join(first), paused: rec.Pause, resumed: rec.Resume,
		130: func() { part(); join(second)() },
	}
	for n := range last {
		if step := steps[n]; step != nil {
			for _, p := range phones {
				p.awaitPackets(t, n)
			}
			step()
		}
		call.await(n)
		for _, p := range phones {
			p.send(t, n)
		}
	}
	for _, p := range phones {
		p.awaitPackets(t, last)
	}
	sum, l, rt := closed(t, rec)

	zero := bytes.Index(l, customer.said(0, paused*160))
	if zero < 0 {
		t.Fatal("the left channel does not begin with what the customer said")
	}
	type stretch struct {
		from, to int // packets
		of       *telephone
	}
	for _, c := range []struct {
		name    string
		channel []byte
		has     []stretch
	}{
		{"left", l, []stretch{{0, paused, customer}, {resumed, last, customer}}},
		{"right", rt, []stretch{{20, 45, first}, {70, paused, first}, {resumed, 130, first}, {130, last, second}}},
	} {
		rest := bytes.Clone(c.channel)
		for _, s := range c.has {
			slack := 160 + int(sampleCount(customer.jitter()+s.of.jitter()))
			want := s.of.said(s.from*160, (s.to-s.from)*160)
			media.Transcode(want, s.of.codec, media.PCMA)
			due := zero + s.from*160
			from := max(due-slack, 0)
			at := bytes.Index(c.channel[from:min(due+slack+len(want), len(c.channel))], want)
			if at < 0 {
				t.Errorf("%s: what was said from packet %d to %d is not there, give or take %d samples", c.name, s.from, s.to, slack)
				continue
			}
			heard := c.channel[from+at:][:len(want)]
			hz, level := s.of.hz, s.of.level
			if got := toneLevel(heard, hz); math.Abs(got-level) > 0.2 {
				t.Errorf("%s: %v Hz has %.2f dBFS from packet %d to %d, want %v", c.name, hz, got, s.from, s.to, level)
			}
			copy(rest[from+at:], silence(len(want)))
			if s.from != resumed { // a bridge sends on what came just before
				copy(rest[max(0, from+at-2*160):], silence(2*160))
			}
		}
		for i, b := range rest {
			if b != media.PCMA.Silence() {
				t.Errorf("%s: sound at sample %d, of packet %d, where nobody was to be heard", c.name, i, (i-zero)/160)
				break
			}
		}
	}
	if found, err := Find(call.recorder.cfg.Dir, "rtp"); err != nil || found.SHA256 != sum.SHA256 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// toneLevel is the level of a frequency, in dBFS by its power, taken over blocks of 100 ms.
func toneLevel(samples []byte, hz float64) float64 {
	sum, powers := 0.0, tonePowers(samples, hz)
	for _, power := range powers {
		sum += power
	}
	return 10 * math.Log10(sum/float64(len(powers)))
}

// usualToneLevel is the level that half of the blocks reach: what is mixed in time has a hole
// where a busy machine held a packet up.
func usualToneLevel(samples []byte, hz float64) float64 {
	powers := tonePowers(samples, hz)
	slices.Sort(powers)
	return 10 * math.Log10(powers[len(powers)/2])
}

// tonePowers are the powers of a frequency in each block of 100 ms.
func tonePowers(samples []byte, hz float64) (powers []float64) {
	const block = 800
	for ; len(samples) >= block; samples = samples[block:] {
		var re, im float64
		for i, b := range samples[:block] {
			x := float64(media.PCMA.Decode(b)) / (1 << 15)
			angle := 2 * math.Pi * hz * float64(i) / media.ClockRate
			re, im = re+x*math.Cos(angle), im+x*math.Sin(angle)
		}
		powers = append(powers, 2*(re*re+im*im)/(block*block))
	}
	return powers
}
