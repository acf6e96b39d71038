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

func (p *predictive) odds(k *Call) float64 {
	if !p.knows(OfLeads) {
		return 1
	}
	return p.model.Odds.of(&k.Lead)
}

// spend counts the time of a call in its stages until at. left is how it left then.
func (p *predictive) spend(k *Call, at time.Time, left bool, how exit) {
	m, o := &p.model.Calls, p.odds(k)
	since, ringing := p.rings(k)
	expected := 0.0
	if ringing {
		a, b := p.seen(k.Since), age(k.Rings, k.Since)
		if k.Rings.After(p.last) { // since the last look
			expected += m.Dialing.spend(&dialingPrior, a, b, o)
			m.Dialing.leave(b, toRinging)
		}
		expected += m.Ringing.spend(&ringingPrior, p.seen(since), age(at, since), o)
		if left {
			m.Ringing.leave(age(at, since), how)
		}
	} else {
		expected = m.Dialing.spend(&dialingPrior, p.seen(since), age(at, since), o)
		if left {
			m.Dialing.leave(age(at, since), how)
		}
	}
	m.Level.expect(expected)
}

// expected is how many answers were to be expected of a call that left at.
func (p *predictive) expected(k *Call, at time.Time) float64 {
	sum := 0.0
	add := func(answer *[stageBins]float64, seconds float64) {
		for i := range answer {
			d := min(seconds-float64(i), 1)
			if d <= 0 {
				break
			}
			sum += answer[i] * d
		}
	}
	since, ringing := p.rings(k)
	if ringing {
		add(&p.forecast.dialing.answer, age(k.Rings, k.Since))
		add(&p.forecast.ringing.answer, age(at, since))
	} else {
		add(&p.forecast.dialing.answer, age(at, since))
	}
	level, _ := p.model.Calls.Level.mean()
	return sum * level * p.odds(k)
}

// Observe implements Learner.
func (p *predictive) Observe(e Event) {
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
