package pacing

import "math"

// lines paces by a number of lines per free agent: one in progressive mode, the
// configured ratio in power mode.
type lines struct {
	c        Config
	perAgent float64
}

// Decide implements Pacer. Fractions of a line are not dialed, so that a ratio of
// 1 never has more calls in flight than free agents.
func (p lines) Decide(s Snapshot) Decision {
	d, n := begin(p.c, s)
	if p.c.Mode == Power {
		d.Ratio = p.c.Ratio
	}
	d.Lines = int(math.Floor(p.perAgent*float64(n.free) + 1e-9))
	d.allow(d.Lines-d.InFlight, ByAgents)
	return d.within(p.c, s)
}

// preview dials what agents have asked for, as soon as the limits allow.
type preview struct{ c Config }

// Decide implements Pacer.
func (p preview) Decide(s Snapshot) Decision {
	d, n := begin(p.c, s)
	d.Asked = s.Asked
	d.allow(s.Asked, ByRequest)
	if n.agents == 0 {
		d.allow(0, ByAgents)
	}
	return d.within(p.c, s)
}

// begin returns a decision that holds what was counted and has no bound yet.
func begin(c Config, s Snapshot) (Decision, count) {
	n := s.count()
	return Decision{
		Dial: Unlimited, Mode: c.Mode, Agents: n.agents, Free: n.free,
		InFlight: n.inFlight(), Ringing: n.ringing, Waiting: n.waiting,
		Leads: s.Limits.Leads, Channels: s.Limits.Channels, Rate: s.Limits.Rate, MaxFlight: c.MaxInFlight,
	}, n
}

// allow lowers the decision to n where n is less, and names what bound it.
func (d *Decision) allow(n int, by Limit) {
	d.Limits = append(d.Limits, Allowance{by, max(n, 0)})
	if n < d.Dial {
		d.Dial, d.Bound = max(n, 0), by
	}
}

// Stopped is the decision to dial nothing, where no pacer is asked: why is in the
// snapshot's limits.
func Stopped(c Config, s Snapshot) Decision {
	d, _ := begin(c, s)
	return d.within(c, s)
}

// within holds the decision to the campaign's own maximum and the surroundings.
func (d Decision) within(c Config, s Snapshot) Decision {
	if c.MaxInFlight > 0 {
		d.allow(c.MaxInFlight-d.InFlight-s.Elsewhere.Calls, ByMaximum)
	}
	d.allow(s.Limits.Leads, ByLeads)
	d.allow(s.Limits.Channels, ByChannels)
	d.allow(s.Limits.Rate, ByRate)
	if s.Limits.Stop != "" {
		d.Dial, d.Bound, d.Stop = 0, ByStop, s.Limits.Stop
	}
	return d
}
