package pacing

import (
	"math"
	"time"
)

// predictive is the marginal rule: one more number is dialed as long as an answer to it
// would find nobody with at most a certain probability, averaged over when it may come.
type predictive struct {
	c     Config
	model Model
	last  time.Time // of the last decision or event: until when calls and agents are observed

	base, scratch crowd
	curves        [3]curve
	fresh         [3][lookout]float64 // a new dial's
	risk, part    [lookout]float64
	ps            [3][]([lookout]float64)
}

// Model is what a campaign has learned.
type Model struct {
	Calls       callTable     `json:"calls"`
	Handling    handlingTable `json:"handling"`
	Calibration calibration   `json:"calibration"`
	Answers     int           `json:"answers"`
	Seen        float64       `json:"seen"` // seconds of agents' time observed
}

func newPredictive(c Config) *predictive { return &predictive{c: c} }

// age is how long ago since was, in seconds.
func age(now, since time.Time) float64 { return max(now.Sub(since).Seconds(), 0) }

// Observe implements Learner.
func (p *predictive) Observe(e Event) {
	from := func(since time.Time) float64 {
		if since.Before(p.last) {
			return age(p.last, since)
		}
		return 0
	}
	m := &p.model
	switch e.Kind {
	case CallAnswered:
		a := age(e.At, e.Call.Since)
		m.Calls.observe(from(e.Call.Since), a)
		m.Calls.answered(a)
		m.Calibration.answered(e.Call.Theta)
		m.Answers++
	case CallEnded:
		a := age(e.At, e.Call.Since)
		m.Calls.observe(from(e.Call.Since), a)
		m.Calls.ended(a)
	case CallAbandoned:
		m.Calibration.abandoned()
	case AgentDone:
		a := age(e.At, e.Busy)
		m.Handling.observe(from(e.Busy), a)
		m.Handling.done(a)
	}
}

// look counts the time that calls and agents have been as they are since the last look.
func (p *predictive) look(s *Snapshot) {
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State != Waiting {
			from := 0.0
			if k.Since.Before(p.last) {
				from = age(p.last, k.Since)
			}
			p.model.Calls.observe(from, age(s.Now, k.Since))
		}
	}
	for i := range s.Agents {
		if a := &s.Agents[i]; a.State == Engaged || a.State == WrapUp {
			from := 0.0
			if a.Busy.Before(p.last) {
				from = age(p.last, a.Busy)
			}
			p.model.Handling.observe(from, age(s.Now, a.Busy))
		}
	}
	p.last = s.Now
}

// Decide implements Pacer.
func (p *predictive) Decide(s Snapshot) Decision {
	p.look(&s)
	d, n := begin(p.c, s)
	target := p.c.Target
	points, weights := 1, [3]float64{1}
	mean, cv := p.model.Calls.Level.mean()
	factors := [3]float64{mean}
	if cv > 0.13 {
		points, weights = 3, [3]float64{1. / 6, 2. / 3, 1. / 6}
		spread := math.Sqrt(3) * cv
		factors = [3]float64{mean * max(1-spread, 0.05), mean, mean * (1 + spread)}
	}
	for i := range points {
		p.model.Calls.fill(&p.curves[i], factors[i])
		p.curves[i].within(&p.fresh[i], 0)
		p.ps[i] = p.ps[i][:0]
		for j := range s.Calls {
			if k := &s.Calls[j]; k.State != Waiting {
				var q [lookout]float64
				p.curves[i].within(&q, age(s.Now, k.Since))
				p.ps[i] = append(p.ps[i], q)
			}
		}
	}
	places := -n.waiting
	var busy [][lookout]float64
	for i := range s.Agents {
		switch a := &s.Agents[i]; a.State {
		case Free:
			places++
		case Engaged, WrapUp:
			places++
			var q [lookout]float64
			p.model.Handling.busy(&q, age(s.Now, a.Busy), p.c.Patience.Seconds())
			busy = append(busy, q)
		}
	}
	crowds := make([]crowd, points)
	for i := range points {
		c := &crowds[i]
		c.reset(places, len(busy)+len(p.ps[i]))
		for j := range busy {
			c.add(&busy[j])
		}
		for j := range p.ps[i] {
			c.add(&p.ps[i][j])
		}
	}
	// What all calls in flight could still cause.
	expected := func(extra int) float64 {
		sum := 0.0
		for i := range points {
			crowds[i].full(&p.part)
			var cum, before float64
			for k := range p.part {
				cum = float64(extra) * p.fresh[i][k]
				for j := range p.ps[i] {
					cum += p.ps[i][j][k]
				}
				sum += weights[i] * (cum - before) * p.part[k]
				before = cum
			}
		}
		return sum
	}
	theta, why := p.theta(&s, target, expected(0), n)
	d.Theta = theta
	dial := 0
	for ; dial < 500; dial++ {
		var risk, sum float64
		for i := range points {
			crowds[i].full(&p.part)
			before := 0.0
			for k := range p.part {
				q := p.fresh[i][k] - before
				before = p.fresh[i][k]
				risk += weights[i] * q * p.part[k]
				sum += weights[i] * q
			}
		}
		if sum <= 0 || risk/sum > theta {
			d.Risk = risk / max(sum, 1e-12)
			break
		}
		for i := range points {
			crowds[i].add(&p.fresh[i])
		}
	}
	if n.agents == 0 {
		dial = 0
	}
	d.Lines = d.InFlight + dial
	d.allow(dial, why)
	return d.within(p.c, s)
}

// theta is the risk that a new dial may have, and what bounds it.
func (p *predictive) theta(s *Snapshot, target, inFlight float64, n count) (float64, Limit) {
	theta, by := math.Inf(1), ByRisk
	kappa := p.model.Calibration.kappa()
	for i := range s.Windows {
		w := &s.Windows[i]
		left := age(w.Ends, s.Now)
		further := p.further(n, left)
		t := w.share(target*w.Ceiling, further) / kappa
		credit := w.credit()
		if credit < poissonQuantile(gateMargin*inFlight, gateTail) {
			t = min(t, safeTheta)
			if credit < 0 {
				t = min(t, debtTheta)
				if left < lastPart*8*3600 {
					t = 0
				}
			}
			if t < theta {
				by = ByCredit
			}
		}
		theta = min(theta, t)
	}
	return theta, by
}

// further is how many answers are to be expected in so many seconds.
func (p *predictive) further(n count, seconds float64) float64 {
	return 0.75 * float64(n.agents) * seconds / p.model.Handling.mean()
}
