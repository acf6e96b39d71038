package pacing

import "time"

// Model is what a campaign has learned.
type Model struct {
	Calls       callTable     `json:"calls"`
	Handling    handlingTable `json:"handling"`
	Odds        odds          `json:"odds"`
	Calibration calibration   `json:"calibration"`
}

// age is how long ago since was, in seconds.
func age(now, since time.Time) float64 { return max(now.Sub(since).Seconds(), 0) }

// seen is how long what began at since was there at the last look, in seconds.
func (p *predictive) seen(since time.Time) float64 {
	if since.Before(p.last) {
		return age(p.last, since)
	}
	return 0
}

// rings is when the call began to ring, and whether it does as far as is known.
func (p *predictive) rings(k *Call) (time.Time, bool) {
	if p.knows(OfRinging) && !k.Rings.IsZero() {
		return k.Rings, true
	}
	return k.Since, false
}

// spend counts the time of a call in its stages until at. left is how it left then.
func (p *predictive) spend(k *Call, at time.Time, left bool, how exit) {
	m, f := &p.model.Calls, p.forecasts.of(&p.model, "")
	odds, n := 1.0, 1
	books := [2]struct {
		*stages
		odds float64
	}{{&m.stages, 1}}
	if p.knows(OfLeads) {
		odds = p.model.Odds.of(&k.Lead)
		books[0].odds = odds
		if list := m.list(k.Lead.List); list != nil {
			books[1].stages, books[1].odds = list, p.model.Odds.but(&k.Lead, listKind)
			n = 2
		}
	}
	expected := 0.0
	since, ringing := p.rings(k)
	if dialed := age(since, k.Since); ringing && k.Rings.After(p.last) { // since the last look
		for _, b := range books[:n] {
			b.Dialing.spend(p.seen(k.Since), dialed, b.odds)
			b.Dialing.leave(dialed, toRinging)
		}
		expected += f.dialing.answers(p.seen(k.Since), dialed)
	}
	from, to := p.seen(since), age(at, since)
	for _, b := range books[:n] {
		now := &b.Dialing
		if ringing {
			now = &b.Ringing
		}
		now.spend(from, to, b.odds)
		if left {
			now.leave(to, how)
		}
	}
	if ringing {
		expected += f.ringing.answers(from, to)
	} else {
		expected += f.dialing.answers(from, to)
	}
	m.Level.expect(expected * odds)
}

// expected is how many answers were to be expected of a call that left at.
func (p *predictive) expected(k *Call, at time.Time) float64 {
	f := p.forecasts.of(&p.model, "")
	level, _ := p.model.Calls.Level.mean()
	since, ringing := p.rings(k)
	sum := 0.0
	if ringing {
		sum = f.dialing.answers(0, age(k.Rings, k.Since)) + f.ringing.answers(0, age(at, since))
	} else {
		sum = f.dialing.answers(0, age(at, since))
	}
	return sum * level * p.model.Odds.of(&k.Lead)
}

// Observe implements Learner.
func (p *predictive) Observe(e Event) {
	p.turnTo(e.Node)
	m := &p.model
	switch e.Kind {
	case CallAnswered:
		p.spend(&e.Call, e.At, true, toAnswer)
		m.Odds.learn(&e.Call.Lead, p.expected(&e.Call, e.At), true)
		m.Calls.Level.answered()
		m.Calibration.answered(e.Call.Theta)
	case CallEnded:
		p.spend(&e.Call, e.At, true, toEnd)
		m.Odds.learn(&e.Call.Lead, p.expected(&e.Call, e.At), false)
	case CallAbandoned:
		m.Calibration.abandoned()
	case AgentDone:
		a := age(e.At, e.Busy)
		m.Handling.observe(p.seen(e.Busy), a)
		m.Handling.done(a)
	}
}

// longestLook is the longest time between two decisions that anything is learned of: in
// longer ones the process, or the clock, was not what it should be.
const longestLook = 10 * time.Second

// look counts the time that calls and agents have been as they are since the last look.
func (p *predictive) look(s *Snapshot) {
	if gap := s.Now.Sub(p.last); gap < 0 || gap > longestLook {
		p.last = s.Now
	}
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State != Waiting {
			p.spend(k, s.Now, false, toEnd)
		}
	}
	for i := range s.Agents {
		if a := &s.Agents[i]; a.State == Engaged || a.State == WrapUp {
			p.model.Handling.observe(p.seen(a.Busy), age(s.Now, a.Busy))
		}
	}
	p.last = s.Now
}
