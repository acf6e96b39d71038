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

// stay is the time that a call was in its stage and that is not counted yet, in seconds since
// it came there.
type stay struct {
	from, to float64
	ringing  bool
	new      bool // it came there since the last look
}

// stay finds that time of a call until at, which is gap after the last look.
func (p *predictive) stay(k *Call, at time.Time, gap time.Duration) stay {
	since, ringing := p.rings(k)
	in := at.Sub(since)
	return stay{from: max((in - gap).Seconds(), 0), to: max(in.Seconds(), 0), ringing: ringing, new: in < gap}
}

// spend counts the time of a call to one of leads that are alike in its stages.
func (p *predictive) spend(k *Call, who *alike, in *stay) {
	if who.stages == nil && p.knows(OfLeads) {
		who.stages = p.model.Calls.list(k.Lead.List)
	}
	expected := 0.0
	f := p.forecasts.ofAll(&p.model)
	if in.ringing && in.new {
		from, dialed := p.seen(k.Since), age(k.Rings, k.Since)
		p.model.Calls.Dialing.spend(from, dialed, who.odds)
		p.model.Calls.Dialing.leave(dialed, toRinging)
		if who.stages != nil {
			who.stages.Dialing.spend(from, dialed, who.among)
			who.stages.Dialing.leave(dialed, toRinging)
		}
		expected += f.dialing.answers(from, dialed)
	}
	p.model.Calls.of(in.ringing).spend(in.from, in.to, who.odds)
	if who.stages != nil {
		who.stages.of(in.ringing).spend(in.from, in.to, who.among)
	}
	if in.ringing {
		expected += f.ringing.answers(in.from, in.to)
	} else {
		expected += f.dialing.answers(in.from, in.to)
	}
	p.model.Calls.Level.expect(expected * who.odds)
}

// expected is how many answers were to be expected of a call that left at.
func (p *predictive) expected(k *Call, at time.Time) float64 {
	f := p.forecasts.ofAll(&p.model)
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
		p.leave(&e.Call, e.At, toAnswer)
		m.Odds.learn(&e.Call.Lead, p.expected(&e.Call, e.At), true)
		m.Calls.Level.answered()
		m.Calibration.answered(e.Call.Theta)
	case CallEnded:
		p.leave(&e.Call, e.At, toEnd)
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

// leave counts a call that left its stage.
func (p *predictive) leave(k *Call, at time.Time, how exit) {
	who, in := p.like(&k.Lead), p.stay(k, at, at.Sub(p.last))
	p.spend(k, &who, &in)
	p.model.Calls.of(in.ringing).leave(in.to, how)
	if who.stages != nil {
		who.stages.of(in.ringing).leave(in.to, how)
	}
}

// look counts the time that calls and agents have been as they are since the last look.
func (p *predictive) look(s *Snapshot) {
	if gap := s.Now.Sub(p.last); gap < 0 || gap > longestLook {
		p.last = s.Now
	}
	p.survey(s)
	for i := range p.calls {
		f := &p.calls[i]
		p.spend(&s.Calls[f.at], &p.alike[f.alike], &f.stay)
	}
	for i := range s.Agents {
		if a := &s.Agents[i]; a.State == Engaged || a.State == WrapUp {
			p.model.Handling.observe(p.seen(a.Busy), age(s.Now, a.Busy))
		}
	}
	p.last = s.Now
}
